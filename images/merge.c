#include "images/merge.h"

#include "images/layout.h"
#include "images/merge-papers.h"
#include "lib/path.h"

#include <errno.h>
#include <string.h>

#define REMEDY_MERGE "only bundles for the same clusters can be merged: build one of them again"

struct merge {
    struct layout *layout;
    json_t *components, *sources, *deltas; /* of the new bigtop.json */
    json_t *entries;                       /* of the new index.json */
    json_t *origins;                       /* component's name: path of its bundle */
    json_t *left_out;                      /* blobs of the bundles' own papers, as keys */
};

static void merge_release(struct merge *m)
{
    layout_close(&m->layout);
    json_decref(m->components);
    json_decref(m->sources);
    json_decref(m->deltas);
    json_decref(m->entries);
    json_decref(m->origins);
    json_decref(m->left_out);
}

static int check_same(const struct bundle *a, const struct bundle *b, const char *what,
                      const char *of_a, const char *of_b, struct error *err)
{
    if (strcmp(of_a, of_b) == 0)
        return 0;
    error_set(err, -ENOTUNIQ, "%s is for %s %s, %s for %s", a->path, what, of_a, b->path, of_b);
    (void) error_remedy(err, REMEDY_MERGE);
    return -ENOTUNIQ;
}

/* The first that is for a Kubernetes: a stack's need not be. NULL: none. */
static const struct bundle *with_kubernetes(const struct bundle *bundles, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bundles[i].kubernetes)
            return &bundles[i];
    return NULL;
}

static int check_kind(const struct bundle *bundles, size_t i, struct error *err)
{
    const struct bundle *a = bundles, *b = &bundles[i], *k = with_kubernetes(bundles, i);
    int r;
    if ((r = check_same(a, b, "product", a->product, b->product, err)) < 0 ||
        (r = check_same(a, b, "architecture", a->architecture, b->architecture, err)) < 0)
        return r;
    if (!k || !b->kubernetes)
        return 0;
    return check_same(k, b, "Kubernetes", k->kubernetes, b->kubernetes, err);
}

/* Sources are there for people: two that are called the same are both kept. Returns {its name: name
 * in the merged bundle}. */
static json_t *merge_sources(struct merge *m, const struct bundle *b)
{
    json_t *names = json_object();
    const char *name;
    json_t *about;
    json_object_foreach(json_object_get(b->json, "sources"), name, about) {
        AUTO_FREE char *free_name = xstrdup(name);
        const json_t *other;
        for (int i = 2; (other = json_object_get(m->sources, free_name)); i++) {
            if (json_equal(other, about))
                break;
            free(free_name);
            free_name = xasprintf("%s-%d", name, i);
        }
        json_object_set(m->sources, free_name, about);
        json_object_set_new(names, name, json_string(free_name));
    }
    return names;
}

static json_t *with_sources(const json_t *component, const json_t *names)
{
    json_t *copy = json_copy((json_t *) component);
    json_t *list = json_array();
    size_t i;
    json_t *name;
    json_array_foreach(json_object_get(component, "sources"), i, name)
        json_array_append(list, json_object_get(names, json_string_value(name)));
    if (json_object_get(component, "sources"))
        json_object_set(copy, "sources", list);
    json_decref(list);
    return copy;
}

/* Whether they are the same but for where they came from. */
static bool same_content(const json_t *a, const json_t *b)
{
    AUTO_JSON *x = json_copy((json_t *) a), *y = json_copy((json_t *) b);
    json_object_del(x, "sources");
    json_object_del(y, "sources");
    return json_equal(x, y);
}

static int conflict(const struct merge *m, const struct bundle *b, const json_t *old,
                    const json_t *new, struct error *err)
{
    const char *name = json_get_string(old, "name", ""), *other = json_get_string(new, "name", "");
    const char *origin = json_get_string(m->origins, name, "");
    if (strcmp(name, other) == 0)
        error_set(err, -ENOTUNIQ, "%s has another %s (%s) than %s (%s)", b->path, name,
                  json_get_string(new, "version", ""), origin, json_get_string(old, "version", ""));
    else
        error_set(err, -ENOTUNIQ, "%s is %s in %s, and %s in %s", json_get_string(old, "ref", ""),
                  name, origin, other, b->path);
    (void) error_remedy(err, "leave it out of one of the recipes, or make both the same");
    return -ENOTUNIQ;
}

/* 1: it is there already; 0: it is new. */
static int find_same(const struct merge *m, const struct bundle *b, const json_t *component,
                     struct error *err)
{
    const char *name = json_get_string(component, "name", "");
    const char *ref = json_get_string(component, "ref", NULL);
    size_t i;
    json_t *old;
    json_array_foreach(m->components, i, old) {
        bool same_name = strcmp(json_get_string(old, "name", ""), name) == 0;
        bool same_ref = ref && strcmp(json_get_string(old, "ref", ""), ref) == 0;
        if (same_name && same_content(old, component))
            return 1;
        if (same_name || same_ref)
            return conflict(m, b, old, component, err);
    }
    return 0;
}

static int merge_components(struct merge *m, const struct bundle *b, struct error *err)
{
    AUTO_JSON *names = merge_sources(m, b);
    size_t i;
    json_t *component;
    json_array_foreach(json_object_get(b->json, "components"), i, component) {
        int r = find_same(m, b, component, err);
        if (r < 0)
            return r;
        if (r > 0)
            continue;
        json_object_set_new(m->origins, json_get_string(component, "name", ""),
                            json_string(b->path));
        json_array_append_new(m->components, with_sources(component, names));
    }
    return 0;
}

static void merge_deltas(struct merge *m, const struct bundle *b)
{
    const char *digest;
    json_t *list, *delta;
    size_t i;
    json_object_foreach(json_object_get(b->json, "deltas"), digest, list) {
        if (!json_object_get(m->deltas, digest))
            json_object_set_new(m->deltas, digest, json_array());
        json_array_foreach(list, i, delta)
            json_add_distinct(json_object_get(m->deltas, digest), delta, BUNDLE_DELTAS_MAX);
    }
}

static void leave_out(struct merge *m, const char *digest)
{
    if (digest)
        json_object_set_new(m->left_out, digest, json_true());
}

static int merge_entries(struct merge *m, const struct bundle *b, struct error *err)
{
    AUTO_JSON *index = NULL;
    int r = bundle_index(b, &index, err);
    if (r < 0)
        return error_prefix(err, "%s", b->path);
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(index, "manifests"), i, entry) {
        if (merge_papers_has(entry))
            leave_out(m, json_get_string(entry, "digest", ""));
        else
            json_add_distinct(m->entries, entry, SIZE_MAX);
    }
    leave_out(m, b->sbom);
    leave_out(m, b->licenses);
    return 0;
}

static int merge_blobs(struct merge *m, const struct bundle *b, struct error *err)
{
    const char *digest;
    json_t *size;
    json_object_foreach(json_object_get(b->json, "blobs"), digest, size) {
        AUTO_BLOB_SOURCE blob = BLOB_SOURCE_INIT;
        if (json_object_get(m->left_out, digest))
            continue;
        if (bundle_blob_open(b, digest, &blob, err) < 0 ||
            layout_put_blob(m->layout, &blob, digest, err) < 0)
            return error_prefix(err, "%s", b->path);
    }
    return 0;
}

/* Both are RFC 3339 in UTC, which sort as texts. */
static const char *latest(const struct bundle *bundles, size_t count)
{
    const char *created = "";
    for (size_t i = 0; i < count; i++) {
        const char *own = json_get_string(bundles[i].json, "created", "");
        if (strcmp(own, created) > 0)
            created = own;
    }
    return created;
}

static int64_t highest(const struct bundle *bundles, size_t count)
{
    int64_t serial = 0;
    for (size_t i = 0; i < count; i++)
        if (bundles[i].serial > serial)
            serial = bundles[i].serial;
    return serial;
}

static int finish(struct merge *m, const struct bundle *bundles, size_t count, int64_t serial,
                  const char *dir, struct error *err)
{
    const struct bundle *k = with_kubernetes(bundles, count);
    AUTO_JSON *json = json_pack(
        "{s:i, s:s, s:s, s:I, s:s, s:s*, s:O, s:O, s:O}", "schema", BUNDLE_SCHEMA, "product",
        bundles->product, "architecture", bundles->architecture, "serial",
        (json_int_t) (serial ? serial : highest(bundles, count)), "created", latest(bundles, count),
        "kubernetes", k ? k->kubernetes : NULL, "components", m->components, "blobs",
        layout_blobs(m->layout), "chunks", layout_chunks(m->layout));
    if (json_object_size(m->deltas))
        json_object_set(json, "deltas", m->deltas);
    json_object_set(json, "sources", m->sources);
    size_t i;
    json_t *entry;
    json_array_foreach(m->entries, i, entry)
        layout_add_entry(m->layout, entry);
    int r = merge_papers(bundles, count, m->layout, dir, json, err);
    return r < 0 ? r : layout_finish(m->layout, json, err);
}

static int plan(struct merge *m, const struct bundle *bundles, size_t count, struct error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        const struct bundle *b = &bundles[i];
        if ((r = check_kind(bundles, i, err)) < 0 || (r = merge_components(m, b, err)) < 0 ||
            (r = merge_entries(m, b, err)) < 0)
            return r;
        merge_deltas(m, b);
    }
    return r;
}

static int verify(const char *dir, struct error *err)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    int r = bundle_open(dir, NULL, &b, err);
    return r < 0 ? r : bundle_verify(&b, err);
}

/* Planned first: bundles that do not fit together are known at once, and nothing is written. */
int bundle_merge(const struct bundle *bundles, size_t count, int64_t serial, const char *dir,
                 struct error *err)
{
    CLEANUP(merge_release)
    struct merge m = {.components = json_array(),
                      .sources = json_object(),
                      .deltas = json_object(),
                      .entries = json_array(),
                      .origins = json_object(),
                      .left_out = json_object()};
    int r;
    if ((r = plan(&m, bundles, count, err)) < 0 || (r = path_make_empty(dir, 0755, err)) < 0 ||
        (r = layout_open(dir, &m.layout, err)) < 0)
        return r;
    for (size_t i = 0; r == 0 && i < count; i++)
        r = merge_blobs(&m, &bundles[i], err);
    return r < 0 || (r = finish(&m, bundles, count, serial, dir, err)) < 0 ? r : verify(dir, err);
}
