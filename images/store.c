#include "images/store.h"

#include "lib/digest.h"
#include "lib/path.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_whole(const char *path, const char *digest, int64_t size)
{
    struct stat st;
    char found[DIGEST_SIZE];
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (size < 0 || st.st_size == size) &&
           digest_file(path, found, NULL, NULL) == 0 && strcmp(found, digest) == 0;
}

int store_need(const char *cache_dir, const char *digest, int64_t size, store_fetch_fn fetch,
               void *userdata, char **path, struct error *err)
{
    AUTO_FREE char *dir = path_join(cache_dir, "downloads");
    AUTO_FREE char *file = path_join(dir, digest + strlen("sha256:"));
    int r = path_mkdir_p(dir, 0755, err);
    if (r < 0)
        return r;
    if (!is_whole(file, digest, size)) {
        if (unlink(file) < 0 && errno != ENOENT)
            return error_errno(err, -errno, "remove %s", file);
        if ((r = fetch(userdata, file, err)) < 0)
            return r;
    }
    *path = TAKE_PTR(file);
    return 0;
}
