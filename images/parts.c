#include "images/parts.h"

#include "images/licence.h"
#include "images/walk.h"
#include "lib/archive-zip.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define ZIP_DEPTH 1 /* META-INF/LICENSE */

static void set(json_t *obj, const char *key, const char *value)
{
    if (value)
        json_object_set_new(obj, key, json_string(value));
}

void parts_add(struct parts *p, const struct part *part)
{
    json_t *obj = json_object();
    set(obj, "name", part->name);
    set(obj, "version", part->version);
    set(obj, "purl", part->purl);
    set(obj, "digest", part->digest);
    set(obj, "licence", part->licence);
    set(obj, "comment", part->comment);
    json_array_append_new(p->list, obj);
}

int parts_take_text(struct parts *p, const char *to, const char *name, const void *data, size_t len,
                    struct error *err)
{
    AUTO_FREE char *below = path_join(to, name);
    AUTO_FREE char *path = path_join(p->dir, below);
    AUTO_FREE char *parent = path_dirname(path);
    if (!path_is_safe_relative(below))
        return error_set(err, -EINVAL, "\"%s\" is no path for a licence", below);
    int r = path_mkdir_p(parent, 0755, err);
    return r < 0 ? r : file_write_atomic(path, data, len, 0644, err);
}

/* It stands in a folder of licences. */
static bool is_filed(const char *path)
{
    AUTO_FREE char *parent = path_dirname(path);
    const char *folder = path_basename(parent);
    const char *dot = strrchr(path_basename(path), '.');
    return (strcasecmp(folder, "licenses") == 0 || strcasecmp(folder, "licences") == 0) &&
           (!dot || strcmp(dot, ".txt") == 0 || strcmp(dot, ".md") == 0);
}

static bool is_text(const char *path)
{
    return licence_is_file_name(path_basename(path)) || is_filed(path);
}

/* Those with the fewest folders above them count. */
struct guessing {
    struct strv *ids;
    size_t depth; /* no deeper ones are looked at */
};

static size_t depth_of(const char *path)
{
    size_t depth = 0;
    for (const char *c = path; *c; c++)
        depth += *c == '/';
    return depth;
}

static void guess(struct guessing *g, const char *path, const void *data, size_t len)
{
    STRV(found);
    size_t depth = depth_of(path);
    if (depth > g->depth || !(licence_is_terms(path_basename(path)) || is_filed(path)))
        return;
    licence_guess(data, len, &found);
    if (found.count == 0)
        return;
    if (depth < g->depth)
        strv_release(g->ids);
    g->depth = depth;
    strv_add_all(g->ids, (const char *const *) found.items);
}

struct taking {
    struct parts *parts;
    const char *to;
    struct guessing guessing;
};

static int take(struct taking *t, const char *path, const void *data, size_t len, struct error *err)
{
    guess(&t->guessing, path, data, len);
    return parts_take_text(t->parts, t->to, path, data, len, err);
}

static int take_file(void *userdata, const char *path, const char *full, const struct stat *st,
                     struct error *err)
{
    if (!S_ISREG(st->st_mode) || !path_is_safe_relative(path) || !is_text(path))
        return 0;
    STRBUF(text, LICENCE_TEXT_MAX);
    int r = file_read(full, &text, err);
    return r < 0 ? r : take(userdata, path, text.data, text.len, err);
}

int parts_take_texts(struct parts *p, const char *from, const char *to, size_t depth,
                     struct strv *ids, struct error *err)
{
    STRV(found);
    struct taking t = {.parts = p, .to = to, .guessing = {.ids = &found, .depth = depth}};
    int r = walk(from, take_file, &t, err);
    if (r == 0)
        strv_add_all(ids, (const char *const *) found.items);
    return r;
}

static bool is_wanted(const char *name)
{
    return path_is_safe_relative(name) && is_text(name);
}

static int take_entry(void *userdata, const char *name, const void *data, size_t len,
                      struct error *err)
{
    return take(userdata, name, data, len, err);
}

int parts_take_zip(struct parts *p, const char *zip, const char *to, struct strv *ids,
                   struct error *err)
{
    STRV(found);
    struct taking t = {.parts = p, .to = to, .guessing = {.ids = &found, .depth = ZIP_DEPTH}};
    int r = archive_zip_read(zip, is_wanted, LICENCE_TEXT_MAX, take_entry, &t, err);
    if (r == 0)
        strv_add_all(ids, (const char *const *) found.items);
    return r;
}
