#include "images/drop.h"

#include "images/walk.h"
#include "lib/path.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <unistd.h>

struct dropping {
    const struct strv *patterns;
    struct strv paths;
};

static int find_dropped(void *userdata, const char *path, const char *full, const struct stat *st,
                        struct error *err)
{
    (void) st;
    (void) err;
    struct dropping *d = userdata;
    for (size_t i = 0; i < d->patterns->count; i++)
        if (fnmatch(d->patterns->items[i], path, 0) == 0) {
            strv_add(&d->paths, full);
            break;
        }
    return 0;
}

int drop_matching(const char *dir, const struct strv *patterns, struct error *err)
{
    struct dropping d = {.patterns = patterns};
    int r = walk(dir, find_dropped, &d, err);
    for (size_t i = 0; r == 0 && i < d.paths.count; i++)
        if (faccessat(AT_FDCWD, d.paths.items[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            r = path_remove_tree(d.paths.items[i], err);
    strv_release(&d.paths);
    return r;
}
