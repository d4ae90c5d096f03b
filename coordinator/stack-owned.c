#include "coordinator/stack-owned.h"

#include "coordinator/stack-objects.h"
#include "coordinator/stack-ready.h"
#include "coordinator/stack-reference.h"
#include "lib/kube.h"

#include <errno.h>
#include <string.h>

#define LABEL "bigtop.apache.org/component"
#define MAP_PREFIX "bigtop-stack."
#define KEY "objects"

static void add_secrets(json_t *list, const struct stack_secret *secrets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        AUTO_JSON *one = stack_reference("v1", "Secret", secrets[i].name, STACK_NAMESPACE);
        stack_add_reference(list, one);
    }
}

static json_t *references_of(const struct stack_work *w, const char *name, const json_t *owned)
{
    const struct stack_component *c = stack_find(&w->stack, name);
    json_t *had = json_object_get(owned, name), *list = had ? json_copy(had) : json_array();
    if (c) {
        stack_add_references(list, w->rendered[c - w->stack.components].objects);
        add_secrets(list, c->secrets, c->secret_count);
        add_secrets(list, c->certificates, c->certificate_count);
    }
    return list;
}

/* The cluster's records */

static void take_record(const json_t *map, json_t *out)
{
    const char *component = json_get_string(kube_labels(map), LABEL, "");
    const char *text = json_get_string(json_object_get(map, "data"), KEY, "");
    AUTO_JSON *found = json_parse(text, strlen(text), component, NULL);
    json_t *list = json_array(), *o;
    size_t i;
    json_array_foreach(found, i, o)
        stack_add_reference(list, o);
    json_object_set_new(out, component, list);
}

int stack_owned_load(const struct kubectl *k, json_t **out, struct error *err)
{
    static const char *const args[] = {"get", "configmaps", "-n", STACK_NAMESPACE,
                                       "-l",  LABEL,        NULL};
    AUTO_JSON *maps = NULL;
    int r = kubectl_json(k, args, NULL, &maps, err);
    if (r < 0)
        return r;
    json_t *owned = json_object(), *map;
    size_t i;
    json_array_foreach(json_object_get(maps, "items"), i, map)
        take_record(map, owned);
    *out = owned;
    return 0;
}

static int forget(const struct kubectl *k, const char *map, struct error *err)
{
    const char *const args[] = {"delete",        "configmap",          map, "-n",
                                STACK_NAMESPACE, "--ignore-not-found", NULL};
    return kubectl_run(k, args, NULL, KUBECTL_TIMEOUT_MS, NULL, err);
}

int stack_owned_set(const struct kubectl *k, const char *component, json_t *list, json_t *owned,
                    struct error *err)
{
    AUTO_FREE char *name = xasprintf(MAP_PREFIX "%s", component);
    json_object_set(owned, component, list);
    if (json_array_size(list) == 0)
        return forget(k, name, err);
    AUTO_FREE char *text = json_canonical(list);
    AUTO_JSON *map = json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:{s:s}}", "apiVersion", "v1",
                               "kind", "ConfigMap", "metadata", "name", name, "namespace",
                               STACK_NAMESPACE, "labels", LABEL, component, "data", KEY, text);
    return stack_apply_object(k, map, err);
}

int stack_owned_add(const struct stack_work *w, size_t i, json_t *owned, struct error *err)
{
    const char *name = w->stack.components[i].name;
    AUTO_JSON *list = references_of(w, name, owned);
    if (json_array_size(list) == json_array_size(json_object_get(owned, name)))
        return 0;
    return stack_owned_set(&w->kubectl, name, list, owned, err);
}

/* Deleting */

/* A kind that is gone took its objects along: kubectl then refuses all of a list. */
static int get_each(const struct kubectl *k, const json_t *list, json_t *live, struct error *err)
{
    size_t i;
    json_t *o;
    int r = 0;
    json_array_foreach(list, i, o) {
        AUTO_JSON *one = json_pack("[O]", o);
        r = r == 0 ? stack_get_objects(k, one, live, err) : r;
        r = r == -ENXIO ? 0 : r;
    }
    return r;
}

static int get_live(const struct kubectl *k, const json_t *list, json_t *live, struct error *err)
{
    int r = stack_get_objects(k, list, live, err);
    return r == -ENXIO ? get_each(k, list, live, err) : r;
}

static int add_claims(const struct kubectl *k, const json_t *set, json_t *data, struct error *err)
{
    const char *const args[] = {"get", "persistentvolumeclaims", "-n",
                                stack_namespace_of(set, STACK_NAMESPACE), NULL};
    AUTO_JSON *claims = NULL;
    int r = kubectl_json(k, args, NULL, &claims, err);
    size_t i;
    json_t *claim;
    json_array_foreach(json_object_get(claims, "items"), i, claim)
        if (stack_selects(set, kube_labels(claim)))
            stack_add_reference(data, claim);
    return r;
}

int stack_owned_delete(const struct kubectl *k, const json_t *list, int wait_ms,
                       struct strv *removed, json_t *data, struct error *err)
{
    AUTO_JSON *live = json_array();
    AUTO_JSON *ours = json_array();
    int r = get_live(k, list, live, err);
    size_t i;
    json_t *o;
    json_array_foreach(live, i, o) {
        if (!stack_is_ours(o))
            continue;
        json_array_append_new(ours, stack_reference_to(o));
        strv_addf(removed, "%s %s", json_get_string(o, "kind", ""), kube_name(o));
        if (r == 0 && kube_is_kind(o, "StatefulSet"))
            r = add_claims(k, o, data, err);
    }
    return r < 0 ? r : stack_delete_objects(k, ours, wait_ms, err);
}

/* What is not rendered any more */

/* Of components that are in no profile their records tell. */
static bool others_have(const struct stack *s, const struct stack_rendered *rendered,
                        const json_t *owned, const char *component, const json_t *object)
{
    const char *name;
    json_t *theirs;
    for (size_t k = 0; k < s->count; k++)
        if (strcmp(s->components[k].name, component) != 0 &&
            stack_references_have(rendered[k].objects, object))
            return true;
    json_object_foreach((json_t *) (uintptr_t) owned, name, theirs)
        if (strcmp(name, component) != 0 && !stack_find(s, name) &&
            stack_references_have(theirs, object))
            return true;
    return false;
}

json_t *stack_surplus(const struct stack *s, const struct stack_rendered *rendered,
                      const json_t *owned, const char *component)
{
    const struct stack_component *c = stack_find(s, component);
    json_t *surplus = json_array(), *o;
    size_t i;
    json_array_foreach(json_object_get(owned, component), i, o)
        if (!stack_holds_data(o) && !others_have(s, rendered, owned, component, o) &&
            !(c && stack_references_have(rendered[c - s->components].objects, o)))
            json_array_append(surplus, o);
    return surplus;
}

json_t *stack_owned_all(const struct stack_work *w, const char *component, const json_t *owned)
{
    AUTO_JSON *all = references_of(w, component, owned);
    json_t *own = json_array(), *o;
    size_t i;
    json_array_foreach(all, i, o)
        if (!others_have(&w->stack, w->rendered, owned, component, o))
            json_array_append(own, o);
    return own;
}

/* What it keeps on record: others that render what it no longer does have it on theirs. */
static json_t *still_owned(const struct stack_work *w, size_t i, const json_t *owned)
{
    json_t *rest = json_array(), *o;
    size_t k;
    json_array_foreach(json_object_get(owned, w->stack.components[i].name), k, o)
        if (stack_holds_data(o) || stack_references_have(w->rendered[i].objects, o))
            json_array_append(rest, o);
    return rest;
}

int stack_owned_prune(const struct stack_work *w, size_t i, json_t *owned, struct strv *removed,
                      struct error *err)
{
    const char *name = w->stack.components[i].name;
    AUTO_JSON *rest = still_owned(w, i, owned);
    AUTO_JSON *surplus = stack_surplus(&w->stack, w->rendered, owned, name);
    if (json_array_size(rest) == json_array_size(json_object_get(owned, name)))
        return 0;
    if (stack_owned_delete(&w->kubectl, surplus, 0, removed, rest, err) < 0 ||
        stack_owned_set(&w->kubectl, name, rest, owned, err) < 0)
        return error_prefix(err, "remove what it no longer has");
    return 0;
}

void stack_find_gone(const struct stack *s, const json_t *owned, struct strv *out)
{
    const char *name;
    json_t *list, *o;
    json_object_foreach((json_t *) (uintptr_t) owned, name, list) {
        size_t i, runs = 0;
        json_array_foreach(list, i, o)
            runs += !stack_holds_data(o);
        if (runs && !stack_find(s, name))
            strv_add(out, name);
    }
    strv_sort(out);
}
