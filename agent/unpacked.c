#include "agent/unpacked.h"

#include "agent/paths.h"
#include "lib/path.h"
#include "lib/protocol.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARKER_MAX (16 * 1024 * 1024)

char *unpacked_marker(const char *digest)
{
    AUTO_FREE char *state = agent_path(AGENT_STATE_DIR);
    return xasprintf("%s/unpacked/%s.json", state, digest + strlen("sha256:"));
}

static json_int_t nanoseconds(const struct timespec *t)
{
    return (json_int_t) t->tv_sec * 1000000000 + t->tv_nsec;
}

static json_t *link_entry(const char *path)
{
    char target[PATH_MAX];
    ssize_t n = readlink(path, target, sizeof(target));
    return n < 0 ? NULL : json_pack("{s:s%}", "link", target, (size_t) n);
}

json_t *unpacked_entry(const char *path)
{
    struct stat st;
    if (lstat(path, &st) < 0) {
        return NULL;
    }
    if (S_ISLNK(st.st_mode)) {
        return link_entry(path);
    }
    if (S_ISDIR(st.st_mode)) {
        return json_pack("{s:b}", "folder", 1);
    }
    return json_pack("{s:I, s:I, s:I, s:I}", "mode", (json_int_t) st.st_mode, "size",
                     (json_int_t) st.st_size, "mtime", nanoseconds(&st.st_mtim), "ctime",
                     nanoseconds(&st.st_ctim));
}

int unpacked_check(const char *marker, const char *into, char **differs)
{
    AUTO_JSON *json = json_parse_file(marker, MARKER_MAX, NULL);
    const json_t *entries = json_object_get(json, "entries");
    if (!json_is_object(entries) || strcmp(json_get_string(json, "into", ""), into) != 0) {
        return 0;
    }
    const char *name;
    json_t *expected;
    json_object_foreach((json_t *) (uintptr_t) entries, name, expected) {
        AUTO_FREE char *path = path_join(into, name);
        AUTO_JSON *now = unpacked_entry(path);
        if (!now || !json_equal(now, expected)) {
            if (differs) {
                *differs = TAKE_PTR(path);
            }
            return 0;
        }
    }
    return 1;
}
