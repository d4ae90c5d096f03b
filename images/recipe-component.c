#include "images/fields.h"
#include "images/recipe-parts.h"
#include "images/source.h"
#include "lib/grammar.h"

#include <errno.h>
#include <string.h>

static int read_roles(const struct recipe *r, struct recipe_component *c, struct error *err)
{
    STRV(roles);
    if (c->kind == COMPONENT_STACK)
        return 0;
    if (c->is_source && !yaml_get(c->node, "roles")) {
        c->roles = COMPONENT_CONTROL_PLANE | COMPONENT_WORKER;
        return 0;
    }
    const struct yaml_node *list = yaml_get(c->node, "roles");
    bool for_no_host = c->kind == COMPONENT_FILES && list && list->kind == YAML_SEQUENCE;
    int e = for_no_host ? fields_get_strings(&r->file, c->node, "roles", &roles, err)
                        : fields_need_strings(&r->file, c->node, "roles", &roles, err);
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

static int read_ref(const struct recipe *r, struct recipe_component *c, struct error *err)
{
    int e = fields_need_string(&r->file, c->node, "ref", &c->ref, err);
    if (e < 0 || grammar_image_ref(c->ref))
        return e;
    return yaml_error(&r->file, yaml_get(c->node, "ref"), err,
                      "expected a full image name: host/path:tag");
}

static int read_image(const struct recipe *r, struct recipe_component *c, struct error *err)
{
    const struct yaml_file *f = &r->file;
    int e;
    if ((e = read_ref(r, c, err)) < 0 || (e = read_layer_names(r, c, err)) < 0 ||
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

static int check_repository(const struct recipe *r, const struct yaml_node *at,
                            const char *repository, struct error *err)
{
    AUTO_FREE char *ref = xasprintf("%s:tag", repository);
    if (grammar_image_ref(ref))
        return 0;
    return yaml_error(&r->file, at, err, "expected a full repository without a tag: host/path");
}

static int read_needed_images(const struct recipe *r, struct recipe_component *c, struct error *err)
{
    const struct yaml_node *map = yaml_get(c->node, "images");
    int e = map ? fields_kind(&r->file, map, YAML_MAPPING, err) : 0;
    for (size_t i = 0; e == 0 && map && i < map->count; i++) {
        const char *repository;
        if (!fields_is_word(map->keys[i]))
            return yaml_error_key(&r->file, map, i, err, "a value's name has to be a word");
        if ((e = fields_need_string(&r->file, map, map->keys[i], &repository, err)) < 0)
            return e;
        e = check_repository(r, map->items[i], repository, err);
    }
    c->images = map;
    return e;
}

static int read_addon(const struct recipe *r, struct recipe_component *c, struct error *err)
{
    int e = fields_get_strings(&r->file, c->node, "namespaces", &c->namespaces, err);
    return e < 0 ? e : read_needed_images(r, c, err);
}

static int read_stack(const struct recipe *r, struct recipe_component *c, struct error *err)
{
    const struct yaml_node *list = yaml_get(c->node, "images");
    int e = fields_get_strings(&r->file, c->node, "images", &c->stack_images, err);
    for (size_t i = 0; e == 0 && i < c->stack_images.count; i++)
        e = check_repository(r, list->items[i], c->stack_images.items[i], err);
    return e;
}

static int read_files_only(const struct recipe *r, struct recipe_component *c, struct error *err)
{
    (void) r;
    (void) c;
    (void) err;
    return 0;
}

/* Components that are one source */

static int take_image(const struct recipe *r, struct recipe_component *c, struct error *err)
{
    const struct recipe_source *s = &r->sources[c->source];
    c->whole_image = true;
    c->ref = s->type->image_name ? s->type->image_name(s->spec) : NULL;
    if (!c->ref || yaml_get(c->node, "ref"))
        return read_ref(r, c, err);
    return 0;
}

/* All of the source below one folder. */
static int take_tree(const struct recipe *r, struct recipe_component *c, const char *to,
                     struct error *err)
{
    c->files.entries = xcalloc(1, sizeof(*c->files.entries));
    c->files.count = 1;
    c->files.entries[0] = (struct recipe_entry){.kind = RECIPE_FROM,
                                                .node = c->node,
                                                .source = c->source,
                                                .path = "",
                                                .to = to,
                                                .mode = RECIPE_MODE_KEEP};
    return fields_get_path(&r->file, c->node, "to", &c->files.entries[0].to, err);
}

static int take_files(const struct recipe *r, struct recipe_component *c, struct error *err)
{
    c->made_to = xasprintf("opt/%s", c->name);
    return take_tree(r, c, c->made_to, err);
}

static int take_addon(const struct recipe *r, struct recipe_component *c, struct error *err)
{
    int e = take_tree(r, c, "", err);
    return e < 0 ? e : read_addon(r, c, err);
}

static int take_stack(const struct recipe *r, struct recipe_component *c, struct error *err)
{
    int e = take_tree(r, c, "", err);
    return e < 0 ? e : read_stack(r, c, err);
}

/* Kinds */

#define COMMON_KEYS "name", "kind", "version", "roles"
static const char *const files_keys[] = {COMMON_KEYS, "files", NULL};
static const char *const image_keys[] = {COMMON_KEYS, "files", "ref",  "layers",  "entrypoint",
                                         "cmd",       "env",   "user", "workdir", NULL};
static const char *const addon_keys[] = {COMMON_KEYS, "files", "namespaces", "images", NULL};
static const char *const take_files_keys[] = {COMMON_KEYS, "source", "to", NULL};
static const char *const take_image_keys[] = {COMMON_KEYS, "source", "image", "ref", NULL};
static const char *const take_addon_keys[] = {COMMON_KEYS,  "source", "to",
                                              "namespaces", "images", NULL};
static const char *const stack_keys[] = {"name", "kind", "version", "files", "images", NULL};
static const char *const take_stack_keys[] = {"name", "kind",   "version", "source",
                                              "to",   "images", NULL};

static const struct {
    struct {
        const char *const *keys;
        int (*read)(const struct recipe *r, struct recipe_component *c, struct error *err);
    } listed, taken; /* made of entries and layers; one source */
} component_kinds[] = {
    [COMPONENT_FILES] = {{files_keys, read_files_only}, {take_files_keys, take_files}},
    [COMPONENT_IMAGE] = {{image_keys, read_image}, {take_image_keys, take_image}},
    [COMPONENT_ADDON] = {{addon_keys, read_addon}, {take_addon_keys, take_addon}},
    [COMPONENT_STACK] = {{stack_keys, read_stack}, {take_stack_keys, take_stack}},
};

static int read_kind(const struct recipe *r, struct recipe_component *c, struct error *err)
{
    const char *kind;
    if (c->is_source && !yaml_get(c->node, "kind")) {
        bool image = yaml_get(c->node, "image") || r->sources[c->source].type->image_name;
        c->kind = image ? COMPONENT_IMAGE : COMPONENT_FILES;
        return 0;
    }
    int e = fields_need_string(&r->file, c->node, "kind", &kind, err);
    if (e < 0)
        return e;
    for (enum component_kind k = COMPONENT_FILES; k <= COMPONENT_STACK; k++)
        if (strcmp(component_kind_name(k), kind) == 0) {
            c->kind = k;
            return 0;
        }
    return yaml_error(&r->file, yaml_get(c->node, "kind"), err,
                      "unknown kind, expected files, image, addon or stack");
}

/* `source` on the spot, or `image` by name. */
static int read_taken(struct recipe *r, struct recipe_component *c, struct error *err)
{
    const struct yaml_node *source = yaml_get(c->node, "source");
    if (!source && !yaml_get(c->node, "image"))
        return 0;
    c->is_source = true;
    if (!source)
        return recipe_find_source(r, c->node, "image", &c->source, err);
    if (yaml_get(c->node, "image"))
        return yaml_error(&r->file, source, err, "both \"source\" and \"image\"");
    return recipe_read_inline_source(r, source, c->name, &c->source, err);
}

/* Default of what is one source: the image's tag, else the bundle's serial. */
static int read_version(const struct recipe *r, struct recipe_component *c, struct error *err)
{
    if (!c->is_source || yaml_get(c->node, "version"))
        return fields_need_word(&r->file, c->node, "version", &c->version, err);
    const char *tag = c->ref ? strrchr(c->ref, ':') : NULL;
    if (!tag || !fields_is_word(tag + 1))
        c->made_version = xasprintf("%lld", (long long) r->serial);
    c->version = c->made_version ? c->made_version : tag + 1;
    return 0;
}

static int read_contents(const struct recipe *r, struct recipe_component *c, struct error *err)
{
    if (c->is_source)
        return component_kinds[c->kind].taken.read(r, c, err);
    const struct yaml_node *files = yaml_get(c->node, "files");
    if (!files && c->kind != COMPONENT_IMAGE)
        return yaml_error(&r->file, c->node, err, "\"files\" is missing here");
    int e = files ? recipe_read_layer(r, files, &c->files, err) : 0;
    return e < 0 ? e : component_kinds[c->kind].listed.read(r, c, err);
}

static int read_component(struct recipe *r, struct recipe_component *c, struct error *err)
{
    const struct yaml_file *f = &r->file;
    int e;
    if ((e = fields_kind(f, c->node, YAML_MAPPING, err)) < 0 ||
        (e = fields_need_word(f, c->node, "name", &c->name, err)) < 0 ||
        (e = read_taken(r, c, err)) < 0 || (e = read_kind(r, c, err)) < 0)
        return e;
    const char *const *keys = c->is_source ? component_kinds[c->kind].taken.keys
                                           : component_kinds[c->kind].listed.keys;
    if ((e = fields_check(f, c->node, keys, err)) < 0 || (e = read_roles(r, c, err)) < 0 ||
        (e = read_contents(r, c, err)) < 0)
        return e;
    return read_version(r, c, err);
}

static int check_unique(const struct recipe *r, const struct recipe_component *c, struct error *err)
{
    const struct yaml_node *ref = yaml_get(c->node, "ref");
    for (const struct recipe_component *o = r->components; o < c; o++) {
        if (strcmp(o->name, c->name) == 0)
            return yaml_error(&r->file, yaml_get(c->node, "name"), err, "a second component \"%s\"",
                              c->name);
        if (o->ref && c->ref && strcmp(o->ref, c->ref) == 0)
            return yaml_error(&r->file, ref ? ref : c->node, err, "a second image \"%s\"", c->ref);
    }
    return 0;
}

int recipe_read_components(struct recipe *r, const struct yaml_node *root, struct error *err)
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

static void release_component(struct recipe_component *c)
{
    recipe_release_layer(&c->files);
    free(c->layers);
    free(c->made_version);
    free(c->made_to);
    strv_release(&c->namespaces);
    strv_release(&c->stack_images);
    strv_release(&c->entrypoint);
    strv_release(&c->cmd);
    strv_release(&c->env);
}

static int check_names(const struct recipe *r, const struct strv *names, struct error *err)
{
    STRV(known);
    for (size_t i = 0; i < r->component_count; i++)
        strv_add(&known, r->components[i].name);
    for (size_t i = 0; i < names->count; i++) {
        if (strv_contains(&known, names->items[i]))
            continue;
        AUTO_FREE char *list = strv_join(&known, ", ");
        error_set(err, -ENOENT, "%s: no component is called %s", r->file.name, names->items[i]);
        return error_remedy(err, "it has: %s", list);
    }
    return 0;
}

int recipe_keep_only(struct recipe *r, const struct strv *names, struct error *err)
{
    size_t kept = 0;
    int e = check_names(r, names, err);
    if (e < 0 || names->count == 0)
        return e;
    for (size_t i = 0; i < r->component_count; i++) {
        if (strv_contains(names, r->components[i].name))
            r->components[kept++] = r->components[i];
        else
            release_component(&r->components[i]);
    }
    r->component_count = kept;
    return 0;
}

void recipe_release_components(struct recipe *r)
{
    for (size_t i = 0; i < r->component_count; i++)
        release_component(&r->components[i]);
    free(r->components);
}
