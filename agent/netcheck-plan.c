#include "agent/netcheck.h"

#include "lib/digest.h"
#include "lib/grammar.h"
#include "lib/kube.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define USER_ID 65535 /* as the image has it */

void netcheck_plan_release(struct netcheck_plan *p)
{
    free(p->pairs);
    *p = (struct netcheck_plan){0};
}

static int read_texts(const json_t *params, struct netcheck_plan *p, struct error *err)
{
    int r = json_need_string(params, "image", &p->image, err);
    r = r < 0 ? r : json_need_string(params, "domain", &p->domain, err);
    r = r < 0 ? r : json_need_string(params, "network", &p->network, err);
    if (r < 0) {
        return r;
    }
    p->slice = json_get_int(params, "slice", 0);
    p->policy = json_get_bool(params, "policy", false);
    bool good = grammar_image_ref(p->image) && grammar_hostname(p->domain) &&
                digest_is_valid(p->network) && p->slice >= 0;
    return good ? 0
                : error_set(err, -EINVAL, "netcheck: its image, domain or network is malformed");
}

static int read_nodes(const json_t *params, struct netcheck_plan *p, struct error *err)
{
    json_t *nodes, *name;
    size_t i;
    int r = json_need_array(params, "nodes", &nodes, err);
    if (r < 0) {
        return r;
    }
    if (json_array_size(nodes) == 0 || json_array_size(nodes) > NETCHECK_NODES_MAX) {
        return error_set(err, -EINVAL, "netcheck: expected from 1 to %d nodes", NETCHECK_NODES_MAX);
    }
    json_array_foreach(nodes, i, name) {
        if (!json_is_string(name) || !grammar_hostname(json_string_value(name))) {
            return error_set(err, -EINVAL, "netcheck: a node's name is malformed");
        }
        p->nodes[p->count++] = json_string_value(name);
    }
    return 0;
}

static int read_spaces(const json_t *params, struct netcheck_plan *p, struct error *err)
{
    json_t *name;
    size_t i;
    json_array_foreach(json_object_get(params, "namespaces"), i, name) {
        if (p->space_count == NETCHECK_SPACES_MAX || !json_is_string(name) ||
            !grammar_node_name(json_string_value(name))) {
            return error_set(err, -EINVAL, "netcheck: a namespace is malformed");
        }
        p->spaces[p->space_count++] = json_string_value(name);
    }
    return 0;
}

static bool read_index(const json_t *pair, size_t which, size_t count, size_t *out)
{
    const json_t *index = json_array_get(pair, which);
    if (!json_is_integer(index) || json_integer_value(index) < 0 ||
        json_integer_value(index) >= (json_int_t) count) {
        return false;
    }
    *out = (size_t) json_integer_value(index);
    return true;
}

static int by_origin(const void *a, const void *b)
{
    const struct netcheck_pair *x = a, *y = b;
    return x->from != y->from ? (x->from < y->from ? -1 : 1) : (x->to > y->to) - (x->to < y->to);
}

static int read_pairs(const json_t *params, struct netcheck_plan *p, struct error *err)
{
    json_t *pairs, *pair;
    size_t i;
    int r = json_need_array(params, "pairs", &pairs, err);
    if (r < 0) {
        return r;
    }
    p->pairs = xcalloc(json_array_size(pairs) + 2, sizeof(*p->pairs));
    json_array_foreach(pairs, i, pair) {
        struct netcheck_pair *to = &p->pairs[p->pair_count++];
        if (json_array_size(pair) != 2 || !read_index(pair, 0, p->count, &to->from) ||
            !read_index(pair, 1, p->count, &to->to) || to->from == to->to) {
            return error_set(err, -EINVAL, "netcheck: a pair is malformed");
        }
    }
    qsort(p->pairs, p->pair_count, sizeof(*p->pairs), by_origin);
    for (size_t first = 0; first < p->pair_count; first += netcheck_run_length(p, first)) {
        if (netcheck_run_length(p, first) > NETCHECK_TARGETS_MAX) {
            return error_set(err, -EINVAL, "netcheck: more than %d pairs of one node",
                             NETCHECK_TARGETS_MAX);
        }
    }
    return 0;
}

/* A single node has two pods that talk to each other. */
static void double_single(struct netcheck_plan *p)
{
    if (p->count > 1) {
        return;
    }
    p->nodes[p->count++] = p->nodes[0];
    p->pairs[0] = (struct netcheck_pair){0, 1};
    p->pairs[1] = (struct netcheck_pair){1, 0};
    p->pair_count = 2;
}

int netcheck_plan_read(const json_t *params, struct netcheck_plan *out, struct error *err)
{
    AUTO_NETCHECK_PLAN p = {0};
    int r = read_texts(params, &p, err);
    r = r < 0 ? r : read_nodes(params, &p, err);
    r = r < 0 ? r : read_spaces(params, &p, err);
    r = r < 0 ? r : read_pairs(params, &p, err);
    if (r < 0) {
        return r;
    }
    double_single(&p);
    *out = p;
    p.pairs = NULL;
    return 0;
}

void netcheck_plan_ring(const struct netcheck_plan *p, struct netcheck_plan *out)
{
    *out = *p;
    out->pair_count = p->count;
    out->pairs = xcalloc(p->count, sizeof(*out->pairs));
    for (size_t i = 0; i < p->count; i++) {
        out->pairs[i] = (struct netcheck_pair){i, (i + 1) % p->count};
    }
}

size_t netcheck_run_length(const struct netcheck_plan *p, size_t first)
{
    size_t n = 0;
    while (first + n < p->pair_count && p->pairs[first + n].from == p->pairs[first].from) {
        n++;
    }
    return n;
}

void netcheck_pod_name(size_t point, char out[16])
{
    snprintf(out, 16, "p%zu", point);
}

static json_t *meta(const char *name)
{
    return json_pack("{s:s, s:s, s:{s:s, s:s}}", "name", name, "namespace", NETCHECK_NAMESPACE,
                     "labels", "app.kubernetes.io/name", NETCHECK_SERVICE, "pod", name);
}

static json_t *container(const struct netcheck_plan *p)
{
    json_t *security = json_pack("{s:b, s:b, s:{s:[s]}}", "allowPrivilegeEscalation", 0,
                                 "readOnlyRootFilesystem", 1, "capabilities", "drop", "ALL");
    json_t *resources = json_pack("{s:{s:s, s:s}, s:{s:s}}", "requests", "cpu", "1m", "memory",
                                  "8Mi", "limits", "memory", "64Mi");
    return json_pack("{s:s, s:s, s:s, s:[s,s,s], s:o, s:o}", "name", "netcheck", "image", p->image,
                     "imagePullPolicy", "Never", "command", "/netcheck", "serve",
                     NETCHECK_PORT_TEXT, "securityContext", security, "resources", resources);
}

/* Bound to its node by name: no taint and no lack of room keeps it away. */
static json_t *pod(const struct netcheck_plan *p, size_t point)
{
    char name[16];
    netcheck_pod_name(point, name);
    json_t *security = json_pack("{s:b, s:i, s:i, s:{s:s}}", "runAsNonRoot", 1, "runAsUser",
                                 USER_ID, "runAsGroup", USER_ID, "seccompProfile", "type",
                                 "RuntimeDefault");
    json_t *spec = json_pack("{s:s, s:s, s:s, s:b, s:b, s:i, s:[{s:s}], s:o, s:[o]}", "nodeName",
                             p->nodes[point], "restartPolicy", "Never", "serviceAccountName",
                             NETCHECK_SERVICE, "automountServiceAccountToken", 0,
                             "enableServiceLinks", 0, "terminationGracePeriodSeconds", 1,
                             "tolerations", "operator", "Exists", "securityContext", security,
                             "containers", container(p));
    return json_pack("{s:s, s:s, s:o, s:o}", "apiVersion", "v1", "kind", "Pod", "metadata",
                     meta(name), "spec", spec);
}

static json_t *service(void)
{
    json_t *ports = json_array();
    static const char *const protocols[] = {"TCP", "UDP"};
    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
        json_array_append_new(ports, json_pack("{s:s, s:s, s:i}", "name", i ? "udp" : "tcp",
                                               "protocol", protocols[i], "port", NETCHECK_PORT));
    }
    /* One pod: whoever asks knows who answers. */
    return json_pack("{s:s, s:s, s:o, s:{s:{s:s}, s:o}}", "apiVersion", "v1", "kind", "Service",
                     "metadata", meta(NETCHECK_SERVICE), "spec", "selector", "pod", "p0", "ports",
                     ports);
}

json_t *netcheck_manifest(const struct netcheck_plan *p)
{
    json_t *items = json_array();
    json_array_append_new(items,
                          json_pack("{s:s, s:s, s:{s:s, s:{s:s, s:s}}}", "apiVersion", "v1", "kind",
                                    "Namespace", "metadata", "name", NETCHECK_NAMESPACE, "labels",
                                    "app.kubernetes.io/managed-by", "bigtop-bootstrap",
                                    "pod-security.kubernetes.io/enforce", "restricted"));
    /* Of its own: the default one comes some time after its namespace. */
    json_array_append_new(items, json_pack("{s:s, s:s, s:o}", "apiVersion", "v1", "kind",
                                           "ServiceAccount", "metadata", meta(NETCHECK_SERVICE)));
    json_array_append_new(items, service());
    for (size_t i = 0; i < p->count; i++) {
        json_array_append_new(items, pod(p, i));
    }
    return kube_list(items);
}

json_t *netcheck_policy_manifest(void)
{
    return json_pack("{s:s, s:s, s:o, s:{s:{}, s:[s]}}", "apiVersion", "networking.k8s.io/v1",
                     "kind", "NetworkPolicy", "metadata", meta(NETCHECK_POLICY), "spec",
                     "podSelector", "policyTypes", "Ingress");
}

int netcheck_record(const struct netcheck_plan *p, const json_t *nodes, json_t **out,
                    struct error *err)
{
    AUTO_JSON *uids = json_object();
    for (size_t i = 0; i < p->count; i++) {
        const json_t *node = kube_find(nodes, p->nodes[i]);
        const char *uid = json_get_string(json_object_get(node, "metadata"), "uid", NULL);
        if (!uid) {
            return error_set(err, -ENOENT, "the cluster has no node %s", p->nodes[i]);
        }
        json_object_set_new(uids, p->nodes[i], json_string(uid));
    }
    *out = json_pack("{s:s, s:O}", "network", p->network, "nodes", uids);
    return 0;
}

bool netcheck_is_covered(const json_t *former, const json_t *record)
{
    const char *name;
    json_t *uid;
    const json_t *known = json_object_get(former, "nodes");
    if (!json_equal(json_object_get(former, "network"), json_object_get(record, "network"))) {
        return false;
    }
    json_object_foreach(json_object_get(record, "nodes"), name, uid) {
        if (!json_equal(json_object_get(known, name), uid)) {
            return false;
        }
    }
    return true;
}
