#include "agent/cluster.h"

#include "agent/program.h"
#include "lib/clock.h"
#include "lib/grammar.h"
#include "lib/kube.h"
#include "lib/pod.h"
#include "lib/protocol.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LIST_TIMEOUT_MS 30000
#define SUMMARY_MAX (PROTOCOL_JSON_MAX - 1024) /* the rest is for what is around it */
#define TROUBLE_MAX 380
/* Bytes of a long warning on both sides of what is left out: causes are told last. */
#define WARNING_HEAD 80
#define WARNING_TAIL 200

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
    return kube_condition(object, "Ready", "True") != NULL;
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
    return json_pack("{s:s, s:b, s:s, s:o}", "name", kube_name(node), "ready",
                     cluster_is_ready(node), "version",
                     json_get_string(json_object_get(status, "nodeInfo"), "kubeletVersion", ""),
                     "addresses", node_addresses(status));
}

static void add_warning(const json_t *event, struct strbuf *out)
{
    const char *message = json_get_string(event, "message", "");
    size_t len = strlen(message);
    strbuf_addf(out, "%.60s: ", json_get_string(event, "reason", "a warning"));
    if (len <= WARNING_HEAD + WARNING_TAIL) {
        strbuf_adds(out, message);
        return;
    }
    strbuf_add(out, message, utf8_start(message, WARNING_HEAD));
    strbuf_addf(out, " … %s", message + utf8_start(message, len - WARNING_TAIL));
}

static void find_trouble(const json_t *list, const json_t *pod, struct strbuf *out)
{
    pod_trouble(pod, out);
    if (out->len > 0) {
        return;
    }
    AUTO_JSON *about = json_pack("{s:s, s:O, s:s}", "kind", "Pod", "namespace",
                                 json_object_get(json_object_get(pod, "metadata"), "namespace"),
                                 "name", kube_name(pod));
    const json_t *warning = about ? kube_newest_warning(list, about) : NULL;
    if (warning) {
        add_warning(warning, out);
    }
}

static json_t *summarise_pod(const json_t *list, const json_t *pod)
{
    const json_t *meta = json_object_get(pod, "metadata");
    bool ready = cluster_is_ready(pod);
    json_t *summary =
        json_pack("{s:s, s:s, s:s, s:b, s:s}", "namespace", json_get_string(meta, "namespace", ""),
                  "name", json_get_string(meta, "name", ""), "phase",
                  json_get_string(json_object_get(pod, "status"), "phase", ""), "ready", ready,
                  "node", json_get_string(json_object_get(pod, "spec"), "nodeName", ""));
    STRBUF(trouble, TROUBLE_MAX);
    if (!ready)
        find_trouble(list, pod, &trouble);
    if (trouble.len > 0)
        json_object_set_new(summary, "trouble", json_string(trouble.data));
    return summary;
}

static size_t text_size(const json_t *json)
{
    return json_dumpb(json, NULL, 0, JSON_COMPACT);
}

/* What has ended, well or not, has been replaced if anybody needs it. */
static bool is_waited_for(const json_t *pod)
{
    const char *phase = json_get_string(pod, "phase", "");
    return !json_get_bool(pod, "ready", false) && strcmp(phase, "Succeeded") != 0 &&
           strcmp(phase, "Failed") != 0;
}

/* Moves on what there is room for; the number of those left out. */
static int take_fitting(const json_t *pods, bool waited_for, size_t *room, json_t *into)
{
    int left_out = 0;
    size_t i;
    json_t *pod;
    json_array_foreach(pods, i, pod) {
        size_t size = text_size(pod) + 1;
        if (is_waited_for(pod) != waited_for) {
            continue;
        }
        if (size > *room) {
            left_out++;
            continue;
        }
        *room -= size;
        json_array_append(into, pod);
    }
    return left_out;
}

/* The answer is one message. Of what does not fit, the pods that are not ready matter most. */
static void shorten(json_t *summary)
{
    json_t *nodes = json_object_get(summary, "nodes"), *pods = json_array(), *node;
    size_t i;
    json_array_foreach(nodes, i, node) {
        json_object_del(node, "addresses");
    }
    size_t used = text_size(nodes), room = used < SUMMARY_MAX ? SUMMARY_MAX - used : 0;
    const json_t *all = json_object_get(summary, "pods");
    int waited_for = take_fitting(all, true, &room, pods);
    int others = take_fitting(all, false, &room, pods);
    json_object_set_new(summary, "pods", pods);
    json_object_set_new(summary, "left_out",
                        json_pack("{s:i, s:i}", "waiting", waited_for, "others", others));
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
            json_array_append_new(pods, summarise_pod(list, item));
        }
    }
    json_t *summary = json_pack("{s:o, s:o}", "nodes", nodes, "pods", pods);
    if (text_size(summary) > SUMMARY_MAX) {
        shorten(summary);
    }
    return summary;
}

int cluster_list(bool events, json_t **out, struct error *err)
{
    const char *kinds = events ? "nodes,pods,events" : "nodes,pods";
    const char *const args[] = {"get", kinds, "--all-namespaces", "-o", "json", NULL};
    AUTO_JSON *list = NULL;
    int r = cluster_need_control_plane(err);
    r = r < 0 ? r : kubectl_json(args, NULL, LIST_TIMEOUT_MS, &list, err);
    if (r == -EPROTO && events) { /* of a large cluster they are more than what is read */
        return cluster_list(false, out, err);
    }
    if (r == 0) {
        *out = cluster_summarise(list);
    }
    return r;
}
