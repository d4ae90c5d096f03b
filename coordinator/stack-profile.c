#include "coordinator/stack-profile.h"

#include "images/fields.h"
#include "lib/grammar.h"
#include "lib/path.h"
#include "lib/yaml-json.h"
#include "lib/yaml.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define COMPONENTS_MAX 100
#define SUFFIX ".yaml"

struct profile {
    const struct yaml_file *f;
    const struct yaml_node *list; /* of components */
    const struct strv *folders;
    struct strv names;
};

void stack_release(struct stack *s)
{
    for (size_t i = 0; i < s->count; i++)
        stack_component_release(&s->components[i]);
    free(s->components);
    free(s->name);
    free(s->summary);
    *s = STACK_INIT;
}

static int read_entry(struct profile *p, const struct yaml_node *n, struct error *err)
{
    static const char *const keys[] = {"name", "values", NULL};
    const char *name;
    int r;
    if ((r = fields_check(p->f, n, keys, err)) < 0 ||
        (r = fields_need_word(p->f, n, "name", &name, err)) < 0)
        return r;
    if (!grammar_node_name(name))
        return yaml_error(p->f, yaml_get(n, "name"), err,
                          "a component's name has lower-case letters, digits and - only");
    if (strv_contains(&p->names, name))
        return yaml_error(p->f, yaml_get(n, "name"), err, "%s is there twice", name);
    strv_add(&p->names, name);
    return 0;
}

static int read_profile(struct profile *p, struct stack *s, struct error *err)
{
    static const char *const keys[] = {"summary", "components", NULL};
    const char *summary;
    int r;
    if ((r = fields_check(p->f, p->f->root, keys, err)) < 0 ||
        (r = fields_need_string(p->f, p->f->root, "summary", &summary, err)) < 0 ||
        (r = fields_need(p->f, p->f->root, "components", &p->list, err)) < 0 ||
        (r = fields_kind(p->f, p->list, YAML_SEQUENCE, err)) < 0)
        return r;
    if (p->list->count == 0 || p->list->count > COMPONENTS_MAX)
        return yaml_error(p->f, p->list, err, "%zu components, expected 1 to %d", p->list->count,
                          COMPONENTS_MAX);
    s->summary = xstrdup(summary);
    for (size_t i = 0; r == 0 && i < p->list->count; i++)
        r = read_entry(p, p->list->items[i], err);
    return r;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static char *find_folder(const struct strv *folders, const char *name)
{
    for (size_t i = 0; i < folders->count; i++) {
        AUTO_FREE char *path = path_join(folders->items[i], name);
        if (is_folder(path))
            return TAKE_PTR(path);
    }
    return NULL;
}

/* Values */

static bool same_kind(const json_t *a, const json_t *b)
{
    return (json_is_number(a) && json_is_number(b)) || (json_is_boolean(a) && json_is_boolean(b)) ||
           json_is_string(a);
}

/* Where a text stands in the component's file, a number in the profile's is text too. */
static int set_value(const struct profile *p, const struct yaml_node *map, size_t i,
                     struct stack_component *c, struct error *err)
{
    const json_t *old = json_object_get(c->values, map->keys[i]);
    const struct yaml_node *n = map->items[i];
    if (!old)
        return yaml_error_key(p->f, map, i, err, "component %s has no value \"%s\"", c->name,
                              map->keys[i]);
    if (n->kind != YAML_SCALAR)
        return yaml_error(p->f, n, err, "expected a plain value");
    AUTO_JSON *value = json_is_string(old) ? json_string(n->text) : yaml_to_json(n);
    if (!same_kind(old, value))
        return yaml_error(p->f, n, err, "expected %s, as %s of %s is",
                          json_is_number(old) ? "a number" : "true or false", map->keys[i],
                          c->name);
    json_object_set(c->values, map->keys[i], value);
    return 0;
}

static int set_values(const struct profile *p, const struct yaml_node *entry,
                      struct stack_component *c, struct error *err)
{
    const struct yaml_node *map = yaml_get(entry, "values");
    int r = map ? fields_kind(p->f, map, YAML_MAPPING, err) : 0;
    for (size_t i = 0; r == 0 && map && i < map->count; i++)
        r = set_value(p, map, i, c, err);
    return r;
}

/* Order */

static size_t index_of(const struct strv *names, const char *name)
{
    size_t i = 0;
    while (strcmp(names->items[i], name) != 0)
        i++;
    return i;
}

static int load_component(const struct profile *p, size_t i, struct stack *s, struct error *err)
{
    struct stack_component *c = &s->components[i];
    const struct yaml_node *entry = p->list->items[i];
    AUTO_FREE char *dir = find_folder(p->folders, p->names.items[i]);
    STRV(after);
    c->name = xstrdup(p->names.items[i]);
    if (!dir) {
        AUTO_FREE char *places = strv_join(p->folders, " and ");
        return yaml_error(p->f, yaml_get(entry, "name"), err,
                          "there is no component %s, expected a folder of that name in %s", c->name,
                          places);
    }
    int r = stack_component_load(c, dir, &p->names, &after, err);
    if (r < 0)
        return r;
    c->after = xcalloc(after.count + 1, sizeof(*c->after));
    for (size_t k = 0; k < after.count; k++)
        c->after[c->after_count++] = index_of(&p->names, after.items[k]);
    return set_values(p, entry, c, err);
}

enum mark { UNSEEN, ON_THE_WAY, SEEN };

static int name_cycle(const struct stack *s, const size_t *way, size_t depth, size_t again,
                      struct error *err)
{
    STRV(names);
    size_t first = 0;
    while (way[first] != again)
        first++;
    for (size_t i = first; i < depth; i++)
        strv_add(&names, s->components[way[i]].name);
    strv_add(&names, s->components[again].name);
    AUTO_FREE char *list = strv_join(&names, " after ");
    error_set(err, -EINVAL, "profile %s: the components wait for each other: %s", s->name, list);
    return error_remedy(err, "take one of the `after` out of its component.yaml");
}

static int visit(const struct stack *s, size_t i, enum mark *marks, size_t *way, size_t depth,
                 struct error *err)
{
    int r = 0;
    marks[i] = ON_THE_WAY;
    way[depth++] = i;
    for (size_t k = 0; r == 0 && k < s->components[i].after_count; k++) {
        size_t before = s->components[i].after[k];
        r = marks[before] == ON_THE_WAY ? name_cycle(s, way, depth, before, err)
            : marks[before] == UNSEEN   ? visit(s, before, marks, way, depth, err)
                                        : 0;
    }
    marks[i] = SEEN;
    return r;
}

static int check_order(const struct stack *s, struct error *err)
{
    AUTO_FREE enum mark *marks = xcalloc(s->count, sizeof(*marks));
    AUTO_FREE size_t *way = xcalloc(s->count, sizeof(*way));
    int r = 0;
    for (size_t i = 0; r == 0 && i < s->count; i++)
        r = marks[i] == UNSEEN ? visit(s, i, marks, way, 0, err) : 0;
    return r;
}

const struct stack_component *stack_find(const struct stack *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->components[i].name, name) == 0)
            return &s->components[i];
    return NULL;
}

size_t stack_stem(const char *file)
{
    size_t len = strlen(file), suffix = strlen(SUFFIX);
    return len > suffix && strcmp(file + len - suffix, SUFFIX) == 0 ? len - suffix : 0;
}

static char *name_of(const char *file)
{
    const char *base = path_basename(file);
    size_t stem = stack_stem(base);
    return xstrndup(base, stem ? stem : strlen(base));
}

static int load(struct profile *p, const char *file, struct stack *s, struct error *err)
{
    int r = read_profile(p, s, err);
    if (r < 0)
        return r;
    s->name = name_of(file);
    s->count = p->list->count;
    s->components = xcalloc(s->count, sizeof(*s->components));
    for (size_t i = 0; r == 0 && i < s->count; i++)
        r = load_component(p, i, s, err);
    return r < 0 ? r : check_order(s, err);
}

int stack_load(const char *file, const struct strv *folders, struct stack *out, struct error *err)
{
    CLEANUP(yaml_release) struct yaml_file f = YAML_FILE_INIT;
    AUTO_STACK s = STACK_INIT;
    struct profile p = {.f = &f, .folders = folders};
    int r = yaml_parse_file(file, &f, err);
    r = r < 0 ? r : load(&p, file, &s, err);
    strv_release(&p.names);
    if (r < 0)
        return r;
    *out = s;
    s = STACK_INIT;
    return 0;
}
