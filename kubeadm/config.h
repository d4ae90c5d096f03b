/* Renders what kubeadm, kubelet, kube-proxy, containerd and systemd read. Pure: no file, clock or
 * host is looked at; whatever differs from host to host comes in struct node_config.
 *
 * Everything that is a value goes through kubeadm/emit.h, which quotes, so that no value can become
 * a key or a second document. Texts returned through `out` are the caller's (free()) and untouched
 * on failure. Errors: -EINVAL when a value is outside of its grammar (err names it), -E2BIG when a
 * text passes KUBEADM_TEXT_MAX.
 *
 * Sources: kubeadm.k8s.io/v1beta4 (cmd/kubeadm/app/apis/kubeadm/v1beta4/types.go, v1.34),
 * kubelet.config.k8s.io/v1beta1, kubeproxy.config.k8s.io/v1alpha1, containerd's docs/cri/config.md
 * (version 3) and its containerd.service, kubeadm's 10-kubeadm.conf. */
#pragma once

#include "lib/error.h"
#include "lib/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define KUBEADM_TEXT_MAX 65536

#define KUBEADM_API_PORT 6443
#define KUBEADM_TOKEN_TTL_S 900 /* of the token of kubeadm_render_init */
#define KUBEADM_PATCH_DIR "/etc/kubernetes/patches"
#define KUBEADM_RESOLV_CONF "/etc/kubernetes/resolv.conf"
#define KUBEADM_CRI_SOCKET "/run/containerd/containerd.sock"
#define KUBEADM_CONTAINERD_UNIT "containerd.service"
#define KUBEADM_KUBELET_UNIT "kubelet.service"
#define KUBEADM_SERVICE_LINK "bigtop-svc" /* of the services' route; the agent removes it */

/* The same on every host of a cluster. */
struct cluster_config {
    const char *name;                    /* RFC 1123 label */
    const char *kubernetes_version;      /* "v1.34.4" */
    const char *endpoint;                /* "host:port" of the API, as every host reaches it */
    const char *discovery; /* "host:port" that a joining host asks first; NULL: the endpoint */
    const char *pod_cidr, *service_cidr; /* IPv4, canonical */
    const char *dns_domain;
    const char *image_repository; /* NULL: "registry.k8s.io" */
    const char *etcd_tag;    /* NULL: kubeadm's own choice; else the tag of the bundle's image */
    const char *coredns_tag; /* NULL: kubeadm's own choice; image <repository>/coredns/coredns */
    const char *pause_image; /* full reference, as in the bundle */
    const char *const *cert_sans; /* NULL-terminated further names of the API; may be NULL */
};

/* What differs from host to host. */
struct node_config {
    const char *name;        /* node name, RFC 1123 label */
    const char *node_ip;     /* IPv4: kubelet's --node-ip and a control plane's advertise address */
    unsigned cgroup_version; /* 1 → cgroupfs driver, 2 → systemd driver */
    bool swap_kept;          /* swap is on and stays: kubelet tolerates it, pods do not use it */
    const char
        *resolv_conf;   /* the host's file with real name servers; NULL: there is none, pods get
                           KUBEADM_RESOLV_CONF, which names the host itself: refused at once
                           instead of timing out, and CoreDNS does not start without a server */
    bool no_default_route; /* services' addresses need a route of their own: one that is unreachable
                              is refused before kube-proxy's rules are asked */
    bool can_set_oom;   /* CAP_SYS_RESOURCE is there: oom_score_adj may be lowered */
    bool control_plane; /* role */
    bool worker;        /* role: takes pods of users; a control plane without it keeps its taint */
    const char *const *taints; /* NULL-terminated "key=value:Effect"; may be NULL. In force from the
                                  node's first second; labels are the label step's (lib/protocol.h),
                                  as kubelet may not give itself all of them */
};

/* InitConfiguration, ClusterConfiguration, KubeletConfiguration and KubeProxyConfiguration, for
 * `kubeadm init --config`. token: kubeadm/token.h; it lives KUBEADM_TOKEN_TTL_S. SECRET. */
int kubeadm_render_init(const struct cluster_config *cluster, const struct node_config *node,
                        const char *token, char **out, struct error *err);
/* JoinConfiguration. ca_hash: "sha256:…" of digest_cert_spki(); the CA is always verified.
 * certificate_key: of kubeadm_render_certs, for a control plane; NULL for a worker, which must not
 * have it. SECRET. */
int kubeadm_render_join(const struct cluster_config *cluster, const struct node_config *node,
                        const char *token, const char *ca_hash, const char *certificate_key,
                        char **out, struct error *err);
/* For `kubeadm init phase upload-certs --upload-certs --config` on a control plane: the cluster's
 * certificates go into a Secret of the cluster, encrypted with this key. SECRET. */
#define KUBEADM_CERTIFICATE_KEY_LEN 64 /* hex digits of an AES-256 key */
int kubeadm_render_certs(const struct cluster_config *cluster, const struct node_config *node,
                         const char *certificate_key, char **out, struct error *err);

/* Files with path, mode and content, in the order to write them; for the "files" of steps. */
struct host_file {
    const char *path; /* static */
    mode_t mode;
    char *content; /* owned */
};
#define HOST_FILES_MAX 8
struct host_files {
    struct host_file items[HOST_FILES_MAX];
    size_t count;
};
#define HOST_FILES_INIT ((struct host_files){.count = 0})
void host_files_release(struct host_files *files);
/* Mode 0644. Takes content over; the buffer is empty afterwards. -E2BIG when it was full. */
void host_files_add(struct host_files *files, const char *path, char *content);
int host_files_add_buffer(struct host_files *files, const char *path, struct strbuf *content,
                          struct error *err);
#define AUTO_HOST_FILES CLEANUP(host_files_release) struct host_files

/* Step host: sysctl.d and modules-load.d. */
int kubeadm_host_files(struct host_files *out, struct error *err);
/* Step runtime: containerd's config.toml, its unit, crictl.yaml. */
int kubeadm_runtime_files(const struct cluster_config *cluster, const struct node_config *node,
                          struct host_files *out, struct error *err);
/* Step kubelet: kubelet's unit, the 10-kubeadm.conf drop-in, the patch in KUBEADM_PATCH_DIR that
 * makes kubeadm's cluster-wide KubeletConfiguration this host's, KUBEADM_RESOLV_CONF if needed. */
int kubeadm_kubelet_files(const struct cluster_config *cluster, const struct node_config *node,
                          struct host_files *out, struct error *err);

/* What a node needs of the kernel, for step host; arrays end with a NULL key. The sysctls are those
 * that Kubernetes cannot do without, and those that kubelet and kube-proxy set on their own: set by
 * us before, they are in the ledger and reset puts them back. */
struct kubeadm_sysctl {
    const char *key, *value;
};
extern const struct kubeadm_sysctl kubeadm_sysctls[];
extern const char *const kubeadm_modules[];
