#include "kubeadm/config.h"

#include "kubeadm/emit.h"
#include "kubeadm/token.h"
#include "kubeadm/validate.h"
#include "lib/digest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KUBEADM_API "kubeadm.k8s.io/v1beta4"
#define DEFAULT_REPOSITORY "registry.k8s.io"

/* Five times kubeadm's own: an API server takes minutes to start on the smallest machines, and an
 * SD card its time with etcd. kubelet gives the containers as long (their startupProbe follows it).
 */
#define CONTROL_PLANE_HEALTH "20m0s"
#define KUBELET_HEALTH "8m0s"
/* The API server calls itself ill, and is ended for that, when etcd has no answer in its own two
 * seconds: a small machine that starts a control plane has etcd wait for four to seven. Below the
 * fifteen that kubeadm's livenessProbe gives. */
#define ETCD_ANSWERS "10s"
/* Who leads ends when it could not renew its lease in ten seconds, by Kubernetes' own numbers: on a
 * small machine that starts a control plane it ends again and again. A leader that is lost is
 * replaced after 40 s at the latest; until then nothing but controllers and scheduling waits. */
#define LEASE_DURATION "40s"
#define LEASE_RENEW "30s"
#define LEASE_RETRY "5s"
#define API_CALL "2m0s"
/* A worker may be ready to join before the API answers. */
#define JOIN_DISCOVERY "10m0s"
/* A learner copies all of etcd before it may vote: 8 GiB at most, over whatever link there is. */
#define LEARNER_CATCHES_UP "15m0s"

/* Images of the bundle are pinned; these hold for what users bring. kubelet's own numbers keep 15 %
 * of a disk free, which on a shared or small one evicts pods and collects images that an offline
 * node cannot fetch again. */
#define IMAGE_GC_HIGH_PERCENT 90
#define IMAGE_GC_LOW_PERCENT 80
static const struct {
    const char *signal, *threshold;
} eviction_hard[] = {
    {"memory.available", "100Mi"}, {"nodefs.available", "5%"},   {"nodefs.inodesFree", "5%"},
    {"imagefs.available", "5%"},   {"imagefs.inodesFree", "5%"},
};

static void emit_arg(struct emit *e, const char *name, const char *value)
{
    emit_item(e);
    emit_string(e, "name", name);
    emit_string(e, "value", value);
    emit_close(e);
}

static void emit_taint(struct emit *e, const char *text)
{
    struct kube_taint taint;
    if (!kubeadm_taint_parse(text, &taint)) {
        return; /* cannot be: kubeadm_validate_node came before */
    }
    emit_item(e);
    emit_string(e, "key", taint.key);
    if (taint.value[0] != '\0') {
        emit_string(e, "value", taint.value);
    }
    emit_string(e, "effect", taint.effect);
    emit_close(e);
}

/* An absent list means "the usual" to kubeadm, an empty one "none". */
static void emit_taints(struct emit *e, const struct node_config *node)
{
    bool reserved = node->control_plane && !node->worker;
    if (!reserved && (!node->taints || !*node->taints)) {
        emit_empty_list(e, "taints");
        return;
    }
    emit_open(e, "taints");
    if (reserved) {
        emit_taint(e, "node-role.kubernetes.io/control-plane:NoSchedule");
    }
    for (const char *const *t = node->taints; t && *t; t++) {
        emit_taint(e, *t);
    }
    emit_close(e);
}

static void emit_node_registration(struct emit *e, const struct node_config *node)
{
    emit_open(e, "nodeRegistration");
    emit_string(e, "name", node->name);
    emit_string(e, "criSocket", "unix://" KUBEADM_CRI_SOCKET);
    emit_string(e, "imagePullPolicy", "IfNotPresent");
    emit_bool(e, "imagePullSerial", false);
    emit_taints(e, node);
    emit_open(e, "kubeletExtraArgs");
    emit_arg(e, "node-ip", node->node_ip);
    emit_close(e);
    emit_close(e);
}

static void emit_patches(struct emit *e)
{
    emit_open(e, "patches");
    emit_string(e, "directory", KUBEADM_PATCH_DIR);
    emit_close(e);
}

static void emit_bootstrap_token(struct emit *e, const char *token)
{
    char ttl[16];
    snprintf(ttl, sizeof(ttl), "%ds", KUBEADM_TOKEN_TTL_S);
    emit_open(e, "bootstrapTokens");
    emit_item(e);
    emit_string(e, "token", token);
    emit_string(e, "ttl", ttl);
    emit_open(e, "usages");
    emit_string_item(e, "signing");
    emit_string_item(e, "authentication");
    emit_close(e);
    emit_open(e, "groups");
    emit_string_item(e, "system:bootstrappers:kubeadm:default-node-token");
    emit_close(e);
    emit_close(e);
    emit_close(e);
}

static void emit_local_endpoint(struct emit *e, const struct node_config *node)
{
    emit_open(e, "localAPIEndpoint");
    emit_string(e, "advertiseAddress", node->node_ip);
    emit_number(e, "bindPort", KUBEADM_API_PORT);
    emit_close(e);
}

static void emit_init_configuration(struct emit *e, const struct node_config *node,
                                    const char *token)
{
    emit_document(e, KUBEADM_API, "InitConfiguration");
    emit_bootstrap_token(e, token);
    emit_local_endpoint(e, node);
    emit_node_registration(e, node);
    emit_patches(e);
    emit_open(e, "timeouts");
    emit_string(e, "controlPlaneComponentHealthCheck", CONTROL_PLANE_HEALTH);
    emit_string(e, "kubeletHealthCheck", KUBELET_HEALTH);
    emit_string(e, "kubernetesAPICall", API_CALL);
    emit_string(e, "etcdAPICall", API_CALL);
    emit_close(e);
}

static void emit_image_choices(struct emit *e, const struct cluster_config *c)
{
    const char *repository = c->image_repository ? c->image_repository : DEFAULT_REPOSITORY;
    emit_string(e, "imageRepository", repository);
    if (c->etcd_tag) {
        emit_open(e, "etcd");
        emit_open(e, "local");
        emit_string(e, "dataDir", "/var/lib/etcd");
        emit_string(e, "imageTag", c->etcd_tag);
        emit_close(e);
        emit_close(e);
    }
    if (c->coredns_tag) {
        AUTO_FREE char *coredns = xasprintf("%s/coredns", repository);
        emit_open(e, "dns");
        emit_string(e, "imageRepository", coredns);
        emit_string(e, "imageTag", c->coredns_tag);
        emit_close(e);
    }
}

static void emit_api_server(struct emit *e, const struct cluster_config *c)
{
    emit_open(e, "apiServer");
    emit_open(e, "extraArgs");
    emit_arg(e, "etcd-healthcheck-timeout", ETCD_ANSWERS);
    emit_arg(e, "etcd-readycheck-timeout", ETCD_ANSWERS);
    emit_close(e);
    if (c->cert_sans && *c->cert_sans) {
        emit_open(e, "certSANs");
        for (const char *const *san = c->cert_sans; *san; san++) {
            emit_string_item(e, *san);
        }
        emit_close(e);
    }
    emit_close(e);
}

static void emit_leader(struct emit *e, const char *component)
{
    emit_open(e, component);
    emit_open(e, "extraArgs");
    emit_arg(e, "leader-elect-lease-duration", LEASE_DURATION);
    emit_arg(e, "leader-elect-renew-deadline", LEASE_RENEW);
    emit_arg(e, "leader-elect-retry-period", LEASE_RETRY);
    emit_close(e);
    emit_close(e);
}

static void emit_cluster_configuration(struct emit *e, const struct cluster_config *c)
{
    emit_document(e, KUBEADM_API, "ClusterConfiguration");
    emit_string(e, "clusterName", c->name);
    emit_string(e, "kubernetesVersion", c->kubernetes_version);
    emit_string(e, "controlPlaneEndpoint", c->endpoint);
    /* Keys in a millisecond; RSA ones take a small machine seconds each. */
    emit_string(e, "encryptionAlgorithm", "ECDSA-P256");
    emit_image_choices(e, c);
    emit_open(e, "networking");
    emit_string(e, "podSubnet", c->pod_cidr);
    emit_string(e, "serviceSubnet", c->service_cidr);
    emit_string(e, "dnsDomain", c->dns_domain);
    emit_close(e);
    emit_api_server(e, c);
    emit_leader(e, "controllerManager");
    emit_leader(e, "scheduler");
}

static void emit_kubelet_configuration(struct emit *e)
{
    emit_document(e, "kubelet.config.k8s.io/v1beta1", "KubeletConfiguration");
    emit_string(e, "containerRuntimeEndpoint", "unix://" KUBEADM_CRI_SOCKET);
    emit_bool(e, "rotateCertificates", true);
    emit_bool(e, "serializeImagePulls", false);
    emit_number(e, "imageGCHighThresholdPercent", IMAGE_GC_HIGH_PERCENT);
    emit_number(e, "imageGCLowThresholdPercent", IMAGE_GC_LOW_PERCENT);
    emit_open(e, "evictionHard");
    for (size_t i = 0; i < ARRAY_SIZE(eviction_hard); i++) {
        emit_string(e, eviction_hard[i].signal, eviction_hard[i].threshold);
    }
    emit_close(e);
}

static void emit_kube_proxy_configuration(struct emit *e, const struct cluster_config *c)
{
    emit_document(e, "kubeproxy.config.k8s.io/v1alpha1", "KubeProxyConfiguration");
    emit_string(e, "mode", "iptables");
    emit_string(e, "clusterCIDR", c->pod_cidr);
    /* Connection tracking stays as the kernel sized it, or kubeadm_sysctls set it: kube-proxy
     * cannot write it in every host (a container's is read-only), and what it writes no ledger
     * undoes. */
    emit_open(e, "conntrack");
    emit_number(e, "maxPerCore", 0);
    emit_number(e, "min", 0);
    emit_string(e, "tcpEstablishedTimeout", "0s");
    emit_string(e, "tcpCloseWaitTimeout", "0s");
    emit_close(e);
    /* Node ports on loopback need route_localnet on every interface (CVE-2020-8558). */
    emit_open(e, "iptables");
    emit_bool(e, "localhostNodePorts", false);
    emit_close(e);
}

static int emit_finish(struct emit *e, const char *what, char **out, struct error *err)
{
    if (strbuf_full(&e->buf)) {
        return error_set(err, -E2BIG, "%s is larger than %d bytes", what, KUBEADM_TEXT_MAX);
    }
    *out = strbuf_steal(&e->buf);
    return 0;
}

static int validate(const struct cluster_config *cluster, const struct node_config *node,
                    const char *token, struct error *err)
{
    int r = kubeadm_validate_cluster(cluster, err);
    r = r < 0 ? r : kubeadm_validate_node(node, err);
    if (r == 0 && (!token || !kubeadm_token_valid(token))) {
        return error_set(err, -EINVAL, "the bootstrap token is malformed"); /* never shown */
    }
    return r;
}

int kubeadm_render_init(const struct cluster_config *cluster, const struct node_config *node,
                        const char *token, char **out, struct error *err)
{
    int r = validate(cluster, node, token, err);
    if (r < 0) {
        return r;
    }
    AUTO_EMIT e;
    emit_init(&e, KUBEADM_TEXT_MAX);
    emit_init_configuration(&e, node, token);
    emit_cluster_configuration(&e, cluster);
    emit_kubelet_configuration(&e);
    emit_kube_proxy_configuration(&e, cluster);
    return emit_finish(&e, "kubeadm's init configuration", out, err);
}

static void emit_discovery(struct emit *e, const struct cluster_config *c, const char *token,
                           const char *ca_hash)
{
    emit_open(e, "discovery");
    emit_open(e, "bootstrapToken");
    emit_string(e, "apiServerEndpoint", c->discovery ? c->discovery : c->endpoint);
    emit_string(e, "token", token);
    emit_open(e, "caCertHashes");
    emit_string_item(e, ca_hash);
    emit_close(e);
    emit_close(e);
    emit_close(e);
}

static void emit_join_configuration(struct emit *e, const struct cluster_config *c,
                                    const struct node_config *node, const char *token,
                                    const char *ca_hash, const char *certificate_key)
{
    emit_document(e, KUBEADM_API, "JoinConfiguration");
    emit_discovery(e, c, token, ca_hash);
    if (certificate_key) {
        emit_open(e, "controlPlane");
        emit_local_endpoint(e, node);
        emit_string(e, "certificateKey", certificate_key);
        emit_close(e);
    }
    emit_node_registration(e, node);
    emit_patches(e);
    emit_open(e, "timeouts");
    emit_string(e, "discovery", JOIN_DISCOVERY);
    emit_string(e, "tlsBootstrap", KUBELET_HEALTH);
    emit_string(e, "kubeletHealthCheck", KUBELET_HEALTH);
    emit_string(e, "kubernetesAPICall", API_CALL);
    if (certificate_key) {
        emit_string(e, "controlPlaneComponentHealthCheck", CONTROL_PLANE_HEALTH);
        emit_string(e, "etcdAPICall", LEARNER_CATCHES_UP);
    }
    emit_close(e);
}

/* kubeadm decrypts with AES-256: any other length fails only after the join has begun. */
static int validate_certificate_key(const char *key, struct error *err)
{
    if (key && strlen(key) == KUBEADM_CERTIFICATE_KEY_LEN &&
        strspn(key, "0123456789abcdef") == KUBEADM_CERTIFICATE_KEY_LEN) {
        return 0;
    }
    return error_set(err, -EINVAL, "the certificate key is malformed"); /* never shown */
}

static int validate_join(const struct node_config *node, const char *ca_hash,
                         const char *certificate_key, struct error *err)
{
    if (!ca_hash || !digest_is_valid(ca_hash)) {
        return error_set(err, -EINVAL, "the hash of the cluster's CA is malformed");
    }
    if (node->control_plane) {
        return validate_certificate_key(certificate_key, err);
    }
    return certificate_key ? error_set(err, -EINVAL, "a worker gets no certificate key") : 0;
}

int kubeadm_render_join(const struct cluster_config *cluster, const struct node_config *node,
                        const char *token, const char *ca_hash, const char *certificate_key,
                        char **out, struct error *err)
{
    int r = validate(cluster, node, token, err);
    r = r < 0 ? r : validate_join(node, ca_hash, certificate_key, err);
    if (r < 0) {
        return r;
    }
    AUTO_EMIT e;
    emit_init(&e, KUBEADM_TEXT_MAX);
    emit_join_configuration(&e, cluster, node, token, ca_hash, certificate_key);
    return emit_finish(&e, "kubeadm's join configuration", out, err);
}

int kubeadm_render_certs(const struct cluster_config *cluster, const struct node_config *node,
                         const char *certificate_key, char **out, struct error *err)
{
    int r = kubeadm_validate_cluster(cluster, err);
    r = r < 0 ? r : kubeadm_validate_node(node, err);
    r = r < 0 ? r : validate_certificate_key(certificate_key, err);
    if (r < 0) {
        return r;
    }
    AUTO_EMIT e;
    emit_init(&e, KUBEADM_TEXT_MAX);
    emit_document(&e, KUBEADM_API, "InitConfiguration");
    emit_string(&e, "certificateKey", certificate_key);
    emit_local_endpoint(&e, node);
    emit_node_registration(&e, node);
    /* Without it kubeadm asks the internet which version there is. */
    emit_cluster_configuration(&e, cluster);
    return emit_finish(&e, "kubeadm's configuration of certificates", out, err);
}
