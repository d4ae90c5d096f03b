#include "coordinator/stack-remove.h"

#include "coordinator/command.h"
#include "coordinator/stack-objects.h"
#include "coordinator/stack-ready.h"
#include "lib/clock.h"
#include "lib/kube.h"

#include <errno.h>
#include <string.h>

#define REMOVE_TIMEOUT_MS (5 * 60 * 1000)

static bool holds_data(const json_t *object)
{
    static const char *const kinds[] = {"PersistentVolumeClaim", "PersistentVolume", "Namespace",
                                        "CustomResourceDefinition", "Secret"};
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (kube_is_kind(object, kinds[i]))
            return true;
    return false;
}

static json_t *reference(const char *version, const char *kind, const char *name, const char *space)
{
    return json_pack("{s:s, s:s, s:{s:s, s:s*}}", "apiVersion", version, "kind", kind, "metadata",
                     "name", name, "namespace", space);
}

static json_t *reference_to(const json_t *object)
{
    const json_t *metadata = json_object_get(object, "metadata");
    return reference(json_get_string(object, "apiVersion", ""), json_get_string(object, "kind", ""),
                     json_get_string(metadata, "name", ""),
                     json_get_string(metadata, "namespace", NULL));
}

/* NULL when there is nothing in it. */
static json_t *as_list(json_t *items)
{
    if (json_array_size(items) > 0)
        return json_pack("{s:s, s:s, s:o}", "apiVersion", "v1", "kind", "List", "items", items);
    json_decref(items);
    return NULL;
}

static json_t *pick(const json_t *objects, bool data)
{
    json_t *items = json_array(), *o;
    size_t i;
    json_array_foreach(objects, i, o)
        if (holds_data(o) == data)
            json_array_append_new(items, reference_to(o));
    return items;
}

json_t *stack_removable(const json_t *objects)
{
    return as_list(pick(objects, false));
}

static bool is_claim_of(const json_t *claim, const json_t *objects)
{
    const json_t *labels = json_object_get(json_object_get(claim, "metadata"), "labels");
    size_t i;
    json_t *o;
    json_array_foreach(objects, i, o)
        if (kube_is_kind(o, "StatefulSet") && stack_selects(o, labels) &&
            strcmp(stack_namespace_of(o, STACK_NAMESPACE), stack_namespace_of(claim, "")) == 0)
            return true;
    return false;
}

json_t *stack_data_of(const struct stack_component *c, const json_t *objects, const json_t *claims)
{
    json_t *items = pick(objects, true), *claim;
    size_t i;
    json_array_foreach(claims, i, claim)
        if (is_claim_of(claim, objects))
            json_array_append_new(items, reference("v1", "PersistentVolumeClaim", kube_name(claim),
                                                   stack_namespace_of(claim, STACK_NAMESPACE)));
    for (i = 0; i < c->secret_count; i++)
        json_array_append_new(items,
                              reference("v1", "Secret", c->secrets[i].name, STACK_NAMESPACE));
    return as_list(items);
}

/* Depth first: what it comes after is put before it, then all is turned around. */
static void visit(const struct stack *s, size_t i, bool *seen, size_t *order, size_t *left)
{
    if (seen[i])
        return;
    seen[i] = true;
    for (size_t k = 0; k < s->components[i].after_count; k++)
        visit(s, s->components[i].after[k], seen, order, left);
    order[--*left] = i;
}

size_t *stack_reverse_order(const struct stack *s)
{
    size_t *order = xcalloc(s->count + 1, sizeof(*order)), left = s->count;
    AUTO_FREE bool *seen = xcalloc(s->count + 1, sizeof(*seen));
    for (size_t i = 0; i < s->count; i++)
        visit(s, i, seen, order, &left);
    return order;
}

static int delete_list(const struct stack_work *w, const struct stack_rendered *r,
                       const json_t *list, struct error *err)
{
    AUTO_FREE char *text = list ? json_canonical(list) : NULL;
    const struct stack_rendered references = {.text = text, .objects = r->objects};
    return text ? stack_delete_objects(&w->kubectl, &references, REMOVE_TIMEOUT_MS, err) : 0;
}

static int fetch_claims(const struct stack_work *w, json_t **out, struct error *err)
{
    static const char *const args[] = {"get", "persistentvolumeclaims", "-n", STACK_NAMESPACE,
                                       NULL};
    return kubectl_json(&w->kubectl, args, NULL, out, err);
}

static int remove_one(const struct stack_work *w, size_t i, bool delete_data, struct view *v,
                      struct error *err)
{
    const struct stack_rendered *r = &w->rendered[i];
    AUTO_JSON *list = stack_removable(r->objects);
    AUTO_JSON *claims = NULL;
    int e;
    view_host(v, i, VIEW_WORKING, "remove", "", 0, 0);
    if ((e = delete_list(w, r, list, err)) < 0 || (e = fetch_claims(w, &claims, err)) < 0)
        return e;
    AUTO_JSON *data = stack_data_of(&w->stack.components[i], r->objects,
                                    json_object_get(claims, "items"));
    if (delete_data && (e = delete_list(w, r, data, err)) < 0)
        return e;
    view_host(v, i, VIEW_DONE, "removed", data && !delete_data ? "its data stays" : "", 0, 0);
    return 0;
}

int stack_remove(const struct stack_work *w, bool delete_data, struct view *v)
{
    AUTO_FREE size_t *order = stack_reverse_order(&w->stack);
    struct error err = ERROR_INIT;
    int r = 0;
    for (size_t i = 0; r == 0 && i < w->stack.count; i++) {
        r = remove_one(w, order[i], delete_data, v, &err);
        if (r == 0)
            continue;
        view_host(v, order[i], VIEW_FAILED, "remove", err.text, 0, 0);
        view_row_error(v, order[i], "remove", &err);
    }
    if (r < 0)
        view_summary(v, "%s; run the same command again to go on",
                     r == -ECANCELED ? "interrupted" : "failed");
    else
        view_summary(v, "profile %s is removed%s", w->stack.name,
                     delete_data ? ", with all of its data"
                                 : "; its data stays (--delete-data removes it)");
    return r == -ECANCELED ? EXIT_INTERRUPTED : r < 0 ? EXIT_HOST_FAILED : EXIT_DONE;
}
