#include "coordinator/stack-status.h"

#include "coordinator/stack-apply.h"
#include "coordinator/stack-needs.h"
#include "coordinator/stack-objects.h"
#include "coordinator/stack-ready.h"
#include "lib/kube.h"

#include <errno.h>
#include <string.h>

static bool is_pod_of(const json_t *pod, const json_t *objects)
{
    const json_t *labels = kube_labels(pod);
    size_t i;
    json_t *o;
    if (!kube_is_kind(pod, "Pod"))
        return false;
    json_array_foreach(objects, i, o)
        if (stack_is_workload(o) && stack_selects(o, labels) &&
            strcmp(stack_namespace_of(o, STACK_NAMESPACE), stack_namespace_of(pod, "")) == 0)
            return true;
    return false;
}

/* What a kubelet says of one pod; -1: nothing, as of one that it has not measured yet (0). */
static int64_t used_by(const json_t *pod, const json_t *summaries)
{
    const char *uid = json_get_string(json_object_get(pod, "metadata"), "uid", "");
    int64_t bytes = 0;
    size_t i, k;
    json_t *summary, *p;
    json_array_foreach(summaries, i, summary)
        json_array_foreach(json_object_get(summary, "pods"), k, p)
            if (strcmp(json_get_string(json_object_get(p, "podRef"), "uid", "?"), uid) == 0)
                bytes = json_get_int(json_object_get(p, "memory"), "workingSetBytes", 0);
    return bytes > 0 ? bytes : -1;
}

int64_t stack_memory_used(const json_t *objects, const json_t *live, const json_t *summaries)
{
    int64_t sum = -1;
    size_t i;
    json_t *o;
    json_array_foreach(live, i, o) {
        int64_t used = is_pod_of(o, objects) ? used_by(o, summaries) : -1;
        if (used >= 0)
            sum = (sum < 0 ? 0 : sum) + used;
    }
    return sum;
}

static void find_nodes(const json_t *live, struct strv *out)
{
    size_t i;
    json_t *o;
    json_array_foreach(live, i, o) {
        const char *node = json_get_string(json_object_get(o, "spec"), "nodeName", NULL);
        if (kube_is_kind(o, "Pod") && node && !strv_contains(out, node))
            strv_add(out, node);
    }
}

/* A kubelet that does not answer is no reason to say nothing of the others. */
int stack_fetch_summaries(const struct kubectl *k, const json_t *live, json_t *out,
                          struct error *err)
{
    STRV(nodes);
    find_nodes(live, &nodes);
    for (size_t i = 0; i < nodes.count; i++) {
        AUTO_FREE char *path = xasprintf(
            "/api/v1/nodes/%s/proxy/stats/summary?only_cpu_and_memory=true", nodes.items[i]);
        const char *const args[] = {"get", "--raw", path, NULL};
        STRBUF(text, KUBECTL_OUTPUT_MAX);
        int r = kubectl_run(k, args, NULL, KUBECTL_TIMEOUT_MS, &text, err);
        if (r == -ECANCELED)
            return r;
        json_t *summary = r == 0 ? json_parse(text.data, text.len, "a summary", NULL) : NULL;
        if (summary)
            json_array_append_new(out, summary);
    }
    return 0;
}

static json_t *row(const struct stack_work *w, size_t i, const json_t *live,
                   const json_t *summaries, size_t nodes, bool *all)
{
    const json_t *objects = w->rendered[i].objects;
    const struct stack_component *c = &w->stack.components[i];
    struct stack_progress p;
    struct stack_need need;
    struct error why = ERROR_INIT;
    stack_judge(objects, live, STACK_NAMESPACE, &p);
    stack_need_of(objects, nodes, &need);
    if (!p.done)
        (void) stack_explain(&p, "", &why);
    *all = *all && p.done;
    json_t *out = json_pack("{s:s, s:s, s:i, s:i, s:I, s:I, s:s}", "component", c->name, "version",
                            c->version, "ready", p.ready, "wanted", p.wanted, "pods",
                            (json_int_t) need.pods, "memory_requested", (json_int_t) need.memory,
                            "text", why.text);
    int64_t used = stack_memory_used(objects, live, summaries);
    if (used >= 0)
        json_object_set_new(out, "memory_used", json_integer((json_int_t) used));
    return out;
}

int stack_status(const struct stack_work *w, json_t **out, bool *all, struct error *err)
{
    static const char *const get_nodes[] = {"get", "nodes", NULL};
    AUTO_JSON *live = NULL;
    AUTO_JSON *nodes = NULL;
    AUTO_JSON *summaries = json_array();
    int r;
    if ((r = stack_fetch_live(&w->kubectl, w->rendered, w->stack.count, &live, err)) < 0 ||
        (r = kubectl_json(&w->kubectl, get_nodes, NULL, &nodes, err)) < 0 ||
        (r = stack_fetch_summaries(&w->kubectl, live, summaries, err)) < 0)
        return r;
    json_t *list = json_array();
    *all = true;
    for (size_t i = 0; i < w->stack.count; i++)
        json_array_append_new(list, row(w, i, live, summaries,
                                        json_array_size(json_object_get(nodes, "items")), all));
    *out = list;
    return 0;
}
