#include "agent/netcheck.h"

#include "lib/grammar.h"
#include "lib/kube.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* "p7" → 7; false when it is no pod of the plan. */
static bool point_of(const struct netcheck_plan *p, const char *name, size_t *out)
{
    char *end;
    if (name[0] != 'p' || strspn(name + 1, "0123456789") != strlen(name + 1) || strlen(name) > 4) {
        return false;
    }
    *out = strtoul(name + 1, &end, 10);
    return *out < p->count && name[1] != '\0';
}

/* Why the container waits, as kubelet calls it, or "". */
static const char *waiting_reason(const json_t *status)
{
    const json_t *containers = json_object_get(status, "containerStatuses");
    const json_t *state = json_object_get(json_array_get(containers, 0), "state");
    return json_get_string(json_object_get(state, "waiting"), "reason", "");
}

static bool is_hopeless(const char *phase, const char *reason)
{
    return strcmp(phase, "Failed") == 0 || strcmp(reason, "ErrImageNeverPull") == 0;
}

/* 1: it runs and has an address. */
static int take_pod(const struct netcheck_plan *p, size_t point, const json_t *status,
                    struct netcheck_addresses *out, char **waiting, struct error *err)
{
    const char *phase = json_get_string(status, "phase", "Pending");
    const char *ip = json_get_string(status, "podIP", "");
    const char *reason = waiting_reason(status);
    const char *why = *reason ? reason : json_get_string(status, "reason", phase);
    if (is_hopeless(phase, reason)) {
        error_set(err, -EHOSTUNREACH, "the pod on %s does not run: %s", p->nodes[point], why);
        return error_remedy(err,
                            "free what it lacks on %s (memory, disk, pods), and run the same "
                            "command again",
                            p->nodes[point]);
    }
    if (strcmp(phase, "Running") == 0 && grammar_ipv4(ip)) {
        snprintf(out->pods[point], sizeof(out->pods[point]), "%s", ip);
        return 1;
    }
    free(*waiting);
    *waiting = xasprintf("the pod on %s: %s", p->nodes[point], why);
    return 0;
}

static void take_service(const json_t *item, struct netcheck_addresses *out)
{
    const char *ip = json_get_string(json_object_get(item, "spec"), "clusterIP", "");
    if (grammar_ipv4(ip)) {
        snprintf(out->service, sizeof(out->service), "%s", ip);
    }
}

int netcheck_addresses_read(const struct netcheck_plan *p, const json_t *list,
                            struct netcheck_addresses *out, char **waiting, struct error *err)
{
    size_t i, point, ready = 0;
    json_t *item;
    *out = (struct netcheck_addresses){0};
    *waiting = xstrdup("the pods");
    json_array_foreach(json_object_get(list, "items"), i, item) {
        const char *name = kube_name(item);
        if (kube_is_kind(item, "Service")) {
            take_service(item, out);
        } else if (point_of(p, name, &point)) {
            int r = take_pod(p, point, json_object_get(item, "status"), out, waiting, err);
            if (r < 0) {
                return r;
            }
            ready += (size_t) r;
        }
    }
    return ready == p->count && out->service[0];
}

const char *netcheck_event(const json_t *list, size_t point)
{
    char name[16];
    netcheck_pod_name(point, name);
    AUTO_JSON *about = json_pack("{s:s}", "name", name);
    return json_get_string(kube_newest_warning(list, about), "message", NULL);
}
