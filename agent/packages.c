#include "agent/packages.h"

#include "agent/program.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define DPKG_INFO "/var/lib/dpkg/info"
#define LIST_MAX (16 * 1024 * 1024)
#define RPM_TIMEOUT_MS 20000

/* One path a line. On systems whose /usr was merged later a list may have the path without it. */
static bool list_has(const char *list, const char *path)
{
    const char *short_path = strncmp(path, "/usr/", 5) == 0 ? path + 4 : path;
    for (const char *line = list; *line;) {
        size_t len = strcspn(line, "\n");
        if ((len == strlen(path) && memcmp(line, path, len) == 0) ||
            (len == strlen(short_path) && memcmp(line, short_path, len) == 0)) {
            return true;
        }
        line += len + (line[len] == '\n');
    }
    return false;
}

static bool list_file_has(const char *file, const char *path)
{
    STRBUF(text, LIST_MAX);
    return file_read(file, &text, NULL) == 0 && list_has(text.data, path);
}

bool package_owns_dpkg(const char *info_dir, const char *path, char *package, size_t size)
{
    AUTO_DIR *dir = opendir(info_dir);
    if (!dir) {
        return false;
    }
    bool found = false;
    const struct dirent *entry;
    while (!found && (entry = readdir(dir))) {
        const char *suffix = strrchr(entry->d_name, '.');
        if (!suffix || strcmp(suffix, ".list") != 0) {
            continue;
        }
        AUTO_FREE char *file = path_join(info_dir, entry->d_name);
        found = list_file_has(file, path);
        if (found) {
            snprintf(package, size, "%.*s", (int) (suffix - entry->d_name), entry->d_name);
        }
    }
    return found;
}

static bool package_owns_rpm(const char *path, char *package, size_t size)
{
    if (!process_in_path("rpm")) {
        return false;
    }
    const char *const argv[] = {"rpm", "-qf", "--queryformat", "%{NAME}", "--", path, NULL};
    STRBUF(text, 4096);
    struct process_options options = program_options(NULL, RPM_TIMEOUT_MS);
    options.out = &text;
    if (process_run(argv, &options, NULL, NULL) < 0) {
        return false;
    }
    snprintf(package, size, "%s", text.data);
    return true;
}

bool package_owns(const char *path, char *package, size_t size)
{
    return package_owns_dpkg(DPKG_INFO, path, package, size) ||
           package_owns_rpm(path, package, size);
}
