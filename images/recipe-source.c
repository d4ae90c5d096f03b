#include "images/fields.h"
#include "images/recipe-parts.h"
#include "images/source.h"

#include <errno.h>
#include <string.h>

static int unknown_type(const struct recipe *r, const struct yaml_node *at, struct error *err)
{
    STRV(names);
    source_type_names(&names);
    AUTO_FREE char *list = strv_join(&names, ", ");
    return yaml_error(&r->file, at, err, "unknown source type, expected one of %s", list);
}

static int load(const struct recipe *r, struct recipe_source *s, struct error *err)
{
    s->spec = xcalloc(1, s->type->spec_size);
    return s->type->load(r, s->node, s->spec, err);
}

static int read_source(struct recipe *r, struct recipe_source *s, struct error *err)
{
    const char *type;
    int e;
    if ((e = fields_kind(&r->file, s->node, YAML_MAPPING, err)) < 0 ||
        (e = fields_need_string(&r->file, s->node, "type", &type, err)) < 0)
        return e;
    s->type = source_type_find(type);
    if (!s->type)
        return unknown_type(r, yaml_get(s->node, "type"), err);
    return load(r, s, err);
}

int recipe_read_sources(struct recipe *r, const struct yaml_node *root, struct error *err)
{
    const struct yaml_node *map = yaml_get(root, "sources");
    const struct yaml_node *components = yaml_get(root, "components");
    int e;
    if (map && (e = fields_kind(&r->file, map, YAML_MAPPING, err)) < 0)
        return e;
    size_t count = map ? map->count : 0;
    r->sources = xcalloc(count + (components ? components->count : 0) + 1, sizeof(*r->sources));
    for (size_t i = 0; i < count; i++) {
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

void recipe_release_sources(struct recipe *r)
{
    for (size_t i = 0; i < r->source_count; i++) {
        struct recipe_source *s = &r->sources[i];
        if (s->spec)
            s->type->release(s->spec);
        free(s->spec);
        if (s->made)
            free(s->made->keys);
        free(s->made);
    }
    free(r->sources);
}

static int find(const struct recipe *r, const char *name)
{
    for (size_t i = 0; i < r->source_count; i++)
        if (strcmp(r->sources[i].name, name) == 0)
            return (int) i;
    return -1;
}

int recipe_find_source(const struct recipe *r, const struct yaml_node *map, const char *key,
                       size_t *out, struct error *err)
{
    const char *name;
    int e = fields_need_string(&r->file, map, key, &name, err);
    if (e < 0)
        return e;
    int i = find(r, name);
    if (i < 0)
        return yaml_error(&r->file, yaml_get(map, key), err,
                          "no source \"%s\", expected a name from \"sources\"", name);
    *out = (size_t) i;
    return 0;
}

/* On the spot */

static bool has_type(const struct yaml_node *node, size_t *key)
{
    for (size_t i = 0; i < node->count; i++)
        if (source_type_find(node->keys[i])) {
            *key = i;
            return true;
        }
    return false;
}

/* {T: VALUE, …} is {type: T, MAIN: VALUE, …}: the same mapping with another key. */
static void rename_key(struct recipe_source *s, size_t key)
{
    const struct yaml_node *node = s->node;
    s->made = xcalloc(1, sizeof(*s->made));
    *s->made = *node;
    s->made->keys = xcalloc(node->count + 1, sizeof(*node->keys));
    memcpy(s->made->keys, node->keys, node->count * sizeof(*node->keys));
    s->made->keys[key] = (char *) s->type->main_key;
    s->node = s->made;
}

static int read_short(struct recipe *r, struct recipe_source *s, size_t key, struct error *err)
{
    const struct yaml_node *value = s->node->items[key];
    s->type = source_type_find(s->node->keys[key]);
    if (value->kind == YAML_MAPPING) {
        if (s->node->count > 1)
            return yaml_error_key(&r->file, s->node, !key, err,
                                  "a key beside \"%s\", which has all of them", s->type->name);
        s->node = value;
    } else if (strcmp(s->type->name, s->type->main_key) != 0) {
        rename_key(s, key);
    }
    return load(r, s, err);
}

int recipe_read_inline_source(struct recipe *r, const struct yaml_node *node, const char *name,
                              size_t *out, struct error *err)
{
    size_t key = 0;
    int e = fields_kind(&r->file, node, YAML_MAPPING, err);
    if (e < 0)
        return e;
    if (find(r, name) >= 0)
        return yaml_error(&r->file, node, err, "there is a source \"%s\" already", name);
    *out = r->source_count++;
    struct recipe_source *s = &r->sources[*out];
    s->name = name;
    s->node = node;
    if (yaml_get(node, "type"))
        return read_source(r, s, err);
    return has_type(node, &key) ? read_short(r, s, key, err) : unknown_type(r, node, err);
}
