#include "kubeadm/config.h"

#include "kubeadm/emit.h"
#include "kubeadm/validate.h"
#include "kubeadm/version.h"

#include <errno.h>
#include <stdlib.h>

#define CGROUP_V1_OPT_IN_MINOR 35 /* from 1.35 on, kubelet does not start on cgroup v1 unasked */

const char *const kubeadm_modules[] = {"overlay", "br_netfilter", "nf_conntrack", "vxlan", NULL};

const struct kubeadm_sysctl kubeadm_sysctls[] = {
    /* Without these pods reach nothing. */
    {"net.ipv4.ip_forward", "1"},
    {"net.bridge.bridge-nf-call-iptables", "1"},
    {"net.bridge.bridge-nf-call-ip6tables", "1"},
    /* Every pod watches files; the kernel's 128 are root's altogether. */
    {"fs.inotify.max_user_instances", "8192"},
    /* kubelet writes these itself: pkg/kubelet/cm/container_manager_linux.go, setupKernelTunables
     */
    {"vm.overcommit_memory", "1"},
    {"vm.panic_on_oom", "0"},
    {"kernel.panic", "10"},
    {"kernel.panic_on_oops", "1"},
    {"kernel.keys.root_maxkeys", "1000000"},
    {"kernel.keys.root_maxbytes", "25000000"},
    /* kube-proxy's defaults; it is told not to write them (config.c). */
    {"net.netfilter.nf_conntrack_tcp_timeout_established", "86400"},
    {"net.netfilter.nf_conntrack_tcp_timeout_close_wait", "3600"},
    {NULL, NULL},
};

/* As upstream's, but for: no modprobe (step host loads modules), and our path first. */
static const char containerd_unit[] = "[Unit]\n"
                                      "Description=containerd container runtime\n"
                                      "Documentation=https://containerd.io\n"
                                      "After=network.target dbus.service\n"
                                      "\n"
                                      "[Service]\n"
                                      "Type=notify\n"
                                      "ExecStart=/usr/local/bin/containerd\n"
                                      "Environment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:"
                                      "/usr/bin:/sbin:/bin\n"
                                      "Delegate=yes\n"
                                      "KillMode=process\n"
                                      "Restart=always\n"
                                      "RestartSec=5\n"
                                      "LimitNPROC=infinity\n"
                                      "LimitCORE=infinity\n"
                                      "TasksMax=infinity\n"
                                      "OOMScoreAdjust=-999\n"
                                      "\n"
                                      "[Install]\n"
                                      "WantedBy=multi-user.target\n";

static const char kubelet_unit[] = "[Unit]\n"
                                   "Description=kubelet: the Kubernetes node agent\n"
                                   "Documentation=https://kubernetes.io/docs/\n"
                                   "Wants=containerd.service\n"
                                   "After=network-online.target containerd.service\n"
                                   "StartLimitIntervalSec=0\n"
                                   "\n"
                                   "[Service]\n"
                                   "ExecStart=/usr/local/bin/kubelet\n"
                                   "Environment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:"
                                   "/usr/bin:/sbin:/bin\n"
                                   "Restart=always\n"
                                   "RestartSec=2\n"
                                   "\n"
                                   "[Install]\n"
                                   "WantedBy=multi-user.target\n";

/* kubeadm writes the files named here: config.yaml and kubeadm-flags.env. */
static const char kubelet_dropin[] =
    "[Service]\n"
    "Environment=\"KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/"
    "bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf\"\n"
    "Environment=\"KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml\"\n"
    "EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\n"
    "ExecStart=\n"
    "ExecStart=/usr/local/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS "
    "$KUBELET_KUBEADM_ARGS\n";

static const char crictl_config[] = "runtime-endpoint: unix://" KUBEADM_CRI_SOCKET "\n"
                                    "image-endpoint: unix://" KUBEADM_CRI_SOCKET "\n"
                                    "timeout: 10\n";

void host_files_release(struct host_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->items[i].content);
    }
    *files = HOST_FILES_INIT;
}

void host_files_add(struct host_files *files, const char *path, char *content)
{
    if (files->count == HOST_FILES_MAX) {
        abort();
    }
    files->items[files->count++] = (struct host_file){path, 0644, content};
}

int host_files_add_buffer(struct host_files *files, const char *path, struct strbuf *content,
                          struct error *err)
{
    if (strbuf_full(content)) {
        return error_set(err, -E2BIG, "%s is larger than %d bytes", path, KUBEADM_TEXT_MAX);
    }
    host_files_add(files, path, strbuf_steal(content));
    return 0;
}

static int add_sysctls(struct host_files *files, struct error *err)
{
    STRBUF(text, KUBEADM_TEXT_MAX);
    for (const struct kubeadm_sysctl *s = kubeadm_sysctls; s->key; s++) {
        /* "-": a kernel without the feature is no failure of the boot */
        strbuf_addf(&text, "-%s = %s\n", s->key, s->value);
    }
    return host_files_add_buffer(files, "/etc/sysctl.d/90-bigtop.conf", &text, err);
}

static int add_modules(struct host_files *files, struct error *err)
{
    STRBUF(text, KUBEADM_TEXT_MAX);
    for (const char *const *m = kubeadm_modules; *m; m++) {
        strbuf_addf(&text, "%s\n", *m);
    }
    return host_files_add_buffer(files, "/etc/modules-load.d/bigtop.conf", &text, err);
}

int kubeadm_host_files(struct host_files *out, struct error *err)
{
    AUTO_HOST_FILES files = HOST_FILES_INIT;
    int r = add_modules(&files, err);
    r = r < 0 ? r : add_sysctls(&files, err);
    if (r < 0) {
        return r;
    }
    *out = files;
    files.count = 0;
    return 0;
}

static void write_containerd_config(struct strbuf *b, const struct cluster_config *cluster,
                                    const struct node_config *node)
{
    /* "opt" would make /opt/containerd, NRI a socket: nothing here uses them. */
    strbuf_adds(b, "version = 3\n"
                   "root = \"/var/lib/containerd\"\n"
                   "state = \"/run/containerd\"\n"
                   "disabled_plugins = [\"io.containerd.internal.v1.opt\", "
                   "\"io.containerd.nri.v1.nri\"]\n"
                   "\n"
                   "[grpc]\n"
                   "  address = \"" KUBEADM_CRI_SOCKET "\"\n"
                   "\n"
                   "[plugins.\"io.containerd.cri.v1.images\"]\n"
                   "  snapshotter = \"overlayfs\"\n"
                   "\n"
                   "[plugins.\"io.containerd.cri.v1.images\".pinned_images]\n"
                   "  sandbox = ");
    emit_quoted(b, cluster->pause_image);
    strbuf_addf(b,
                "\n\n"
                "[plugins.\"io.containerd.cri.v1.runtime\"]\n"
                "  restrict_oom_score_adj = %s\n"
                "\n"
                "[plugins.\"io.containerd.cri.v1.runtime\".cni]\n"
                "  bin_dirs = [\"/opt/cni/bin\"]\n"
                "  conf_dir = \"/etc/cni/net.d\"\n"
                "\n"
                "[plugins.\"io.containerd.cri.v1.runtime\".containerd]\n"
                "  default_runtime_name = \"runc\"\n"
                "\n"
                "[plugins.\"io.containerd.cri.v1.runtime\".containerd.runtimes.runc]\n"
                "  runtime_type = \"io.containerd.runc.v2\"\n"
                "\n"
                "[plugins.\"io.containerd.cri.v1.runtime\".containerd.runtimes.runc.options]\n"
                "  SystemdCgroup = %s\n",
                node->can_set_oom ? "false" : "true", node->cgroup_version == 2 ? "true" : "false");
}

static int validate(const struct cluster_config *cluster, const struct node_config *node,
                    struct error *err)
{
    int r = kubeadm_validate_cluster(cluster, err);
    return r < 0 ? r : kubeadm_validate_node(node, err);
}

int kubeadm_runtime_files(const struct cluster_config *cluster, const struct node_config *node,
                          struct host_files *out, struct error *err)
{
    int r = validate(cluster, node, err);
    if (r < 0) {
        return r;
    }
    AUTO_HOST_FILES files = HOST_FILES_INIT;
    STRBUF(text, KUBEADM_TEXT_MAX);
    write_containerd_config(&text, cluster, node);
    r = host_files_add_buffer(&files, "/etc/containerd/config.toml", &text, err);
    if (r < 0) {
        return r;
    }
    host_files_add(&files, "/etc/crictl.yaml", xstrdup(crictl_config));
    host_files_add(&files, "/etc/systemd/system/" KUBEADM_CONTAINERD_UNIT,
                   xstrdup(containerd_unit));
    *out = files;
    files.count = 0;
    return 0;
}

static bool must_opt_in_to_cgroup_v1(const struct cluster_config *cluster,
                                     const struct node_config *node)
{
    struct kube_version v;
    return node->cgroup_version == 1 &&
           kube_version_parse(cluster->kubernetes_version, &v, NULL) == 0 &&
           (v.major > 1 || v.minor >= CGROUP_V1_OPT_IN_MINOR);
}

static int add_kubelet_patch(struct host_files *files, const struct cluster_config *cluster,
                             const struct node_config *node, struct error *err)
{
    AUTO_EMIT e;
    emit_init(&e, KUBEADM_TEXT_MAX);
    emit_string(&e, "cgroupDriver", node->cgroup_version == 2 ? "systemd" : "cgroupfs");
    if (must_opt_in_to_cgroup_v1(cluster, node)) {
        emit_bool(&e, "failCgroupV1", false);
    }
    emit_bool(&e, "failSwapOn", !node->swap_kept);
    emit_open(&e, "memorySwap");
    emit_string(&e, "swapBehavior", "NoSwap");
    emit_close(&e);
    emit_string(&e, "resolvConf", node->resolv_conf ? node->resolv_conf : KUBEADM_RESOLV_CONF);
    return host_files_add_buffer(files, KUBEADM_PATCH_DIR "/kubeletconfiguration+merge.yaml",
                                 &e.buf, err);
}

/* The gateway of every pod of Calico's, which the host stands in for by proxy ARP: the kernel does
 * so for addresses that it has a route to (docs.tigera.io, FAQ). */
#define CALICO_GATEWAY "169.254.1.1/32"

/* A bridge without ports, as every kernel that takes a node has bridges. What is there already
 * stays: the errors of a second start mean nothing. */
static char *service_route(const struct cluster_config *cluster, const struct node_config *node)
{
    return xasprintf("[Service]\n"
                     "ExecStartPre=-ip link add " KUBEADM_SERVICE_LINK " type bridge\n"
                     "ExecStartPre=-ip link set " KUBEADM_SERVICE_LINK " up\n"
                     "ExecStartPre=-ip route replace %s dev " KUBEADM_SERVICE_LINK " src %s\n"
                     "ExecStartPre=-ip route replace " CALICO_GATEWAY " dev " KUBEADM_SERVICE_LINK
                     "\n",
                     cluster->service_cidr, node->node_ip);
}

int kubeadm_kubelet_files(const struct cluster_config *cluster, const struct node_config *node,
                          struct host_files *out, struct error *err)
{
    int r = validate(cluster, node, err);
    if (r < 0) {
        return r;
    }
    AUTO_HOST_FILES files = HOST_FILES_INIT;
    r = add_kubelet_patch(&files, cluster, node, err);
    if (r < 0) {
        return r;
    }
    if (!node->resolv_conf) {
        host_files_add(&files, KUBEADM_RESOLV_CONF, xasprintf("nameserver %s\n", node->node_ip));
    }
    host_files_add(&files, "/etc/systemd/system/" KUBEADM_KUBELET_UNIT, xstrdup(kubelet_unit));
    host_files_add(&files, "/etc/systemd/system/" KUBEADM_KUBELET_UNIT ".d/10-kubeadm.conf",
                   xstrdup(kubelet_dropin));
    if (node->no_default_route) {
        host_files_add(&files, "/etc/systemd/system/" KUBEADM_KUBELET_UNIT ".d/20-services.conf",
                       service_route(cluster, node));
    }
    *out = files;
    files.count = 0;
    return 0;
}
