#include "kubeadm/validate.h"

#include "kubeadm/version.h"
#include "lib/grammar.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define TAG_MAX 128 /* OCI distribution specification, "tag" */

static int refuse(struct error *err, const char *what, const char *value)
{
    return error_set(err, -EINVAL, "%s \"%.128s\" is not valid", what, value ? value : "");
}

static bool endpoint_valid(const char *endpoint)
{
    char host[256];
    uint16_t port;
    const char *colon = strrchr(endpoint, ':');
    if (colon == NULL || (size_t) (colon - endpoint) >= sizeof(host)) {
        return false;
    }
    snprintf(host, sizeof(host), "%.*s", (int) (colon - endpoint), endpoint);
    return grammar_address(host) && strchr(host, ':') == NULL && grammar_u16(colon + 1, &port);
}

static bool tag_valid(const char *tag)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    size_t len = strlen(tag);
    return len > 0 && len <= TAG_MAX && tag[0] != '.' && tag[0] != '-' &&
           strspn(tag, allowed) == len;
}

static bool cidr_valid(const char *cidr)
{
    uint32_t network;
    unsigned prefix;
    return grammar_cidr4(cidr, &network, &prefix);
}

static bool repository_valid(const char *repository)
{
    char ref[256];
    int len = snprintf(ref, sizeof(ref), "%s/image:tag", repository);
    return len > 0 && (size_t) len < sizeof(ref) && grammar_image_ref(ref);
}

static int validate_images(const struct cluster_config *c, struct error *err)
{
    if (c->image_repository && !repository_valid(c->image_repository)) {
        return refuse(err, "image repository", c->image_repository);
    }
    if (c->etcd_tag && !tag_valid(c->etcd_tag)) {
        return refuse(err, "etcd tag", c->etcd_tag);
    }
    if (c->coredns_tag && !tag_valid(c->coredns_tag)) {
        return refuse(err, "CoreDNS tag", c->coredns_tag);
    }
    if (!c->pause_image || !grammar_image_ref(c->pause_image)) {
        return refuse(err, "pause image", c->pause_image);
    }
    return 0;
}

static int validate_network(const struct cluster_config *c, struct error *err)
{
    if (!c->endpoint || !endpoint_valid(c->endpoint)) {
        return refuse(err, "endpoint", c->endpoint);
    }
    if (!c->pod_cidr || !cidr_valid(c->pod_cidr)) {
        return refuse(err, "pod CIDR", c->pod_cidr);
    }
    if (!c->service_cidr || !cidr_valid(c->service_cidr)) {
        return refuse(err, "service CIDR", c->service_cidr);
    }
    if (!c->dns_domain || !grammar_hostname(c->dns_domain)) {
        return refuse(err, "DNS domain", c->dns_domain);
    }
    for (const char *const *san = c->cert_sans; san && *san; san++) {
        if (!grammar_address(*san)) {
            return refuse(err, "certificate name", *san);
        }
    }
    return 0;
}

int kubeadm_validate_cluster(const struct cluster_config *cluster, struct error *err)
{
    struct kube_version version;
    if (!cluster->name || !grammar_node_name(cluster->name)) {
        return refuse(err, "cluster name", cluster->name);
    }
    if (!cluster->kubernetes_version) {
        return refuse(err, "Kubernetes version", NULL);
    }
    int r = kube_version_parse(cluster->kubernetes_version, &version, err);
    r = r < 0 ? r : validate_network(cluster, err);
    return r < 0 ? r : validate_images(cluster, err);
}

static int validate_taints(const struct node_config *node, struct error *err)
{
    struct kube_taint taint;
    for (const char *const *t = node->taints; t && *t; t++) {
        if (!kubeadm_taint_parse(*t, &taint)) {
            return refuse(err, "taint", *t);
        }
    }
    return 0;
}

int kubeadm_validate_node(const struct node_config *node, struct error *err)
{
    if (!node->name || !grammar_node_name(node->name)) {
        return refuse(err, "node name", node->name);
    }
    if (!node->node_ip || !grammar_ipv4(node->node_ip)) {
        return refuse(err, "node address", node->node_ip);
    }
    if (node->cgroup_version != 1 && node->cgroup_version != 2) {
        return error_set(err, -EINVAL, "cgroup version %u is not known", node->cgroup_version);
    }
    if (node->resolv_conf && !grammar_absolute_path(node->resolv_conf)) {
        return refuse(err, "resolv.conf path", node->resolv_conf);
    }
    return validate_taints(node, err);
}

static const char *taint_effect(const char *text)
{
    static const char *const effects[] = {"NoSchedule", "PreferNoSchedule", "NoExecute"};
    for (size_t i = 0; i < ARRAY_SIZE(effects); i++) {
        if (strcmp(text, effects[i]) == 0) {
            return effects[i];
        }
    }
    return NULL;
}

bool kubeadm_taint_parse(const char *text, struct kube_taint *out)
{
    struct kube_taint taint = {0};
    const char *colon = strrchr(text, ':');
    if (!colon || !(taint.effect = taint_effect(colon + 1))) {
        return false;
    }
    size_t key_len = strcspn(text, "=:");
    size_t value_start = text[key_len] == '=' ? key_len + 1 : key_len;
    size_t value_len = (size_t) (colon - text) - value_start;
    if (key_len >= sizeof(taint.key) || value_len >= sizeof(taint.value)) {
        return false;
    }
    memcpy(taint.key, text, key_len);
    memcpy(taint.value, text + value_start, value_len);
    if (!grammar_label_key(taint.key) || !grammar_label_value(taint.value)) {
        return false;
    }
    *out = taint;
    return true;
}
