#include "coordinator/project-usage.h"

#include "coordinator/project.h"
#include "coordinator/stack-needs.h"
#include "coordinator/stack-ready.h"
#include "coordinator/stack-status.h"
#include "lib/kube.h"

#include <string.h>

static json_t *within(const json_t *objects, const char *space)
{
    json_t *out = json_array(), *o;
    size_t i;
    json_array_foreach(objects, i, o)
        if (strcmp(stack_namespace_of(o, ""), space) == 0)
            json_array_append(out, o);
    return out;
}

/* Sums of the kubelets' numbers; false when none of them knows a pod of the namespace. */
static bool sum_used(const json_t *summaries, const char *space, int64_t *cpu, int64_t *memory)
{
    size_t i, k;
    json_t *summary, *pod;
    bool found = false;
    *cpu = *memory = 0;
    json_array_foreach(summaries, i, summary)
        json_array_foreach(json_object_get(summary, "pods"), k, pod) {
            if (strcmp(json_get_string(json_object_get(pod, "podRef"), "namespace", ""), space) !=
                0)
                continue;
            found = true;
            *cpu += json_get_int(json_object_get(pod, "cpu"), "usageNanoCores", 0);
            *memory += json_get_int(json_object_get(pod, "memory"), "workingSetBytes", 0);
        }
    *cpu /= 1000000;
    return found;
}

static void set(json_t *row, const char *key, int64_t value)
{
    json_object_set_new(row, key, json_integer((json_int_t) value));
}

static void add_quota(json_t *row, const json_t *quota)
{
    static const struct {
        const char *key, *hard;
        int64_t scale;
    } keys[] = {{"pods_quota", "pods", 1000},
                {"cpu_quota", "requests.cpu", 1},
                {"memory_quota", "requests.memory", 1000},
                {"storage_quota", "requests.storage", 1000}};
    const json_t *hard = json_object_get(json_object_get(quota, "spec"), "hard");
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const json_t *value = json_object_get(hard, keys[i].hard);
        if (value)
            set(row, keys[i].key, stack_quantity_milli(value) / keys[i].scale);
    }
}

json_t *project_usage_row(const char *project, const json_t *quota, const json_t *pods,
                          const json_t *claims, const json_t *summaries)
{
    json_t *row = json_pack("{s:s}", "project", project);
    AUTO_JSON *own = within(pods, project);
    AUTO_JSON *own_claims = within(claims, project);
    struct stack_need need;
    int64_t cpu, memory;
    json_array_extend(own, own_claims);
    stack_need_of(own, 0, &need);
    set(row, "pods", (int64_t) need.pods);
    set(row, "cpu_requested", need.cpu);
    set(row, "memory_requested", need.memory);
    set(row, "storage_requested", need.storage);
    if (sum_used(summaries, project, &cpu, &memory) || need.pods == 0) {
        set(row, "cpu_used", cpu);
        set(row, "memory_used", memory);
    }
    add_quota(row, quota);
    return row;
}

static const json_t *quota_of(const json_t *quotas, const char *project)
{
    size_t i;
    json_t *o;
    json_array_foreach(quotas, i, o)
        if (strcmp(stack_namespace_of(o, ""), project) == 0 &&
            strcmp(kube_name(o), PROJECT_QUOTA) == 0)
            return o;
    return NULL;
}

static json_t *rows_of(const json_t *spaces, const json_t *quotas, const json_t *pods,
                       const json_t *claims, const json_t *summaries)
{
    json_t *out = json_array(), *o;
    size_t i;
    json_array_foreach(spaces, i, o) {
        const char *name = kube_name(o);
        const char *label = json_get_string(kube_labels(o), PROJECT_LABEL, "");
        if (strcmp(label, name) == 0)
            json_array_append_new(
                out, project_usage_row(name, quota_of(quotas, name), pods, claims, summaries));
    }
    return out;
}

static int get(const struct kubectl *k, const char *kind, const char *label, json_t **items,
               struct error *err)
{
    const char *const args[] = {"get", kind, "--all-namespaces", label ? "-l" : NULL, label, NULL};
    AUTO_JSON *list = NULL;
    int r = kubectl_json(k, args, NULL, &list, err);
    if (r == 0)
        *items = json_incref(json_object_get(list, "items"));
    return r;
}

/* Of the projects' alone: the nodes that they run on are asked. */
static json_t *of_projects(const json_t *spaces, const json_t *pods)
{
    json_t *out = json_array(), *o;
    size_t i;
    json_array_foreach(spaces, i, o) {
        AUTO_JSON *own = within(pods, kube_name(o));
        json_array_extend(out, own);
    }
    return out;
}

int project_usage(const struct kubectl *k, json_t **out, struct error *err)
{
    AUTO_JSON *spaces = NULL;
    AUTO_JSON *quotas = NULL;
    AUTO_JSON *pods = NULL;
    AUTO_JSON *claims = NULL;
    AUTO_JSON *summaries = json_array();
    int r;
    if ((r = get(k, "namespaces", PROJECT_LABEL, &spaces, err)) < 0 ||
        (r = get(k, "resourcequotas", PROJECT_LABEL, &quotas, err)) < 0 ||
        (r = get(k, "pods", NULL, &pods, err)) < 0 ||
        (r = get(k, "persistentvolumeclaims", NULL, &claims, err)) < 0)
        return r;
    AUTO_JSON *own = of_projects(spaces, pods);
    if ((r = stack_fetch_summaries(k, own, summaries, err)) < 0)
        return r;
    *out = rows_of(spaces, quotas, pods, claims, summaries);
    return 0;
}
