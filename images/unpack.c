#include "images/unpack.h"

#include "lib/process.h"

#include <string.h>

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
    return process_run(argv, &opts, NULL, err);
}
