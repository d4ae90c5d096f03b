#include "coordinator/stack-objects.h"

#include "coordinator/stack-needs.h"
#include "lib/digest.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define SECRET_LEN 32
#define APPLY_TIMEOUT_MS 120000
#define REGISTER_TRIES 15 /* of a second: a CustomResourceDefinition becomes a kind */
#define LIVE_KINDS "deployments,statefulsets,daemonsets,jobs,pods"

static const char *const apply_words[] = {
    "apply", "--server-side", "--force-conflicts", "--field-manager=" STACK_MANAGER, "-f", "-",
    NULL};

int stack_make_namespace(const struct kubectl *k, bool *changed, struct error *err)
{
    static const char *const create[] = {"create", "-f", "-", NULL};
    AUTO_JSON *found = NULL;
    int r = kubectl_find(k, "namespace", STACK_NAMESPACE, NULL, &found, err);
    if (r < 0 || found)
        return r;
    AUTO_JSON *space = json_pack("{s:s, s:s, s:{s:s, s:{s:s}}}", "apiVersion", "v1", "kind",
                                 "Namespace", "metadata", "name", STACK_NAMESPACE, "labels",
                                 "app.kubernetes.io/managed-by", STACK_MANAGER);
    AUTO_FREE char *text = json_canonical(space);
    *changed = true;
    return kubectl_run(k, create, text, KUBECTL_TIMEOUT_MS, NULL, err);
}

/* Records */

int stack_remember(const struct kubectl *k, const char *record, const char *profile,
                   struct error *err)
{
    AUTO_JSON *map = json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s}}", "apiVersion", "v1", "kind",
                               "ConfigMap", "metadata", "name", record, "namespace",
                               STACK_NAMESPACE, "data", "profile", profile);
    AUTO_FREE char *text = json_canonical(map);
    return kubectl_run(k, apply_words, text, KUBECTL_TIMEOUT_MS, NULL, err);
}

int stack_recall(const struct kubectl *k, const char *record, char **out, struct error *err)
{
    AUTO_JSON *map = NULL;
    int r = kubectl_find(k, "configmap", record, STACK_NAMESPACE, &map, err);
    const char *profile = json_get_string(json_object_get(map, "data"), "profile", NULL);
    *out = profile && *profile ? xstrdup(profile) : NULL;
    return r;
}

/* Secrets */

/* Each character is as likely as any other. */
static void random_text(char out[SECRET_LEN + 1])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const unsigned count = sizeof(letters) - 1;
    for (size_t i = 0; i < SECRET_LEN;) {
        unsigned char byte;
        random_bytes(&byte, 1);
        if (byte < 256 - 256 % count)
            out[i++] = letters[byte % count];
    }
    out[SECRET_LEN] = '\0';
}

/* Only what `there` lacks. */
static json_t *new_data(const struct stack_secret *s, const json_t *there)
{
    json_t *data = json_object();
    for (size_t i = 0; i < s->keys.count; i++) {
        char text[SECRET_LEN + 1];
        if (json_object_get(there, s->keys.items[i]))
            continue;
        random_text(text);
        json_object_set_new(data, s->keys.items[i], json_string(text));
        explicit_bzero(text, sizeof(text));
    }
    return data;
}

/* On standard input: the command line is for everybody to see. */
static int send_secret(const struct kubectl *k, const char *const args[], const json_t *object,
                       struct error *err)
{
    char *text = json_canonical(object);
    int r = kubectl_run(k, args, text, KUBECTL_TIMEOUT_MS, NULL, err);
    explicit_bzero(text, strlen(text));
    free(text);
    return r;
}

static int create_secret(const struct kubectl *k, const struct stack_secret *s, json_t *data,
                         struct error *err)
{
    static const char *const args[] = {"create", "-f", "-", NULL};
    AUTO_JSON *object = json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:O}", "apiVersion", "v1",
                                  "kind", "Secret", "metadata", "name", s->name, "namespace",
                                  STACK_NAMESPACE, "labels", "app.kubernetes.io/managed-by",
                                  STACK_MANAGER, "stringData", data);
    return send_secret(k, args, object, err);
}

static int extend_secret(const struct kubectl *k, const struct stack_secret *s, json_t *data,
                         struct error *err)
{
    const char *const args[] = {"patch",
                                "secret",
                                s->name,
                                "-n",
                                STACK_NAMESPACE,
                                "--type=merge",
                                "--patch-file=/dev/stdin",
                                NULL};
    AUTO_JSON *object = json_pack("{s:O}", "stringData", data);
    return send_secret(k, args, object, err);
}

static int make_secret(const struct kubectl *k, const struct stack_secret *s, bool *changed,
                       struct error *err)
{
    AUTO_JSON *found = NULL;
    int r = kubectl_find(k, "secret", s->name, STACK_NAMESPACE, &found, err);
    if (r < 0)
        return r;
    AUTO_JSON *data = new_data(s, json_object_get(found, "data"));
    if (json_object_size(data) == 0)
        return 0;
    *changed = true;
    return found ? extend_secret(k, s, data, err) : create_secret(k, s, data, err);
}

int stack_make_secrets(const struct kubectl *k, const struct stack_component *c, bool *changed,
                       struct error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < c->secret_count; i++)
        r = make_secret(k, &c->secrets[i], changed, err);
    return r < 0 ? error_prefix(err, "its secrets") : 0;
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

/* kubectl prints a List, or the object where there is one. */
static json_t *by_uid(const json_t *answer)
{
    json_t *map = json_object(), *o;
    json_t *items = json_object_get(answer, "items");
    size_t i;
    if (answer && !items)
        json_object_set_new(map, json_get_string(json_object_get(answer, "metadata"), "uid", ""),
                            without_state(answer));
    json_array_foreach(items, i, o)
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

/* Where all is in our namespace; else each object says its own. */
static void add_namespace(const struct stack_rendered *r, struct strv *argv)
{
    size_t i;
    json_t *o;
    json_array_foreach(r->objects, i, o)
        if (strcmp(stack_namespace_of(o, STACK_NAMESPACE), STACK_NAMESPACE) != 0)
            return;
    strv_add(argv, "-n");
    strv_add(argv, STACK_NAMESPACE);
}

static bool is_unknown_kind(const struct error *err)
{
    return strstr(err->text, "no matches for kind") ||
           strstr(err->text, "resource mapping not found");
}

static int get_before(const struct kubectl *k, const struct stack_rendered *r, json_t **out,
                      struct error *err)
{
    static const char *const words[] = {"get", "-f", "-", "--ignore-not-found", NULL};
    STRV(args);
    strv_add_all(&args, words);
    add_namespace(r, &args);
    struct error own = ERROR_INIT;
    int e = kubectl_json(k, (const char *const *) args.items, r->text, out, &own);
    if (e < 0 && !is_unknown_kind(&own))
        *err = own;
    return e < 0 && is_unknown_kind(&own) ? 0 : e;
}

static int apply(const struct kubectl *k, const struct stack_rendered *r, bool dry, json_t **out,
                 struct error *err)
{
    STRV(args);
    strv_add_all(&args, apply_words);
    if (dry)
        strv_add(&args, "--dry-run=server");
    add_namespace(r, &args);
    const struct timespec pause = {.tv_sec = 1};
    int e = kubectl_json(k, (const char *const *) args.items, r->text, out, err);
    for (int i = 0; i < REGISTER_TRIES && e == -EREMOTEIO && is_unknown_kind(err); i++) {
        nanosleep(&pause, NULL);
        e = kubectl_json(k, (const char *const *) args.items, r->text, out, err);
    }
    return e;
}

static int compare(const struct kubectl *k, const struct stack_rendered *r, bool dry, bool *changed,
                   struct error *err)
{
    AUTO_JSON *before = NULL;
    AUTO_JSON *after = NULL;
    int e;
    if ((e = get_before(k, r, &before, err)) < 0 || (e = apply(k, r, dry, &after, err)) < 0)
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

int stack_delete_objects(const struct kubectl *k, const struct stack_rendered *r, int timeout_ms,
                         struct error *err)
{
    static const char *const words[] = {
        "delete", "--ignore-not-found", "--wait=true", "--cascade=foreground", "-f", "-", NULL};
    STRV(args);
    strv_add_all(&args, words);
    add_namespace(r, &args);
    return kubectl_run(k, (const char *const *) args.items, r->text, timeout_ms, NULL, err);
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
