#include "images/tree.h"

#include "images/walk.h"
#include "lib/path.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE_PACKED 01777 /* set-user-id and set-group-id are left behind */

static struct tree_item *add(struct tree *t, enum tree_kind kind, const char *path, mode_t mode)
{
    if ((t->count & (t->count - 1)) == 0) /* a power of two: full */
        t->items = xrealloc(t->items, t->count ? t->count * 2 : 1, sizeof(*t->items));
    struct tree_item *item = &t->items[t->count++];
    *item = (struct tree_item){.kind = kind, .path = xstrdup(path), .mode = mode & MODE_PACKED};
    return item;
}

static void release_item(struct tree_item *item)
{
    free(item->path);
    free(item->source);
    free(item->text);
}

void tree_release(struct tree *t)
{
    for (size_t i = 0; i < t->count; i++)
        release_item(&t->items[i]);
    free(t->items);
    *t = TREE_INIT;
}

/* What stands in a source */

struct taking {
    struct tree *tree;
    const struct recipe_entry *entry;
    const struct cache_entry *source;
};

/* The hash of a file, by its path in the source: it was taken when the source was looked at. */
static int set_digest(const struct cache_entry *source, const char *path, struct tree_item *item,
                      struct error *err)
{
    const char *text = json_get_string(source->files, path, "");
    const char *digest = strstr(text, "sha256:");
    if (!digest || !digest_is_valid(digest))
        return error_set(err, -EIO, "%s/%s appeared while it was read", source->dir, path);
    memcpy(item->digest, digest, DIGEST_SIZE);
    return 0;
}

static int add_found_link(struct tree *t, const char *path, const char *full, struct error *err)
{
    char target[PATH_MAX];
    ssize_t n = readlink(full, target, sizeof(target));
    if (n < 0 || n == PATH_MAX)
        return error_errno(err, n < 0 ? -errno : -ENAMETOOLONG, "read symlink %s", full);
    add(t, TREE_LINK, path, 0777)->text = xstrndup(target, (size_t) n);
    return 0;
}

static int add_found(const struct taking *taking, const char *path, const char *full,
                     const struct stat *st, struct error *err)
{
    struct tree *t = taking->tree;
    mode_t file_mode = taking->entry->mode;
    if (S_ISLNK(st->st_mode))
        return add_found_link(t, path, full, err);
    if (S_ISDIR(st->st_mode)) {
        add(t, TREE_DIR, path, st->st_mode);
        return 0;
    }
    if (!S_ISREG(st->st_mode))
        return error_set(err, -EINVAL, "%s is no file, folder or symlink", full);
    mode_t mode = file_mode == RECIPE_MODE_KEEP ? st->st_mode : file_mode;
    struct tree_item *item = add(t, TREE_FILE, path, mode);
    item->source = xstrdup(full);
    return set_digest(taking->source, full + strlen(taking->source->dir) + 1, item, err);
}

static int take_one(void *userdata, const char *path, const char *full, const struct stat *st,
                    struct error *err)
{
    const struct taking *taking = userdata;
    const struct recipe_entry *e = taking->entry;
    AUTO_FREE char *to = *e->to ? path_join(e->to, path) : xstrdup(path);
    return add_found(taking, to, full, st, err);
}

static int add_from(const struct recipe *r, struct tree *t, const struct recipe_entry *e,
                    const struct cache_entry *source, struct error *err)
{
    const struct taking taking = {.tree = t, .entry = e, .source = source};
    AUTO_FREE char *full = *e->path ? path_join(source->dir, e->path) : xstrdup(source->dir);
    struct stat st;
    if (lstat(full, &st) < 0)
        return yaml_error(&r->file, e->node, err, "source \"%s\" has no \"%s\"",
                          r->sources[e->source].name, e->path);
    if (!S_ISDIR(st.st_mode))
        return *e->to ? add_found(&taking, e->to, full, &st, err)
                      : yaml_error(&r->file, e->node, err, "\"to\" is missing here");
    return walk(full, take_one, (void *) &taking, err);
}

/* Entries */

static void add_links(struct tree *t, const struct recipe_entry *e)
{
    for (size_t i = 0; i < e->links.count; i++) {
        AUTO_FREE char *path = *e->to ? path_join(e->to, e->links.items[i])
                                      : xstrdup(e->links.items[i]);
        add(t, TREE_LINK, path, 0777)->text = xstrdup(e->target);
    }
}

static void add_text(struct tree *t, const struct recipe_entry *e)
{
    struct tree_item *item = add(t, TREE_TEXT, e->to, e->mode);
    item->text = xstrdup(e->text);
    digest_buffer(e->text, strlen(e->text), item->digest);
}

static int add_entry(const struct recipe *r, struct tree *t, const struct recipe_entry *e,
                     const struct cache_entry *sources, struct error *err)
{
    switch (e->kind) {
    case RECIPE_FROM:
        return add_from(r, t, e, &sources[e->source], err);
    case RECIPE_LINKS:
        add_links(t, e);
        return 0;
    case RECIPE_TEXT:
        add_text(t, e);
        return 0;
    case RECIPE_DIR:
        add(t, TREE_DIR, e->to, e->mode);
        return 0;
    }
    return error_set(err, -EINVAL, "an entry of an unknown kind");
}

static void add_parents(struct tree *t)
{
    size_t named = t->count;
    for (size_t i = 0; i < named; i++) {
        AUTO_FREE char *path = xstrdup(t->items[i].path);
        for (char *slash; (slash = strrchr(path, '/'));) {
            *slash = '\0';
            add(t, TREE_DIR, path, 0755)->implied = true;
        }
    }
}

/* By path; of the same path the one that somebody named first. */
static int by_path(const void *a, const void *b)
{
    const struct tree_item *x = a, *y = b;
    int r = strcmp(x->path, y->path);
    return r ? r : x->implied - y->implied;
}

static int drop_doubles(const struct recipe *r, const struct recipe_layer *layer, struct tree *t,
                        struct error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < t->count; i++) {
        struct tree_item *last = kept ? &t->items[kept - 1] : NULL;
        if (!last || strcmp(last->path, t->items[i].path) != 0) {
            t->items[kept++] = t->items[i];
            continue;
        }
        bool both_dirs = last->kind == TREE_DIR && t->items[i].kind == TREE_DIR;
        if (!both_dirs) {
            int e = yaml_error(&r->file, layer->entries[0].node, err,
                               "\"%s\" is put there twice, or is a file and a folder", last->path);
            for (size_t k = i; k < t->count; k++)
                t->items[kept++] = t->items[k];
            t->count = kept;
            return e;
        }
        release_item(&t->items[i]);
    }
    t->count = kept;
    return 0;
}

int tree_build(const struct recipe *r, const struct recipe_layer *layer,
               const struct cache_entry *sources, struct tree *out, struct error *err)
{
    CLEANUP(tree_release) struct tree t = TREE_INIT;
    int e;
    for (size_t i = 0; i < layer->count; i++)
        if ((e = add_entry(r, &t, &layer->entries[i], sources, err)) < 0)
            return e;
    add_parents(&t);
    if (t.count)
        qsort(t.items, t.count, sizeof(*t.items), by_path);
    if ((e = drop_doubles(r, layer, &t, err)) < 0)
        return e;
    *out = t;
    t = TREE_INIT;
    return 0;
}

/* Of the same content and mode the one whose path is first. */
static int by_content(const void *a, const void *b)
{
    const struct tree_item *x = *(struct tree_item *const *) a, *y = *(struct tree_item *const *) b;
    int r = strcmp(x->digest, y->digest);
    r = r ? r : (x->mode > y->mode) - (x->mode < y->mode);
    return r ? r : (x > y) - (x < y);
}

static void become_name_of(struct tree_item *item, const struct tree_item *first)
{
    free(item->source);
    free(item->text);
    item->source = NULL;
    item->kind = TREE_SAME;
    item->text = xstrdup(first->path);
}

void tree_share(struct tree *t)
{
    AUTO_FREE struct tree_item **files = xcalloc(t->count + 1, sizeof(*files));
    size_t count = 0;
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].kind == TREE_FILE || t->items[i].kind == TREE_TEXT)
            files[count++] = &t->items[i];
    qsort(files, count, sizeof(*files), by_content);
    for (size_t i = 1, first = 0; i < count; i++) {
        if (strcmp(files[i]->digest, files[first]->digest) == 0 &&
            files[i]->mode == files[first]->mode)
            become_name_of(files[i], files[first]);
        else
            first = i;
    }
}

static const char *content_of(const struct tree_item *item)
{
    return item->kind == TREE_LINK || item->kind == TREE_SAME ? item->text : item->digest;
}

json_t *tree_describe(const struct tree *t)
{
    json_t *list = json_array();
    for (size_t i = 0; i < t->count; i++) {
        const struct tree_item *item = &t->items[i];
        json_array_append_new(list, json_pack("[s, i, i, s]", item->path, item->kind,
                                              (int) item->mode, content_of(item)));
    }
    return list;
}

static int write_item(const struct tree_item *item, struct archive_writer *w, struct error *err)
{
    switch (item->kind) {
    case TREE_DIR:
        return archive_writer_dir(w, item->path, item->mode, err);
    case TREE_FILE:
        return archive_writer_file(w, item->path, item->mode, item->source, err);
    case TREE_LINK:
        return archive_writer_symlink(w, item->path, item->text, err);
    case TREE_SAME:
        return archive_writer_hardlink(w, item->path, item->mode, item->text, err);
    case TREE_TEXT:
        return archive_writer_data(w, item->path, item->mode, item->text, strlen(item->text), err);
    }
    return error_set(err, -EINVAL, "%s is of an unknown kind", item->path);
}

int tree_write(const struct tree *t, struct archive_writer *w, struct error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < t->count; i++)
        r = write_item(&t->items[i], w, err);
    return r;
}
