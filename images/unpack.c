#include "images/unpack.h"

#include "images/walk.h"
#include "lib/path.h"
#include "lib/process.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define UNPACK_TIMEOUT_MS (20 * 60 * 1000)

bool unpack_is_tar(const char *name)
{
    static const char *const endings[] = {".tar",    ".tar.gz",  ".tgz",
                                          ".tar.xz", ".tar.bz2", ".tar.zst"};
    size_t len = strlen(name);
    for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
        size_t n = strlen(endings[i]);
        if (len > n && strcmp(name + len - n, endings[i]) == 0)
            return true;
    }
    return false;
}

static int check_entry(void *userdata, const char *path, const char *full, const struct stat *st,
                       struct error *err)
{
    (void) userdata;
    char target[PATH_MAX];
    if (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode))
        return 0;
    if (!S_ISLNK(st->st_mode))
        return error_set(err, -EPERM, "%s is no file, folder or symlink", path);
    ssize_t n = readlink(full, target, sizeof(target) - 1);
    if (n < 0)
        return error_errno(err, -errno, "read symlink %s", full);
    target[n] = '\0';
    if (path_link_stays_inside(path, target))
        return 0;
    return error_set(err, -EPERM, "%s is a symlink that may lead out of its folder", path);
}

int unpack_tar(const struct source_context *ctx, const char *file, const char *dir,
               struct error *err)
{
    const char *const argv[] = {"tar",
                                "--extract",
                                "--file",
                                file,
                                "--directory",
                                dir,
                                "--force-local",
                                "--no-same-owner",
                                "--same-permissions",
                                "--keep-old-files",
                                NULL};
    const struct process_options opts = {
        .timeout_ms = UNPACK_TIMEOUT_MS, .cancel = ctx->cancel, .die_with_parent = true};
    int r = process_run(argv, &opts, NULL, err);
    /* The next archive that is unpacked here would be written through such a symlink. */
    return r < 0 ? r : walk(dir, check_entry, NULL, err);
}
