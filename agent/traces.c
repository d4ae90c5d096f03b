#include "agent/traces.h"

#include "agent/program.h"
#include "lib/path.h"

#include <errno.h>
#include <string.h>

/* The first two are this file's, the others are kinds of ledger_will_appear(). */
#define TREE "tree"     /* ours whole; anything foreign in it beforehand is refused */
#define CREATE "create" /* made when missing; removed when it was missing and is empty */
#define MOUNT "mount-below"
#define LINK "link"
#define CHAIN "iptables-chain-prefix"
#define COMMENT "iptables-comment-prefix"

struct trace {
    enum traces_of of;
    const char *kind, *name;
};

/* Sources: containerd's plugins (opt, cri, nri, snapshots), the CNI plugins' chain and cache names,
 * kubelet's and kube-proxy's (pkg/proxy/iptables), kubeadm's hostPath volumes
 * (app/phases/controlplane/volumes.go), flannel's and Calico's interface names, the comments that
 * Calico's Felix knows its rules by (felix/rules/rule_defs.go) and the sysctl that it sets. */
static const struct trace traces[] = {
    {TRACES_RUNTIME, TREE, "/var/lib/containerd"},
    {TRACES_RUNTIME, TREE, "/run/containerd"},
    {TRACES_RUNTIME, TREE, "/opt/containerd"},
    {TRACES_RUNTIME, TREE, "/run/nri"},
    {TRACES_RUNTIME, TREE, "/etc/cni/net.d"},
    {TRACES_RUNTIME, TREE, "/var/lib/cni"},
    {TRACES_RUNTIME, TREE, "/run/cni"},
    {TRACES_RUNTIME, CREATE, "/run/netns"},
    {TRACES_RUNTIME, MOUNT, "/run/containerd"},
    {TRACES_RUNTIME, MOUNT, "/var/lib/containerd"},
    {TRACES_RUNTIME, MOUNT, "/run/netns/cni-*"},
    {TRACES_RUNTIME, LINK, "cni0"},
    {TRACES_RUNTIME, LINK, "veth*"},
    {TRACES_RUNTIME, CHAIN, "CNI-"},
    {TRACES_RUNTIME, "program", "/usr/local/bin/containerd-shim-runc-v2"},

    {TRACES_NODE, TREE, KUBERNETES_DIR},
    {TRACES_NODE, TREE, "/var/lib/kubelet"},
    {TRACES_NODE, TREE, "/var/lib/etcd"},
    {TRACES_NODE, TREE, "/run/flannel"},
    {TRACES_NODE, TREE, "/var/lib/calico"},
    {TRACES_NODE, TREE, "/run/calico"},
    {TRACES_NODE, TREE, "/run/nodeagent"},
    {TRACES_NODE, TREE, "/var/log/calico"},
    {TRACES_NODE, CREATE, "/sys/fs/bpf/tc"},
    {TRACES_NODE, CREATE, "/sys/fs/bpf/tc/globals"},
    {TRACES_NODE, CREATE, "/opt/cni/bin/calico"},
    {TRACES_NODE, CREATE, "/opt/cni/bin/calico-ipam"},
    {TRACES_NODE, CREATE, "/var/log/pods"},
    {TRACES_NODE, CREATE, "/var/log/containers"},
    {TRACES_NODE, CREATE, "/usr/libexec/kubernetes/kubelet-plugins/volume/exec"},
    {TRACES_NODE, CREATE, "/etc/ssl/certs"},
    {TRACES_NODE, CREATE, "/lib/modules"},
    {TRACES_NODE, CREATE, "/run/xtables.lock"},
    {TRACES_NODE, MOUNT, "/var/lib/kubelet"},
    {TRACES_NODE, MOUNT, "/run/calico"},
    {TRACES_NODE, LINK, "flannel*"},
    {TRACES_NODE, LINK, "cali*"},
    {TRACES_NODE, LINK, "bigtop-svc"}, /* kubeadm/config.h: KUBEADM_SERVICE_LINK */
    {TRACES_NODE, CHAIN, "KUBE-"},
    {TRACES_NODE, CHAIN, "FLANNEL"},
    {TRACES_NODE, CHAIN, "cali-"},
    {TRACES_NODE, COMMENT, "cali:"},
    {TRACES_NODE, "ipset", "cali4*"},
    {TRACES_NODE, "ipset", "cali6*"},
    {TRACES_NODE, "cgroup", "kubepods"},
    {TRACES_NODE, "sysctl", "net.netfilter.nf_conntrack_acct"},
};

int traces_check(const struct ledger *ledger, enum traces_of of, struct error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(traces); i++) {
        const struct trace *t = &traces[i];
        if (t->of != of || strcmp(t->kind, TREE) != 0 || ledger_has_path(ledger, t->name) ||
            path_is_empty(t->name, NULL) == 1) {
            continue;
        }
        error_set(err, -EEXIST,
                  "%s is not empty and is not ours: another cluster or container "
                  "runtime was here",
                  t->name);
        return error_remedy(err,
                            "remove what made it (for a kubeadm cluster: `kubeadm reset`), "
                            "or move %s away, then run again",
                            t->name);
    }
    return 1;
}

static int record(struct ledger *ledger, const struct trace *t, struct error *err)
{
    if (strcmp(t->kind, TREE) == 0) {
        return ledger_will_own_tree(ledger, t->name, err);
    }
    if (strcmp(t->kind, CREATE) == 0) {
        return ledger_will_create(ledger, t->name, err);
    }
    return ledger_will_appear(ledger, t->kind, t->name, err);
}

int traces_record(const struct step_context *ctx, enum traces_of of, struct error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(traces); i++) {
        if (traces[i].of != of) {
            continue;
        }
        int r = record(ctx->ledger, &traces[i], err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}
