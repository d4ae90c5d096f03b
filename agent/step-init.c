#include "agent/etcd.h"
#include "agent/kubeadm.h"
#include "agent/program.h"
#include "agent/reach.h"
#include "agent/step.h"
#include "agent/traces.h"
#include "agent/units.h"
#include "lib/fd.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define API_TIMEOUT_MS (4 * 60 * 1000) /* after a boot, with images to read from a slow disk */
#define ASK_TIMEOUT_MS 30000
#define HALF_TIMEOUT_MS 60000

static const char *const control_plane_files[] = {
    ADMIN_CONF,
    KUBELET_CONF,
    CA_CERT,
    KUBERNETES_DIR "/manifests/etcd.yaml",
    KUBERNETES_DIR "/manifests/kube-apiserver.yaml",
    KUBERNETES_DIR "/manifests/kube-controller-manager.yaml",
    KUBERNETES_DIR "/manifests/kube-scheduler.yaml",
};

static size_t files_present(void)
{
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_SIZE(control_plane_files); i++) {
        count += access(control_plane_files[i], F_OK) == 0;
    }
    return count;
}

/* What the later phases of init make; kube-proxy is the very last of them. */
static bool phases_complete(const bool *cancel)
{
    static const char *const args[] = {
        "get",
        "-n",
        "kube-system",
        "-o",
        "name",
        "configmap/kubeadm-config",
        "configmap/kubelet-config",
        "role.rbac.authorization.k8s.io/kubeadm:nodes-kubeadm-config",
        "clusterrolebinding.rbac.authorization.k8s.io/kubeadm:node-autoapprove-bootstrap",
        "deployment.apps/coredns",
        "daemonset.apps/kube-proxy",
        NULL,
    };
    return kubectl_run(args, cancel, ASK_TIMEOUT_MS, NULL, NULL) == 0;
}

/* An init that came to its end once is never undone by another init, whatever does not answer now:
 * there is a cluster's data on this host. */
static bool was_complete(const struct ledger *ledger)
{
    const char *role = ledger_get(ledger, "role");
    const char *leaving = ledger_get(ledger, LEDGER_LEAVING);
    if (leaving && strcmp(leaving, "yes") == 0) {
        return false;
    }
    return ledger_step_digest(ledger, "init") || (role && strcmp(role, "control-plane") == 0);
}

static int check(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err)
{
    const char *config, *node;
    int r = kubeadm_need_params(params, &config, &node, err);
    r = r < 0 ? r : traces_check(ctx->ledger, TRACES_NODE, err);
    if (r < 0) {
        return r;
    }
    size_t present = files_present();
    if (present == ARRAY_SIZE(control_plane_files) && phases_complete(ctx->cancel)) {
        return 1;
    }
    if (was_complete(ctx->ledger)) {
        strv_add(differences, "wait for the control plane of this host to answer");
    } else if (present > 0) {
        strv_add(differences, "clear away an unfinished kubeadm init and run it again");
    } else {
        strv_add(differences, "kubeadm init");
    }
    return 0;
}

static int start_and_wait(const struct step_context *ctx, int timeout_ms, struct error *err)
{
    step_progress(ctx, 0, 0, "waiting for the control plane to answer");
    int r = unit_start("containerd.service", UNIT_TIMEOUT_MS, err);
    r = r < 0 ? r : unit_start("kubelet.service", UNIT_TIMEOUT_MS, err);
    r = r < 0 ? r : kubectl_api_wait(ctx->cancel, timeout_ms, err);
    return r < 0 ? error_remedy(err, "look at `journalctl -u kubelet` on the host") : 0;
}

static int revive(const struct step_context *ctx, struct error *err)
{
    if (files_present() == ARRAY_SIZE(control_plane_files)) {
        return start_and_wait(ctx, API_TIMEOUT_MS, err);
    }
    error_set(err, -ENOENT, "files of this control plane are missing below %s", KUBERNETES_DIR);
    return error_remedy(err, "restore them from a backup; `bigtop-bootstrap reset` removes the "
                             "cluster with its data");
}

/* 1: an init whose end we did not get to record after all; 0: cleared away, the host is free. */
static int settle_leftovers(const struct step_context *ctx, struct error *err)
{
    if (files_present() == ARRAY_SIZE(control_plane_files) &&
        start_and_wait(ctx, HALF_TIMEOUT_MS, NULL) == 0 && phases_complete(ctx->cancel)) {
        return 1;
    }
    if (files_present() == 0 && access(ETCD_DATA, F_OK) < 0) {
        return 0;
    }
    return kubeadm_reset(ctx, err);
}

static int init_cluster(const struct step_context *ctx, const char *config, bool *fresh,
                        struct error *err)
{
    static const char *const extra[] = {
        "--skip-token-print",
        "--skip-certificate-key-print",
        "--skip-phases=show-join-command",
        NULL,
    };
    int r = traces_record(ctx, TRACES_NODE, err);
    r = r < 0 ? r : settle_leftovers(ctx, err);
    if (r == 0) {
        r = kubeadm_run(ctx, "init", config, extra, err);
        *fresh = r == 0;
    }
    return r < 0 ? error_remedy(err, "run again: the attempt is cleared away first; "
                                     "`journalctl -u kubelet` on the host says more")
                 : 0;
}

static int apply(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err)
{
    const char *config, *node;
    bool fresh = false;
    int r = kubeadm_need_params(params, &config, &node, err);
    if (r < 0) {
        return r;
    }
    reach_listen_end(); /* else a quick run meets its own listeners on the ports */
    r = was_complete(ctx->ledger) ? revive(ctx, err) : init_cluster(ctx, config, &fresh, err);
    json_object_set_new(result, "fresh", json_boolean(fresh));
    r = r < 0 ? r : kubeadm_remember_node(ctx, "control-plane", node, err);
    return r < 0 ? r : kubeadm_admin_access(result, err);
}

const struct step step_init = {.name = "init", .check = check, .apply = apply};
