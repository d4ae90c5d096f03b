#include "images/recipe.h"

#include "images/fields.h"
#include "images/recipe-parts.h"
#include "images/source.h"
#include "lib/architecture.h"
#include "lib/grammar.h"
#include "lib/path.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static int check_map(const struct recipe *r, const struct yaml_node *n, struct error *err)
{
    return fields_kind(&r->file, n, YAML_MAPPING, err);
}

/* Entries */

static int read_from(const struct recipe *r, struct recipe_entry *e, struct error *err)
{
    static const char *const keys[] = {"from", "path", "to", "mode", NULL};
    int x;
    e->mode = RECIPE_MODE_KEEP;
    if ((x = fields_check(&r->file, e->node, keys, err)) < 0 ||
        (x = recipe_find_source(r, e->node, "from", &e->source, err)) < 0 ||
        (x = fields_get_path(&r->file, e->node, "path", &e->path, err)) < 0 ||
        (x = fields_get_path(&r->file, e->node, "to", &e->to, err)) < 0)
        return x;
    return fields_get_mode(&r->file, e->node, "mode", &e->mode, err);
}

static int read_links(const struct recipe *r, struct recipe_entry *e, struct error *err)
{
    static const char *const keys[] = {"links", "in", "target", NULL};
    int x;
    if ((x = fields_check(&r->file, e->node, keys, err)) < 0 ||
        (x = fields_need_strings(&r->file, e->node, "links", &e->links, err)) < 0 ||
        (x = fields_get_path(&r->file, e->node, "in", &e->to, err)) < 0 ||
        (x = fields_need_string(&r->file, e->node, "target", &e->target, err)) < 0)
        return x;
    for (size_t i = 0; i < e->links.count; i++)
        if (!path_is_safe_relative(e->links.items[i]))
            return yaml_error(&r->file, yaml_get(e->node, "links")->items[i], err,
                              "a link has to be a relative path without \"..\"");
    return 0;
}

static int need_place(const struct recipe *r, const struct recipe_entry *e, const char *key,
                      struct error *err)
{
    return *e->to ? 0 : yaml_error(&r->file, e->node, err, "\"%s\" has to name a path", key);
}

static int read_text(const struct recipe *r, struct recipe_entry *e, struct error *err)
{
    static const char *const keys[] = {"text", "to", "mode", NULL};
    int x;
    e->mode = 0644;
    if ((x = fields_check(&r->file, e->node, keys, err)) < 0 ||
        (x = fields_need_string(&r->file, e->node, "text", &e->text, err)) < 0 ||
        (x = fields_get_path(&r->file, e->node, "to", &e->to, err)) < 0 ||
        (x = fields_get_mode(&r->file, e->node, "mode", &e->mode, err)) < 0)
        return x;
    return need_place(r, e, "to", err);
}

static int read_dir(const struct recipe *r, struct recipe_entry *e, struct error *err)
{
    static const char *const keys[] = {"dir", "mode", NULL};
    int x;
    e->mode = 0755;
    if ((x = fields_check(&r->file, e->node, keys, err)) < 0 ||
        (x = fields_get_path(&r->file, e->node, "dir", &e->to, err)) < 0 ||
        (x = fields_get_mode(&r->file, e->node, "mode", &e->mode, err)) < 0)
        return x;
    return need_place(r, e, "dir", err);
}

static const struct {
    const char *key; /* tells the kinds apart */
    int (*read)(const struct recipe *r, struct recipe_entry *e, struct error *err);
} entry_kinds[] = {
    [RECIPE_FROM] = {"from", read_from},
    [RECIPE_LINKS] = {"links", read_links},
    [RECIPE_TEXT] = {"text", read_text},
    [RECIPE_DIR] = {"dir", read_dir},
};

static int read_entry(const struct recipe *r, struct recipe_entry *e, struct error *err)
{
    int x = check_map(r, e->node, err);
    if (x < 0)
        return x;
    e->path = e->to = "";
    for (size_t i = 0; i < ARRAY_SIZE(entry_kinds); i++)
        if (yaml_get(e->node, entry_kinds[i].key)) {
            e->kind = (enum recipe_entry_kind) i;
            return entry_kinds[i].read(r, e, err);
        }
    return yaml_error(&r->file, e->node, err, "expected one of the keys from, links, text, dir");
}

int recipe_read_layer(const struct recipe *r, const struct yaml_node *list,
                      struct recipe_layer *layer, struct error *err)
{
    int e = fields_kind(&r->file, list, YAML_SEQUENCE, err);
    if (e < 0)
        return e;
    if (list->count == 0)
        return yaml_error(&r->file, list, err, "an empty list, expected files");
    layer->entries = xcalloc(list->count, sizeof(*layer->entries));
    for (size_t i = 0; i < list->count; i++) {
        struct recipe_entry *entry = &layer->entries[layer->count++];
        entry->node = list->items[i];
        if ((e = read_entry(r, entry, err)) < 0)
            return e;
    }
    return 0;
}

static int read_layers(struct recipe *r, const struct yaml_node *root, struct error *err)
{
    const struct yaml_node *map = yaml_get(root, "layers");
    if (!map)
        return 0;
    int e = check_map(r, map, err);
    if (e < 0)
        return e;
    r->layers = xcalloc(map->count + 1, sizeof(*r->layers));
    for (size_t i = 0; i < map->count; i++) {
        struct recipe_layer *layer = &r->layers[r->layer_count++];
        layer->name = map->keys[i];
        if ((e = recipe_read_layer(r, map->items[i], layer, err)) < 0)
            return e;
    }
    return 0;
}

/* The top */

static int read_created(struct recipe *r, const struct yaml_node *root, struct error *err)
{
    r->created = "1970-01-01T00:00:00Z";
    int e = fields_get_string(&r->file, root, "created", &r->created, err);
    if (e < 0)
        return e;
    struct tm tm = {0};
    const char *end = strptime(r->created, "%Y-%m-%dT%H:%M:%SZ", &tm);
    char again[32];
    if (end && !*end && strftime(again, sizeof(again), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0 &&
        strcmp(again, r->created) == 0) {
        r->mtime = (int64_t) timegm(&tm);
        return 0;
    }
    return yaml_error(&r->file, yaml_get(root, "created"), err,
                      "expected a time like 2026-02-10T12:53:36Z");
}

static int read_toolchain(struct recipe *r, const struct yaml_node *root, struct error *err)
{
    static const char *const keys[] = {"go", "sum", NULL};
    const struct yaml_node *map = yaml_get(root, "toolchain");
    int e;
    if (!map)
        return 0;
    if ((e = fields_check(&r->file, map, keys, err)) < 0 ||
        (e = fields_need_word(&r->file, map, "go", &r->toolchain, err)) < 0)
        return e;
    return fields_need_string(&r->file, map, "sum", &r->toolchain_sum, err);
}

/* Default: what this machine has. */
static int read_architecture(struct recipe *r, const struct yaml_node *root, struct error *err)
{
    r->architecture = OWN_ARCHITECTURE;
    return yaml_get(root, "architecture")
               ? fields_need_word(&r->file, root, "architecture", &r->architecture, err)
               : 0;
}

static int read_next_keys(struct recipe *r, const struct yaml_node *root, struct error *err)
{
    STRV(names);
    int e = fields_get_strings(&r->file, root, "next_keys", &names, err);
    for (size_t i = 0; e == 0 && i < names.count; i++)
        e = trusted_keys_add_named(&r->next_keys, names.items[i], r->dir, err);
    return e;
}

static int read_head(struct recipe *r, const struct yaml_node *root, struct error *err)
{
    static const char *const keys[] = {"product",    "architecture", "serial",  "kubernetes",
                                       "created",    "toolchain",    "sources", "layers",
                                       "components", "next_keys",    NULL};
    const struct yaml_file *f = &r->file;
    const struct yaml_node *serial;
    int e;
    if ((e = fields_check(f, root, keys, err)) < 0 ||
        (e = fields_need_word(f, root, "product", &r->product, err)) < 0 ||
        (e = read_architecture(r, root, err)) < 0 ||
        (yaml_get(root, "kubernetes") &&
         (e = fields_need_word(f, root, "kubernetes", &r->kubernetes, err)) < 0) ||
        (e = fields_need(f, root, "serial", &serial, err)) < 0 ||
        (e = yaml_int(f, serial, 1, INT64_MAX, &r->serial, err)) < 0 ||
        (e = read_next_keys(r, root, err)) < 0 || (e = read_created(r, root, err)) < 0)
        return e;
    return read_toolchain(r, root, err);
}

int recipe_from_yaml(struct yaml_file *file, const char *dir, struct recipe *out, struct error *err)
{
    CLEANUP(recipe_release) struct recipe r = {.file = *file, .dir = xstrdup(dir)};
    *file = YAML_FILE_INIT;
    const struct yaml_node *root = r.file.root;
    int e;
    if ((e = read_head(&r, root, err)) < 0 || (e = recipe_read_sources(&r, root, err)) < 0 ||
        (e = read_layers(&r, root, err)) < 0 || (e = recipe_read_components(&r, root, err)) < 0)
        return e;
    *out = r;
    r = RECIPE_INIT;
    return 0;
}

int recipe_load(const char *path, struct recipe *out, struct error *err)
{
    struct yaml_file file = YAML_FILE_INIT;
    int e = yaml_parse_file(path, &file, err);
    if (e < 0)
        return e;
    AUTO_FREE char *parent = path_dirname(path);
    AUTO_FREE char *dir = realpath(parent, NULL);
    if (!dir) {
        yaml_release(&file);
        return error_errno(err, -errno, "%s", parent);
    }
    return recipe_from_yaml(&file, dir, out, err);
}

void recipe_release_layer(struct recipe_layer *layer)
{
    for (size_t i = 0; i < layer->count; i++)
        strv_release(&layer->entries[i].links);
    free(layer->entries);
}

void recipe_release(struct recipe *r)
{
    recipe_release_sources(r);
    for (size_t i = 0; i < r->layer_count; i++)
        recipe_release_layer(&r->layers[i]);
    recipe_release_components(r);
    free(r->layers);
    free(r->dir);
    trusted_keys_release(&r->next_keys);
    yaml_release(&r->file);
    *r = RECIPE_INIT;
}
