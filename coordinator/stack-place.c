#include "coordinator/stack-place.h"

#include "lib/kube.h"

#include <string.h>

#define REQUIRED "requiredDuringSchedulingIgnoredDuringExecution"

void stack_placing_release(struct stack_placing *p)
{
    strv_release(&p->apart);
}

/* Its own pods: what others there are is not known before they are. */
static bool selects_itself(const json_t *template, const json_t *rule)
{
    const json_t *labels = kube_labels(template);
    const json_t *match = json_object_get(json_object_get(rule, "labelSelector"), "matchLabels");
    return json_object_size(match) > 0 && json_has_all(labels, match);
}

void stack_placing_rules(struct stack_placing *p)
{
    const json_t *template = kube_template(p->object);
    const json_t *affinity = json_object_get(kube_spec(template), "affinity");
    const json_t *anti = json_object_get(json_object_get(affinity, "podAntiAffinity"), REQUIRED);
    size_t i;
    json_t *rule;
    json_array_foreach(anti, i, rule)
        if (selects_itself(template, rule))
            strv_add(&p->apart, json_get_string(rule, "topologyKey", KUBE_HOSTNAME));
    p->spread = json_object_get(kube_spec(template), "topologySpreadConstraints");
}

/* Nodes */

static bool tolerates(const json_t *spec, const json_t *taint)
{
    size_t i;
    json_t *t;
    json_array_foreach(json_object_get(spec, "tolerations"), i, t) {
        const char *key = json_get_string(t, "key", ""), *effect = json_get_string(t, "effect", "");
        bool any = strcmp(json_get_string(t, "operator", "Equal"), "Exists") == 0;
        if ((*key && strcmp(key, json_get_string(taint, "key", "")) != 0) ||
            (*effect && strcmp(effect, json_get_string(taint, "effect", "")) != 0))
            continue;
        if (any || (*key && strcmp(json_get_string(t, "value", ""),
                                   json_get_string(taint, "value", "")) == 0))
            return true;
    }
    return false;
}

/* Gt and Lt, which compare numbers, are taken to hold. */
static bool holds(const json_t *expression, const json_t *labels)
{
    const char *operator= json_get_string(expression, "operator", "");
    const char *value = json_get_string(labels, json_get_string(expression, "key", ""), NULL);
    bool listed = value && json_has_text(json_object_get(expression, "values"), value);
    if (strcmp(operator, "In") == 0)
        return listed;
    if (strcmp(operator, "NotIn") == 0)
        return !listed;
    if (strcmp(operator, "Exists") == 0)
        return value;
    return strcmp(operator, "DoesNotExist") != 0 || !value;
}

static bool matches_term(const json_t *term, const json_t *labels)
{
    size_t i;
    json_t *expression;
    json_array_foreach(json_object_get(term, "matchExpressions"), i, expression)
        if (!holds(expression, labels))
            return false;
    return true;
}

static bool matches_affinity(const struct stack_node *n, const json_t *spec)
{
    const json_t *affinity = json_object_get(json_object_get(spec, "affinity"), "nodeAffinity");
    const json_t *terms = json_object_get(json_object_get(affinity, REQUIRED), "nodeSelectorTerms");
    size_t i;
    json_t *term;
    json_array_foreach(terms, i, term)
        if (matches_term(term, n->labels))
            return true;
    return json_array_size(terms) == 0;
}

static bool takes(const struct stack_node *n, const struct stack_placing *p)
{
    const json_t *spec = kube_spec(kube_template(p->object));
    size_t i;
    json_t *taint;
    json_array_foreach(n->taints, i, taint)
        if (strcmp(json_get_string(taint, "effect", ""), "PreferNoSchedule") != 0 &&
            !tolerates(spec, taint))
            return false;
    return json_has_all(n->labels, json_object_get(spec, "nodeSelector")) &&
           matches_affinity(n, spec);
}

/* Places */

/* Where a node is in a topology; without the label it is in none: NULL. The caller's. */
static char *place(const struct stack_node *n, const char *key)
{
    const char *value = json_get_string(n->labels, key,
                                        strcmp(key, KUBE_HOSTNAME) == 0 ? n->name : NULL);
    return value ? xasprintf("%s=%s", key, value) : NULL;
}

static int64_t count(const struct strv *used, const char *where)
{
    int64_t n = 0;
    for (size_t i = 0; i < used->count; i++)
        n += strcmp(used->items[i], where) == 0;
    return n;
}

/* The smallest number of its pods in any place of that topology that would take one. */
static int64_t fewest(const struct stack_nodes *nodes, const struct stack_placing *p,
                      const char *key, const struct strv *used)
{
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < nodes->count; i++) {
        AUTO_FREE char *where = place(&nodes->items[i], key);
        if (!where || !takes(&nodes->items[i], p))
            continue;
        int64_t n = count(used, where);
        least = n < least ? n : least;
    }
    return least;
}

static bool keeps_spread(const struct stack_nodes *nodes, const struct stack_node *n,
                         const struct stack_placing *p, const struct strv *used)
{
    const json_t *template = kube_template(p->object);
    size_t i;
    json_t *rule;
    json_array_foreach(p->spread, i, rule) {
        const char *key = json_get_string(rule, "topologyKey", "");
        const char *otherwise = json_get_string(rule, "whenUnsatisfiable", "DoNotSchedule");
        if (strcmp(otherwise, "DoNotSchedule") != 0 || !selects_itself(template, rule))
            continue;
        AUTO_FREE char *where = place(n, key);
        if (!where ||
            count(used, where) + 1 - fewest(nodes, p, key, used) > json_get_int(rule, "maxSkew", 1))
            return false;
    }
    return true;
}

static bool keeps_apart(const struct stack_node *n, const struct stack_placing *p,
                        const struct strv *used)
{
    for (size_t i = 0; i < p->apart.count; i++) {
        AUTO_FREE char *where = place(n, p->apart.items[i]);
        if (where && strv_contains(used, where))
            return false;
    }
    return true;
}

static bool has_room(const struct stack_nodes *nodes, const struct stack_node *n,
                     const struct stack_placing *p, const struct strv *used)
{
    return n->memory >= p->each.memory && n->cpu >= p->each.cpu && n->storage >= p->each.storage &&
           takes(n, p) && keeps_apart(n, p, used) && keeps_spread(nodes, n, p, used);
}

static void note_place(const struct stack_node *n, const char *key, struct strv *used)
{
    AUTO_FREE char *where = place(n, key);
    if (where)
        strv_add(used, where);
}

static void put(struct stack_node *n, const struct stack_placing *p, struct strv *used)
{
    size_t i;
    json_t *rule;
    n->memory -= p->each.memory;
    n->cpu -= p->each.cpu;
    n->storage -= p->each.storage;
    for (i = 0; i < p->apart.count; i++)
        note_place(n, p->apart.items[i], used);
    json_array_foreach(p->spread, i, rule) {
        const char *key = json_get_string(rule, "topologyKey", "");
        if (!strv_contains(&p->apart, key))
            note_place(n, key, used);
    }
}

static size_t place_on_all(const struct stack_placing *p, struct stack_nodes *free)
{
    STRV(used);
    for (size_t i = 0; i < free->count; i++)
        if (takes(&free->items[i], p))
            put(&free->items[i], p, &used);
    return p->pods;
}

size_t stack_place(const struct stack_placing *p, struct stack_nodes *free)
{
    STRV(used);
    if (kube_is_kind(p->object, "DaemonSet"))
        return place_on_all(p, free);
    for (size_t placed = 0; placed < p->pods; placed++) {
        size_t i = 0;
        while (i < free->count && !has_room(free, &free->items[i], p, &used))
            i++;
        if (i == free->count)
            return placed;
        put(&free->items[i], p, &used);
    }
    return p->pods;
}
