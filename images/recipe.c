#include "images/recipe.h"

#include "images/fields.h"
#include "images/source.h"
#include "lib/grammar.h"
#include "lib/path.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static int check_map(const struct recipe *r, const struct yaml_node *n, struct error *err)
{
    return fields_kind(&r->file, n, YAML_MAPPING, err);
}

/* Sources */

static int read_source(struct recipe *r, struct recipe_source *s, struct error *err)
{
    const char *type;
    int e;
    if ((e = check_map(r, s->node, err)) < 0 ||
        (e = fields_need_string(&r->file, s->node, "type", &type, err)) < 0)
        return e;
    s->type = source_type_find(type);
    if (!s->type) {
        STRV(names);
        source_type_names(&names);
        AUTO_FREE char *list = strv_join(&names, ", ");
        return yaml_error(&r->file, yaml_get(s->node, "type"), err,
                          "unknown source type, expected one of %s", list);
    }
    return s->type->load(r, s->node, &s->spec, err);
}

static int read_sources(struct recipe *r, const struct yaml_node *root, struct error *err)
{
    const struct yaml_node *map;
    int e;
    if ((e = fields_need(&r->file, root, "sources", &map, err)) < 0 ||
        (e = check_map(r, map, err)) < 0)
        return e;
    r->sources = xcalloc(map->count + 1, sizeof(*r->sources));
    for (size_t i = 0; i < map->count; i++) {
        if (!fields_is_word(map->keys[i]))
            return yaml_error_key(&r->file, map, i, err, "a source's name has to be a word");
        struct recipe_source *s = &r->sources[r->source_count++];
        s->name = map->keys[i];
        s->node = map->items[i];
        if ((e = read_source(r, s, err)) < 0)
            return e;
    }
    return 0;
}

static int find_source(const struct recipe *r, const struct yaml_node *entry, size_t *out,
                       struct error *err)
{
    const char *name;
    int e = fields_need_string(&r->file, entry, "from", &name, err);
    if (e < 0)
        return e;
    for (size_t i = 0; i < r->source_count; i++)
        if (strcmp(r->sources[i].name, name) == 0) {
            *out = i;
            return 0;
        }
    return yaml_error(&r->file, yaml_get(entry, "from"), err,
                      "no source \"%s\", expected a name from \"sources\"", name);
}

/* Entries */

static int read_from(const struct recipe *r, struct recipe_entry *e, struct error *err)
{
    static const char *const keys[] = {"from", "path", "to", "mode", NULL};
    int x;
    e->mode = RECIPE_MODE_KEEP;
    if ((x = fields_check(&r->file, e->node, keys, err)) < 0 ||
        (x = find_source(r, e->node, &e->source, err)) < 0 ||
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

static int read_layer(const struct recipe *r, const struct yaml_node *list,
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
        if ((e = read_layer(r, map->items[i], layer, err)) < 0)
            return e;
    }
    return 0;
}

/* Components */

static int read_roles(const struct recipe *r, struct recipe_component *c, struct error *err)
{
    STRV(roles);
    int e = fields_need_strings(&r->file, c->node, "roles", &roles, err);
    for (size_t i = 0; e == 0 && i < roles.count; i++) {
        if (strcmp(roles.items[i], "control-plane") == 0)
            c->roles |= COMPONENT_CONTROL_PLANE;
        else if (strcmp(roles.items[i], "worker") == 0)
            c->roles |= COMPONENT_WORKER;
        else
            e = yaml_error(&r->file, yaml_get(c->node, "roles")->items[i], err,
                           "unknown role, expected control-plane or worker");
    }
    return e;
}

static int read_layer_names(const struct recipe *r, struct recipe_component *c, struct error *err)
{
    STRV(names);
    int e = fields_get_strings(&r->file, c->node, "layers", &names, err);
    if (e < 0)
        return e;
    c->layers = xcalloc(names.count + 1, sizeof(*c->layers));
    for (size_t i = 0; i < names.count; i++) {
        size_t k = 0;
        while (k < r->layer_count && strcmp(r->layers[k].name, names.items[i]) != 0)
            k++;
        if (k == r->layer_count)
            return yaml_error(&r->file, yaml_get(c->node, "layers")->items[i], err,
                              "no layer \"%s\", expected a name from \"layers\"", names.items[i]);
        c->layers[c->layer_count++] = k;
    }
    return 0;
}

static int read_image(const struct recipe *r, struct recipe_component *c, struct error *err)
{
    const struct yaml_file *f = &r->file;
    int e;
    if ((e = fields_need_string(f, c->node, "ref", &c->ref, err)) < 0)
        return e;
    if (!grammar_image_ref(c->ref))
        return yaml_error(f, yaml_get(c->node, "ref"), err,
                          "expected a full image name: host/path:tag");
    if ((e = read_layer_names(r, c, err)) < 0 ||
        (e = fields_get_strings(f, c->node, "entrypoint", &c->entrypoint, err)) < 0 ||
        (e = fields_get_strings(f, c->node, "cmd", &c->cmd, err)) < 0 ||
        (e = fields_get_strings(f, c->node, "env", &c->env, err)) < 0 ||
        (e = fields_get_string(f, c->node, "user", &c->user, err)) < 0 ||
        (e = fields_get_string(f, c->node, "workdir", &c->workdir, err)) < 0)
        return e;
    if (c->layer_count == 0 && !yaml_get(c->node, "files"))
        return yaml_error(f, c->node, err, "an image without layers and files");
    return 0;
}

static int read_addon(const struct recipe *r, struct recipe_component *c, struct error *err)
{
    return fields_get_strings(&r->file, c->node, "namespaces", &c->namespaces, err);
}

static int read_files_only(const struct recipe *r, struct recipe_component *c, struct error *err)
{
    (void) r;
    (void) c;
    (void) err;
    return 0;
}

#define COMMON_KEYS "name", "kind", "version", "roles", "files"
static const char *const files_keys[] = {COMMON_KEYS, NULL};
static const char *const image_keys[] = {COMMON_KEYS, "ref",  "layers",  "entrypoint", "cmd",
                                         "env",       "user", "workdir", NULL};
static const char *const addon_keys[] = {COMMON_KEYS, "namespaces", NULL};

static const struct {
    const char *name;
    const char *const *keys;
    int (*read)(const struct recipe *r, struct recipe_component *c, struct error *err);
} component_kinds[] = {
    [COMPONENT_FILES] = {"files", files_keys, read_files_only},
    [COMPONENT_IMAGE] = {"image", image_keys, read_image},
    [COMPONENT_ADDON] = {"addon", addon_keys, read_addon},
};

static int read_kind(const struct recipe *r, struct recipe_component *c, struct error *err)
{
    const char *kind;
    int e = fields_need_string(&r->file, c->node, "kind", &kind, err);
    if (e < 0)
        return e;
    for (size_t i = 0; i < ARRAY_SIZE(component_kinds); i++)
        if (strcmp(component_kinds[i].name, kind) == 0) {
            c->kind = (enum component_kind) i;
            return 0;
        }
    return yaml_error(&r->file, yaml_get(c->node, "kind"), err,
                      "unknown kind, expected files, image or addon");
}

static int read_component(const struct recipe *r, struct recipe_component *c, struct error *err)
{
    const struct yaml_file *f = &r->file;
    int e;
    if ((e = check_map(r, c->node, err)) < 0 || (e = read_kind(r, c, err)) < 0 ||
        (e = fields_check(f, c->node, component_kinds[c->kind].keys, err)) < 0 ||
        (e = fields_need_word(f, c->node, "name", &c->name, err)) < 0 ||
        (e = fields_need_word(f, c->node, "version", &c->version, err)) < 0 ||
        (e = read_roles(r, c, err)) < 0)
        return e;
    const struct yaml_node *files = yaml_get(c->node, "files");
    if (!files && c->kind != COMPONENT_IMAGE)
        return yaml_error(f, c->node, err, "\"files\" is missing here");
    if (files && (e = read_layer(r, files, &c->files, err)) < 0)
        return e;
    return component_kinds[c->kind].read(r, c, err);
}

static int check_unique(const struct recipe *r, const struct recipe_component *c, struct error *err)
{
    for (const struct recipe_component *o = r->components; o < c; o++) {
        if (strcmp(o->name, c->name) == 0)
            return yaml_error(&r->file, yaml_get(c->node, "name"), err, "a second component \"%s\"",
                              c->name);
        if (o->ref && c->ref && strcmp(o->ref, c->ref) == 0)
            return yaml_error(&r->file, yaml_get(c->node, "ref"), err, "a second image \"%s\"",
                              c->ref);
    }
    return 0;
}

static int read_components(struct recipe *r, const struct yaml_node *root, struct error *err)
{
    const struct yaml_node *list;
    int e;
    if ((e = fields_need(&r->file, root, "components", &list, err)) < 0 ||
        (e = fields_kind(&r->file, list, YAML_SEQUENCE, err)) < 0)
        return e;
    if (list->count == 0)
        return yaml_error(&r->file, list, err, "an empty list, expected components");
    r->components = xcalloc(list->count, sizeof(*r->components));
    for (size_t i = 0; i < list->count; i++) {
        struct recipe_component *c = &r->components[r->component_count++];
        c->node = list->items[i];
        if ((e = read_component(r, c, err)) < 0 || (e = check_unique(r, c, err)) < 0)
            return e;
    }
    return 0;
}

/* The top */

static int read_created(struct recipe *r, const struct yaml_node *root, struct error *err)
{
    r->created = "";
    int e = fields_need_string(&r->file, root, "created", &r->created, err);
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

static int read_head(struct recipe *r, const struct yaml_node *root, struct error *err)
{
    static const char *const keys[] = {
        "product",   "architecture", "serial", "kubernetes", "created",
        "toolchain", "sources",      "layers", "components", NULL};
    const struct yaml_file *f = &r->file;
    const struct yaml_node *serial;
    int e;
    if ((e = fields_check(f, root, keys, err)) < 0 ||
        (e = fields_need_word(f, root, "product", &r->product, err)) < 0 ||
        (e = fields_need_word(f, root, "architecture", &r->architecture, err)) < 0 ||
        (e = fields_need_word(f, root, "kubernetes", &r->kubernetes, err)) < 0 ||
        (e = fields_need(f, root, "serial", &serial, err)) < 0 ||
        (e = yaml_int(f, serial, 1, INT64_MAX, &r->serial, err)) < 0 ||
        (e = read_created(r, root, err)) < 0)
        return e;
    return read_toolchain(r, root, err);
}

int recipe_from_yaml(struct yaml_file *file, const char *dir, struct recipe *out, struct error *err)
{
    CLEANUP(recipe_release) struct recipe r = {.file = *file, .dir = xstrdup(dir)};
    *file = YAML_FILE_INIT;
    const struct yaml_node *root = r.file.root;
    int e;
    if ((e = read_head(&r, root, err)) < 0 || (e = read_sources(&r, root, err)) < 0 ||
        (e = read_layers(&r, root, err)) < 0 || (e = read_components(&r, root, err)) < 0)
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

static void release_layer(struct recipe_layer *layer)
{
    for (size_t i = 0; i < layer->count; i++)
        strv_release(&layer->entries[i].links);
    free(layer->entries);
}

static void release_component(struct recipe_component *c)
{
    release_layer(&c->files);
    free(c->layers);
    strv_release(&c->namespaces);
    strv_release(&c->entrypoint);
    strv_release(&c->cmd);
    strv_release(&c->env);
}

void recipe_release(struct recipe *r)
{
    for (size_t i = 0; i < r->source_count; i++)
        if (r->sources[i].spec)
            r->sources[i].type->release(r->sources[i].spec);
    for (size_t i = 0; i < r->layer_count; i++)
        release_layer(&r->layers[i]);
    for (size_t i = 0; i < r->component_count; i++)
        release_component(&r->components[i]);
    free(r->sources);
    free(r->layers);
    free(r->components);
    free(r->dir);
    yaml_release(&r->file);
    *r = RECIPE_INIT;
}
