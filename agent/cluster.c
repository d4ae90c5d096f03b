#include "agent/cluster.h"

#include "agent/program.h"
#include "lib/clock.h"
#include "lib/grammar.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LIST_TIMEOUT_MS 30000

int cluster_need_control_plane(struct error *err)
{
    if (access(ADMIN_CONF, F_OK) == 0) {
        return 0;
    }
    error_set(err, -ENOENT, "this host is not a control plane: no %s", ADMIN_CONF);
    return error_remedy(err, "ask the host that carries the control plane");
}

bool cluster_is_ready(const json_t *object)
{
    size_t i;
    json_t *condition;
    json_array_foreach(json_object_get(json_object_get(object, "status"), "conditions"), i,
                       condition) {
        if (strcmp(json_get_string(condition, "type", ""), "Ready") == 0) {
            return strcmp(json_get_string(condition, "status", ""), "True") == 0;
        }
    }
    return false;
}

static json_t *node_addresses(const json_t *status)
{
    json_t *addresses = json_array();
    size_t i;
    json_t *address;
    json_array_foreach(json_object_get(status, "addresses"), i, address) {
        const char *type = json_get_string(address, "type", "");
        if (strcmp(type, "InternalIP") == 0 || strcmp(type, "ExternalIP") == 0) {
            json_array_append(addresses, json_object_get(address, "address"));
        }
    }
    return addresses;
}

static json_t *summarise_node(const json_t *node)
{
    const json_t *status = json_object_get(node, "status");
    return json_pack("{s:s, s:b, s:s, s:o}", "name",
                     json_get_string(json_object_get(node, "metadata"), "name", ""), "ready",
                     cluster_is_ready(node), "version",
                     json_get_string(json_object_get(status, "nodeInfo"), "kubeletVersion", ""),
                     "addresses", node_addresses(status));
}

static json_t *summarise_pod(const json_t *pod)
{
    const json_t *meta = json_object_get(pod, "metadata");
    return json_pack("{s:s, s:s, s:s, s:b, s:s}", "namespace",
                     json_get_string(meta, "namespace", ""), "name",
                     json_get_string(meta, "name", ""), "phase",
                     json_get_string(json_object_get(pod, "status"), "phase", ""), "ready",
                     cluster_is_ready(pod), "node",
                     json_get_string(json_object_get(pod, "spec"), "nodeName", ""));
}

json_t *cluster_summarise(const json_t *list)
{
    json_t *nodes = json_array(), *pods = json_array();
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(list, "items"), i, item) {
        const char *kind = json_get_string(item, "kind", "");
        if (strcmp(kind, "Node") == 0) {
            json_array_append_new(nodes, summarise_node(item));
        } else if (strcmp(kind, "Pod") == 0) {
            json_array_append_new(pods, summarise_pod(item));
        }
    }
    return json_pack("{s:o, s:o}", "nodes", nodes, "pods", pods);
}

int cluster_list(json_t **out, struct error *err)
{
    const char *const args[] = {"get", "nodes,pods", "--all-namespaces", "-o", "json", NULL};
    AUTO_JSON *list = NULL;
    int r = cluster_need_control_plane(err);
    r = r < 0 ? r : kubectl_json(args, NULL, LIST_TIMEOUT_MS, &list, err);
    if (r == 0) {
        *out = cluster_summarise(list);
    }
    return r;
}

static int wait_for(const char *node, const char *what, int64_t deadline, const bool *cancel,
                    struct error *err)
{
    AUTO_FREE char *name = xasprintf("node/%s", node);
    AUTO_FREE char *condition = xasprintf("--for=%s", what);
    AUTO_FREE char *timeout = xasprintf("--timeout=%ds", clock_left_ms(deadline) / 1000 + 1);
    const char *const args[] = {"wait", condition, timeout, name, NULL};
    return kubectl_run(args, cancel, clock_left_ms(deadline) + 2000, NULL, err);
}

/* kubectl gives up when the API server is away for a moment, we do not. */
static int wait_through(const char *node, const char *what, int64_t deadline, const bool *cancel,
                        struct error *err)
{
    int r;
    while ((r = wait_for(node, what, deadline, cancel, err)) < 0) {
        if (cancel && *cancel) {
            return error_set(err, -ECANCELED, "interrupted");
        }
        if (clock_left_ms(deadline) == 0) {
            return -ETIMEDOUT;
        }
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    }
    return 0;
}

int cluster_wait_ready(const char *node, int timeout_ms, const bool *cancel, json_t **out,
                       struct error *err)
{
    if (!grammar_node_name(node) || timeout_ms <= 0) {
        return error_set(err, -EINVAL, "ready: a node's name and a time are needed");
    }
    int64_t deadline = clock_monotonic_ms() + timeout_ms;
    int r = cluster_need_control_plane(err);
    if (r < 0) {
        return r;
    }
    r = wait_through(node, "create", deadline, cancel, err);
    r = r < 0 ? r : wait_through(node, "condition=Ready", deadline, cancel, err);
    if (r == -ETIMEDOUT) {
        error_set(err, r, "node %s did not become Ready within %d s", node, timeout_ms / 1000);
        return error_remedy(err, "look at `journalctl -u kubelet` on that host, and at "
                                 "`kubectl describe node %s`", node);
    }
    if (r == 0) {
        *out = json_pack("{s:s, s:b}", "node", node, "ready", 1);
    }
    return r;
}
