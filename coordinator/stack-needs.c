#include "coordinator/stack-needs.h"

#include "coordinator/stack-place.h"
#include "coordinator/stack-ready.h"
#include "lib/kube.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define GIB (1024.0 * 1024 * 1024)
#define WORDS_MAX 512

void stack_nodes_release(struct stack_nodes *n)
{
    for (size_t i = 0; i < n->count; i++) {
        free(n->items[i].name);
        json_decref(n->items[i].labels);
        json_decref(n->items[i].taints);
    }
    free(n->items);
    strv_release(&n->classes);
    *n = STACK_NODES_INIT;
}

struct stack_node *stack_nodes_add(struct stack_nodes *n, const char *name)
{
    n->items = xrealloc(n->items, n->count + 1, sizeof(*n->items));
    n->items[n->count] = (struct stack_node){.name = xstrdup(name), .storage = INT64_MAX};
    return &n->items[n->count++];
}

/* Quantities: k8s.io/apimachinery, pkg/api/resource. */

static double scale_of(const char *suffix)
{
    static const struct {
        const char *suffix;
        double scale;
    } known[] = {
        {"", 1},     {"m", 1e-3},    {"k", 1e3},     {"M", 1e6},     {"G", 1e9},     {"T", 1e12},
        {"P", 1e15}, {"Ki", 0x1p10}, {"Mi", 0x1p20}, {"Gi", 0x1p30}, {"Ti", 0x1p40}, {"Pi", 0x1p50},
    };
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (strcmp(known[i].suffix, suffix) == 0)
            return known[i].scale;
    return 0;
}

int64_t stack_quantity_milli(const json_t *value)
{
    double number = json_number_value(value);
    if (json_is_string(value)) {
        char *end;
        number = strtod(json_string_value(value), &end);
        number *= scale_of(end);
    }
    number *= 1000;
    if (!(number > 0 && number < 9e18))
        return 0;
    int64_t whole = (int64_t) number;
    return whole + ((double) whole < number); /* Kubernetes rounds up */
}

/* Pods */

/* Without a request the limit is one. */
static int64_t request(const json_t *container, const char *what)
{
    const json_t *resources = json_object_get(container, "resources");
    const json_t *value = json_object_get(json_object_get(resources, "requests"), what);
    if (!value)
        value = json_object_get(json_object_get(resources, "limits"), what);
    return stack_quantity_milli(value);
}

static struct stack_amount of_container(const json_t *c)
{
    return (struct stack_amount){.memory = request(c, "memory") / 1000, .cpu = request(c, "cpu")};
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Init containers run one after the other before the rest, but those that go on beside it. */
static struct stack_amount of_pod(const json_t *spec)
{
    struct stack_amount sum = {0}, first = {0};
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(spec, "containers"), i, c) {
        struct stack_amount one = of_container(c);
        sum = (struct stack_amount){.memory = sum.memory + one.memory, .cpu = sum.cpu + one.cpu};
    }
    json_array_foreach(json_object_get(spec, "initContainers"), i, c) {
        struct stack_amount one = of_container(c);
        if (strcmp(json_get_string(c, "restartPolicy", ""), "Always") == 0)
            sum = (struct stack_amount){.memory = sum.memory + one.memory,
                                        .cpu = sum.cpu + one.cpu};
        else
            first = (struct stack_amount){.memory = larger(first.memory, one.memory),
                                          .cpu = larger(first.cpu, one.cpu)};
    }
    return (struct stack_amount){.memory = larger(sum.memory, first.memory),
                                 .cpu = larger(sum.cpu, first.cpu)};
}

static bool has_ended(const json_t *pod)
{
    const char *phase = json_get_string(json_object_get(pod, "status"), "phase", "");
    return strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0;
}

static size_t pods_of(const json_t *object, size_t nodes)
{
    if (kube_is_kind(object, "DaemonSet"))
        return nodes;
    if (kube_is_kind(object, "Job"))
        return 1;
    if (kube_is_kind(object, "Pod"))
        return !has_ended(object);
    int64_t replicas = json_get_int(kube_spec(object), "replicas", 1);
    return replicas > 0 ? (size_t) replicas : 0;
}

static int64_t storage_of_claim(const json_t *claim)
{
    const json_t *requests = json_object_get(json_object_get(kube_spec(claim), "resources"),
                                             "requests");
    return stack_quantity_milli(json_object_get(requests, "storage")) / 1000;
}

void stack_need_of(const json_t *objects, size_t nodes, struct stack_need *out)
{
    *out = (struct stack_need){0};
    size_t i, k;
    json_t *o, *claim;
    json_array_foreach(objects, i, o) {
        if (kube_is_kind(o, "PersistentVolumeClaim"))
            out->storage += storage_of_claim(o);
        if (!stack_is_workload(o) && !kube_is_kind(o, "Pod"))
            continue;
        size_t pods = pods_of(o, nodes);
        struct stack_amount one = of_pod(kube_is_kind(o, "Pod") ? kube_spec(o)
                                                                : kube_spec(kube_template(o)));
        out->pods += pods;
        out->memory += (int64_t) pods * one.memory;
        out->cpu += (int64_t) pods * one.cpu;
        json_array_foreach(json_object_get(kube_spec(o), "volumeClaimTemplates"), k, claim)
            out->storage += (int64_t) pods * storage_of_claim(claim);
    }
}

/* Placing */

static void add_amount(struct strbuf *out, const struct stack_amount *a, bool storage)
{
    strbuf_addf(out, "%.1f GiB and %.2f CPU free", (double) a->memory / GIB,
                (double) a->cpu / 1000);
    if (storage && a->storage)
        strbuf_addf(out, ", and %.1f GiB of disk", (double) a->storage / GIB);
}

static bool knows_storage(const struct stack_nodes *nodes)
{
    for (size_t i = 0; i < nodes->count; i++)
        if (nodes->items[i].storage != INT64_MAX)
            return true;
    return false;
}

#define REMEDY_ROOM \
    "add a node or memory, or lower the component's values in the profile (replicas, memory)"

static int no_room(const struct stack_placing *p, const struct stack_nodes *nodes, size_t placed,
                   struct error *err)
{
    STRBUF(words, WORDS_MAX);
    const char *apart = p->apart.count ? p->apart.items[p->apart.count - 1] : NULL;
    add_amount(&words, &p->each, knows_storage(nodes));
    if (apart && strcmp(apart, KUBE_HOSTNAME) == 0)
        error_set(err, -ENOSPC, "%s wants %zu nodes with %s; this cluster gives %zu", p->component,
                  p->pods, words.data, placed);
    else if (apart)
        error_set(err, -ENOSPC,
                  "%s wants %zu places that differ in %s, with %s each; this cluster "
                  "gives %zu",
                  p->component, p->pods, apart, words.data, placed);
    else
        error_set(err, -ENOSPC, "%s wants %zu times %s; this cluster has room for %zu",
                  p->component, p->pods, words.data, placed);
    return error_remedy(err, REMEDY_ROOM);
}

/* DaemonSets are on every node, pods that are kept apart have the least choice, then by memory. */
static int compare(const void *a, const void *b)
{
    const struct stack_placing *x = a, *y = b;
    int by_kind = (int) kube_is_kind(y->object, "DaemonSet") -
                  (int) kube_is_kind(x->object, "DaemonSet");
    int by_apart = (int) (y->apart.count > 0) - (int) (x->apart.count > 0);
    if (by_kind || by_apart)
        return by_kind ? by_kind : by_apart;
    return (y->each.memory > x->each.memory) - (y->each.memory < x->each.memory);
}

struct placings {
    struct stack_placing *items;
    size_t count;
};

static void placings_release(struct placings *p)
{
    for (size_t i = 0; i < p->count; i++)
        stack_placing_release(&p->items[i]);
    free(p->items);
}

/* Claims of other classes are on disks of their own. */
static int64_t storage_of_each(const json_t *object)
{
    size_t i;
    json_t *claim;
    int64_t sum = 0;
    json_array_foreach(json_object_get(kube_spec(object), "volumeClaimTemplates"), i, claim)
        if (!json_object_get(kube_spec(claim), "storageClassName"))
            sum += storage_of_claim(claim);
    return sum;
}

static void add_placings(const char *component, const json_t *objects, size_t nodes,
                         struct placings *out)
{
    size_t i;
    json_t *o;
    json_array_foreach(objects, i, o) {
        if (!stack_is_workload(o))
            continue;
        out->items = xrealloc(out->items, out->count + 1, sizeof(*out->items));
        struct stack_placing *p = &out->items[out->count++];
        *p = (struct stack_placing){.component = component,
                                    .object = o,
                                    .each = of_pod(kube_spec(kube_template(o))),
                                    .pods = pods_of(o, nodes)};
        p->each.storage = storage_of_each(o);
        stack_placing_rules(p);
    }
}

/* Volumes */

static int check_claim(const char *component, const json_t *claim, const struct stack_nodes *nodes,
                       struct error *err)
{
    const char *class = json_get_string(kube_spec(claim), "storageClassName", NULL);
    if (!nodes->classes_known || (class && (!*class || strv_contains(&nodes->classes, class))) ||
        (!class && nodes->default_class))
        return 0;
    if (class)
        error_set(err, -ENOSPC,
                  "%s wants volumes of the storage class %s, which this cluster does "
                  "not have",
                  component, class);
    else
        error_set(err, -ENOSPC, "%s wants volumes, and this cluster has no default storage class",
                  component);
    return error_remedy(err, "hosts.yaml says where volumes come from: `storage`");
}

static int check_claims(const char *component, const json_t *objects,
                        const struct stack_nodes *nodes, struct error *err)
{
    size_t i, k;
    json_t *o, *claim;
    int r = 0;
    json_array_foreach(objects, i, o) {
        if (r == 0 && kube_is_kind(o, "PersistentVolumeClaim"))
            r = check_claim(component, o, nodes, err);
        json_array_foreach(json_object_get(kube_spec(o), "volumeClaimTemplates"), k, claim)
            r = r < 0 ? r : check_claim(component, claim, nodes, err);
    }
    return r;
}

/* A copy whose free amounts may be used up; the rest is shared. */
static struct stack_nodes copy_of(const struct stack_nodes *nodes)
{
    struct stack_nodes copy = *nodes;
    copy.items = xcalloc(nodes->count + 1, sizeof(*copy.items));
    if (nodes->count)
        memcpy(copy.items, nodes->items, nodes->count * sizeof(*copy.items));
    return copy;
}

int stack_fit(const struct stack *s, const struct stack_rendered *rendered,
              const struct stack_nodes *nodes, struct error *err)
{
    CLEANUP(placings_release) struct placings all = {0};
    int r = 0;
    for (size_t i = 0; r == 0 && i < s->count; i++) {
        r = check_claims(s->components[i].name, rendered[i].objects, nodes, err);
        add_placings(s->components[i].name, rendered[i].objects, nodes->count, &all);
    }
    if (all.count)
        qsort(all.items, all.count, sizeof(*all.items), compare);
    struct stack_nodes left = copy_of(nodes);
    for (size_t i = 0; r == 0 && i < all.count; i++) {
        size_t placed = stack_place(&all.items[i], &left);
        r = placed < all.items[i].pods ? no_room(&all.items[i], nodes, placed, err) : 0;
    }
    free(left.items);
    return r;
}

/* What there is */

static bool is_own(const json_t *pod, const struct stack_rendered *rendered, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t k;
        json_t *o;
        json_array_foreach(rendered[i].objects, k, o)
            if (stack_is_workload(o) &&
                strcmp(stack_namespace_of(o, STACK_NAMESPACE), stack_namespace_of(pod, "")) == 0 &&
                stack_selects(o, kube_labels(pod)))
                return true;
    }
    return false;
}

static void deduct(const json_t *pod, struct stack_nodes *nodes)
{
    const char *name = json_get_string(kube_spec(pod), "nodeName", "");
    struct stack_amount a = of_pod(kube_spec(pod));
    for (size_t i = 0; i < nodes->count; i++)
        if (strcmp(nodes->items[i].name, name) == 0) {
            nodes->items[i].memory -= a.memory;
            nodes->items[i].cpu -= a.cpu;
        }
}

static void add_node(const json_t *node, struct stack_nodes *out)
{
    const json_t *allocatable = json_object_get(json_object_get(node, "status"), "allocatable");
    if (json_get_bool(kube_spec(node), "unschedulable", false))
        return;
    struct stack_node *n = stack_nodes_add(out, kube_name(node));
    n->memory = stack_quantity_milli(json_object_get(allocatable, "memory")) / 1000;
    n->cpu = stack_quantity_milli(json_object_get(allocatable, "cpu"));
    n->labels = json_incref((json_t *) (uintptr_t) kube_labels(node));
    n->taints = json_incref(json_object_get(kube_spec(node), "taints"));
}

void stack_nodes_from_live(const json_t *nodes, const json_t *pods, const json_t *classes,
                           const struct stack_rendered *rendered, size_t count,
                           struct stack_nodes *out)
{
    size_t i;
    json_t *o;
    json_array_foreach(json_object_get(nodes, "items"), i, o)
        add_node(o, out);
    json_array_foreach(json_object_get(pods, "items"), i, o)
        if (!has_ended(o) && !is_own(o, rendered, count))
            deduct(o, out);
    out->classes_known = true;
    json_array_foreach(json_object_get(classes, "items"), i, o) {
        const json_t *metadata = json_object_get(o, "metadata");
        const char *is_default = json_get_string(json_object_get(metadata, "annotations"),
                                                 "storageclass.kubernetes.io/is-default-class", "");
        strv_add(&out->classes, kube_name(o));
        out->default_class |= strcmp(is_default, "true") == 0;
    }
}
