#include "coordinator/stack-objects.h"

#include "coordinator/stack-needs.h"
#include "coordinator/stack-ready.h"
#include "coordinator/stack-reference.h"
#include "lib/kube.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define APPLY_TIMEOUT_MS 120000
#define REGISTER_TRIES 15 /* of a second: a CustomResourceDefinition becomes a kind */
#define LIVE_KINDS "deployments,statefulsets,daemonsets,jobs,pods"

const char *const stack_apply_words[] = {
    "apply", "--server-side", "--force-conflicts", "--field-manager=" STACK_MANAGER, "-f", "-",
    NULL};
const char *const stack_create_words[] = {"create", "-f", "-", NULL};

int stack_make_namespace(const struct kubectl *k, bool *changed, struct error *err)
{
    AUTO_JSON *found = NULL;
    int r = kubectl_find(k, "namespace", STACK_NAMESPACE, NULL, &found, err);
    if (r < 0 || found)
        return r;
    AUTO_JSON *space = json_pack("{s:s, s:s, s:{s:s, s:{s:s}}}", "apiVersion", "v1", "kind",
                                 "Namespace", "metadata", "name", STACK_NAMESPACE, "labels",
                                 "app.kubernetes.io/managed-by", STACK_MANAGER);
    AUTO_FREE char *text = json_canonical(space);
    *changed = true;
    return kubectl_run(k, stack_create_words, text, KUBECTL_TIMEOUT_MS, NULL, err);
}

int stack_apply_object(const struct kubectl *k, const json_t *object, struct error *err)
{
    AUTO_FREE char *text = json_canonical(object);
    return kubectl_run(k, stack_apply_words, text, KUBECTL_TIMEOUT_MS, NULL, err);
}

/* Records */

int stack_remember(const struct kubectl *k, const char *record, const char *profile,
                   struct error *err)
{
    AUTO_JSON *map = json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s}}", "apiVersion", "v1", "kind",
                               "ConfigMap", "metadata", "name", record, "namespace",
                               STACK_NAMESPACE, "data", "profile", profile);
    return stack_apply_object(k, map, err);
}

int stack_recall(const struct kubectl *k, const char *record, char **out, struct error *err)
{
    AUTO_JSON *map = NULL;
    int r = kubectl_find(k, "configmap", record, STACK_NAMESPACE, &map, err);
    const char *profile = json_get_string(json_object_get(map, "data"), "profile", NULL);
    *out = profile && *profile ? xstrdup(profile) : NULL;
    return r;
}

/* Objects */

static json_t *without_state(const json_t *object)
{
    static const char *const kept[] = {"managedFields", "resourceVersion", "generation"};
    json_t *copy = json_deep_copy(object), *metadata = json_object_get(copy, "metadata");
    json_object_del(copy, "status");
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
        json_object_del(metadata, kept[i]);
    return copy;
}

static json_t *by_uid(const json_t *objects)
{
    json_t *map = json_object(), *o;
    size_t i;
    json_array_foreach(objects, i, o)
        json_object_set_new(map, json_get_string(json_object_get(o, "metadata"), "uid", ""),
                            without_state(o));
    return map;
}

bool stack_same_objects(const json_t *before, const json_t *after)
{
    AUTO_JSON *a = by_uid(before);
    AUTO_JSON *b = by_uid(after);
    return json_equal(a, b);
}

/* kubectl prints a List, or the object where there is one. */
static void add_items(json_t *list, json_t *answer)
{
    json_t *items = json_object_get(answer, "items");
    if (items)
        json_array_extend(list, items);
    else if (answer)
        json_array_append(list, answer);
}

/* NULL: there is nothing in it. */
static char *references_text(const json_t *objects)
{
    AUTO_JSON *items = json_array();
    stack_add_references(items, objects);
    if (json_array_size(items) == 0)
        return NULL;
    AUTO_JSON *list = kube_list(json_incref(items));
    return json_canonical(list);
}

static bool is_unknown_kind(const struct error *err)
{
    return err && (strstr(err->text, "no matches for kind") ||
                   strstr(err->text, "resource mapping not found"));
}

int stack_get_objects(const struct kubectl *k, const json_t *objects, json_t *live,
                      struct error *err)
{
    static const char *const args[] = {
        "get", "-f", "-", "--ignore-not-found", "--show-managed-fields", NULL};
    AUTO_FREE char *text = references_text(objects);
    AUTO_JSON *answer = NULL;
    struct error own = ERROR_INIT;
    int r = text ? kubectl_json(k, args, text, &answer, &own) : 0;
    add_items(live, answer);
    if (r == -EREMOTEIO && is_unknown_kind(&own))
        return -ENXIO;
    if (r < 0 && err)
        *err = own;
    return r;
}

static int apply(const struct kubectl *k, const struct stack_rendered *r, bool dry, json_t *after,
                 struct error *err)
{
    AUTO_JSON *answer = NULL;
    STRV(args);
    strv_add_all(&args, stack_apply_words);
    if (dry)
        strv_add(&args, "--dry-run=server");
    if (stack_is_at_home(r->objects)) {
        strv_add(&args, "-n");
        strv_add(&args, STACK_NAMESPACE);
    }
    const struct timespec pause = {.tv_sec = 1};
    int e = kubectl_json(k, (const char *const *) args.items, r->text, &answer, err);
    for (int i = 0; i < REGISTER_TRIES && e == -EREMOTEIO && is_unknown_kind(err); i++) {
        nanosleep(&pause, NULL);
        e = kubectl_json(k, (const char *const *) args.items, r->text, &answer, err);
    }
    add_items(after, answer);
    return e;
}

static int compare(const struct kubectl *k, const struct stack_rendered *r, bool dry, bool *changed,
                   struct error *err)
{
    AUTO_JSON *before = json_array();
    AUTO_JSON *after = json_array();
    int e = stack_get_objects(k, r->objects, before, err);
    if ((e < 0 && e != -ENXIO) || (e = apply(k, r, dry, after, err)) < 0)
        return e;
    if (!stack_same_objects(before, after))
        *changed = true;
    return 0;
}

int stack_apply_objects(const struct kubectl *k, const struct stack_rendered *r, bool *changed,
                        struct error *err)
{
    return compare(k, r, false, changed, err);
}

int stack_would_change(const struct kubectl *k, const struct stack_rendered *r, bool *changed,
                       struct error *err)
{
    return compare(k, r, true, changed, err);
}

int stack_delete_objects(const struct kubectl *k, const json_t *objects, int wait_ms,
                         struct error *err)
{
    const char *const args[] = {"delete",
                                "--ignore-not-found",
                                "--cascade=foreground",
                                wait_ms ? "--wait=true" : "--wait=false",
                                "-f",
                                "-",
                                NULL};
    AUTO_FREE char *text = references_text(objects);
    return text ? kubectl_run(k, args, text, wait_ms ? wait_ms : KUBECTL_TIMEOUT_MS, NULL, err) : 0;
}

/* What runs */

static void find_namespaces(const struct stack_rendered *rendered, size_t count, struct strv *out)
{
    for (size_t i = 0; i < count; i++) {
        size_t k;
        json_t *o;
        json_array_foreach(rendered[i].objects, k, o) {
            const char *space = stack_namespace_of(o, STACK_NAMESPACE);
            if (stack_is_workload(o) && !strv_contains(out, space))
                strv_add(out, space);
        }
    }
}

int stack_check_room(const struct kubectl *k, const struct stack *s,
                     const struct stack_rendered *rendered, struct error *err)
{
    static const char *const get_nodes[] = {"get", "nodes", NULL};
    static const char *const get_pods[] = {"get", "pods", "--all-namespaces", NULL};
    static const char *const get_classes[] = {"get", "storageclasses", NULL};
    AUTO_JSON *nodes = NULL;
    AUTO_JSON *pods = NULL;
    AUTO_JSON *classes = NULL;
    int r;
    if ((r = kubectl_json(k, get_nodes, NULL, &nodes, err)) < 0 ||
        (r = kubectl_json(k, get_pods, NULL, &pods, err)) < 0 ||
        (r = kubectl_json(k, get_classes, NULL, &classes, err)) < 0)
        return r;
    CLEANUP(stack_nodes_release) struct stack_nodes there = STACK_NODES_INIT;
    stack_nodes_from_live(nodes, pods, classes, rendered, s->count, &there);
    return stack_fit(s, rendered, &there, err);
}

int stack_fetch_live(const struct kubectl *k, const struct stack_rendered *rendered, size_t count,
                     json_t **out, struct error *err)
{
    AUTO_JSON *all = json_array();
    STRV(spaces);
    find_namespaces(rendered, count, &spaces);
    for (size_t i = 0; i < spaces.count; i++) {
        const char *const args[] = {"get", LIVE_KINDS, "-n", spaces.items[i], NULL};
        AUTO_JSON *list = NULL;
        int r = kubectl_json(k, args, NULL, &list, err);
        if (r < 0)
            return r;
        json_array_extend(all, json_object_get(list, "items"));
    }
    *out = TAKE_PTR(all);
    return 0;
}

int stack_look(const struct kubectl *k, const struct stack_rendered *r, struct stack_progress *out,
               struct error *err)
{
    AUTO_JSON *live = NULL;
    int e = stack_fetch_live(k, r, 1, &live, err);
    if (e == 0)
        stack_judge(r->objects, live, STACK_NAMESPACE, out);
    return e;
}
