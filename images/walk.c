#include "images/walk.h"

#include "lib/path.h"
#include "lib/strbuf.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#define DEPTH_MAX 64

struct walker {
    const char *root;
    walk_fn fn;
    void *userdata;
};

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int no_dots(const struct dirent *e)
{
    return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

static int walk_below(const struct walker *w, const char *below, int depth, struct error *err);

static int visit(const struct walker *w, const char *below, const char *name, int depth,
                 struct error *err)
{
    AUTO_FREE char *path = *below ? path_join(below, name) : xstrdup(name);
    AUTO_FREE char *full = path_join(w->root, path);
    struct stat st;
    if (lstat(full, &st) < 0)
        return error_errno(err, -errno, "%s", full);
    int r = w->fn(w->userdata, path, full, &st, err);
    return r == 0 && S_ISDIR(st.st_mode) ? walk_below(w, path, depth + 1, err) : r;
}

static int walk_below(const struct walker *w, const char *below, int depth, struct error *err)
{
    AUTO_FREE char *full = *below ? path_join(w->root, below) : xstrdup(w->root);
    if (depth > DEPTH_MAX)
        return error_set(err, -ELOOP, "%s: folders deeper than %d", full, DEPTH_MAX);
    struct dirent **names = NULL;
    int count = scandir(full, &names, no_dots, by_name);
    if (count < 0)
        return error_errno(err, -errno, "list %s", full);
    int r = 0;
    for (int i = 0; i < count; i++) {
        if (r == 0)
            r = visit(w, below, names[i]->d_name, depth, err);
        free(names[i]);
    }
    free(names);
    return r;
}

int walk(const char *dir, walk_fn fn, void *userdata, struct error *err)
{
    const struct walker w = {.root = dir, .fn = fn, .userdata = userdata};
    return walk_below(&w, "", 0, err);
}
