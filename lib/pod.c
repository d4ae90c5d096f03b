#include "lib/pod.h"

#include "lib/kube.h"

#include <inttypes.h>
#include <string.h>

/* What a container waits for in any start that goes well. */
static bool is_a_start(const char *reason)
{
    return !*reason || strcmp(reason, "ContainerCreating") == 0 ||
           strcmp(reason, "PodInitializing") == 0;
}

static void add_end(const json_t *ended, struct strbuf *out)
{
    int64_t code = json_get_int(ended, "exitCode", 0);
    strbuf_adds(out, json_get_string(ended, "reason", "ended"));
    if (code != 0)
        strbuf_addf(out, ", exit code %" PRId64, code);
}

static void add_container(const json_t *container, struct strbuf *out)
{
    const json_t *state = json_object_get(container, "state");
    const json_t *waiting = json_object_get(state, "waiting");
    const json_t *ended = json_object_get(state, "terminated");
    const json_t *before = json_object_get(json_object_get(container, "lastState"), "terminated");
    const char *reason = json_get_string(waiting, "reason", "");
    int64_t restarts = json_get_int(container, "restartCount", 0);
    if (ended && json_get_int(ended, "exitCode", 0) != 0)
        add_end(ended, out);
    else if (!is_a_start(reason))
        strbuf_adds(out, reason);
    if (restarts > 0)
        strbuf_addf(out, "%srestarted %" PRId64 " %s", out->len ? ", " : "", restarts,
                    restarts == 1 ? "time" : "times");
    if (restarts > 0 && before) {
        strbuf_adds(out, ": ");
        add_end(before, out);
    }
}

static void add_containers(const json_t *list, struct strbuf *out)
{
    size_t i;
    json_t *container;
    json_array_foreach(list, i, container) {
        if (out->len == 0 && !json_get_bool(container, "ready", false))
            add_container(container, out);
    }
}

void pod_trouble(const json_t *pod, struct strbuf *out)
{
    const json_t *status = json_object_get(pod, "status");
    const json_t *unscheduled = kube_condition(pod, "PodScheduled", "False");
    strbuf_reset(out);
    add_containers(json_object_get(status, "initContainerStatuses"), out);
    add_containers(json_object_get(status, "containerStatuses"), out);
    if (out->len == 0 && unscheduled)
        strbuf_addf(out, "%s: %s", json_get_string(unscheduled, "reason", "Unschedulable"),
                    json_get_string(unscheduled, "message", ""));
}
