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
#define TROUBLE_MAX 300
#define WARNING_HEAD \
    80 /* bytes of a long warning before what is left out: causes are told last \
        */
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

static const char *time_of(const json_t *event)
{
    const char *last = json_get_string(event, "lastTimestamp", "");
    return *last ? last
                 : json_get_string(json_object_get(event, "metadata"), "creationTimestamp", "");
}

static bool warns_of(const json_t *event, const char *space, const char *name)
{
    const json_t *of = json_object_get(event, "involvedObject");
    return kube_is_kind(event, "Event") &&
           strcmp(json_get_string(event, "type", ""), "Warning") == 0 &&
           strcmp(json_get_string(of, "kind", ""), "Pod") == 0 &&
           strcmp(json_get_string(of, "name", ""), name) == 0 &&
           strcmp(json_get_string(of, "namespace", ""), space) == 0;
}

static const json_t *newest_warning(const json_t *items, const char *space, const char *name)
{
    const json_t *newest = NULL;
    size_t i;
    json_t *event;
    json_array_foreach(items, i, event) {
        if (warns_of(event, space, name) &&
            (!newest || strcmp(time_of(event), time_of(newest)) >= 0)) {
            newest = event;
        }
    }
    return newest;
}

/* Where the character begins that this byte is of. */
static size_t character_at(const char *utf8, size_t at)
{
    while (at > 0 && ((unsigned char) utf8[at] & 0xc0) == 0x80) {
        at--;
    }
    return at;
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
    strbuf_add(out, message, character_at(message, WARNING_HEAD));
    strbuf_addf(out, " … %s", message + character_at(message, len - WARNING_TAIL));
}

static json_t *summarise_pod(const json_t *items, const json_t *pod)
{
    const json_t *meta = json_object_get(pod, "metadata");
    bool ready = cluster_is_ready(pod);
    json_t *summary =
        json_pack("{s:s, s:s, s:s, s:b, s:s}", "namespace", json_get_string(meta, "namespace", ""),
                  "name", json_get_string(meta, "name", ""), "phase",
                  json_get_string(json_object_get(pod, "status"), "phase", ""), "ready", ready,
                  "node", json_get_string(json_object_get(pod, "spec"), "nodeName", ""));
    STRBUF(trouble, TROUBLE_MAX + WARNING_HEAD);
    if (!ready)
        pod_trouble(pod, &trouble);
    const json_t *warning = ready || trouble.len
                                ? NULL
                                : newest_warning(items, json_get_string(meta, "namespace", ""),
                                                 kube_name(pod));
    if (warning)
        add_warning(warning, &trouble);
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
    const json_t *items = json_object_get(list, "items");
    size_t i;
    json_t *item;
    json_array_foreach(items, i, item) {
        const char *kind = json_get_string(item, "kind", "");
        if (strcmp(kind, "Node") == 0) {
            json_array_append_new(nodes, summarise_node(item));
        } else if (strcmp(kind, "Pod") == 0) {
            json_array_append_new(pods, summarise_pod(items, item));
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
    if (r < 0 && events) { /* of a large cluster they may be too many */
        return cluster_list(false, out, err);
    }
    if (r == 0) {
        *out = cluster_summarise(list);
    }
    return r;
}
