#include "agent/healthz.h"
#include "agent/kubeadm.h"
#include "agent/program.h"
#include "agent/reach.h"
#include "agent/step.h"
#include "agent/traces.h"
#include "agent/units.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define KUBELET_TIMEOUT_MS 120000
#define ASK_TIMEOUT_MS 2000

static int need_params(const json_t *params, const char **config, const char **node,
                       struct error *err)
{
    int r = kubeadm_need_params(params, config, node, err);
    bool any = false;
    if (r == 0) {
        kubeadm_config_has_hash(*config, "", &any);
    }
    return r < 0 || any ? r : error_set(err, -EINVAL, "refused to join without the CA's hash");
}

/* A node whose kubelet got its own certificate is joined; a bootstrap kubeconfig alone is half. */
static bool is_joined(void)
{
    return access(KUBELET_CONF, F_OK) == 0;
}

static int same_cluster(const char *config, struct error *err)
{
    char hash[DIGEST_SIZE];
    int r = kubeadm_ca_hash(hash, err);
    if (r < 0) {
        return r;
    }
    if (kubeadm_config_has_hash(config, hash, NULL)) {
        return 0;
    }
    error_set(err, -EEXIST, "this host belongs to another cluster (CA %.19s…)", hash);
    return error_remedy(err, "run `bigtop-bootstrap reset` for this host first, if that cluster "
                             "does not need it");
}

static int check(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err)
{
    const char *config, *node;
    int r = need_params(params, &config, &node, err);
    r = r < 0 ? r : traces_check(ctx->ledger, TRACES_NODE, err);
    if (r < 0) {
        return r;
    }
    if (!is_joined()) {
        strv_add(differences, "kubeadm join");
        return 0;
    }
    r = same_cluster(config, err);
    if (r < 0) {
        return r;
    }
    if (healthz_ok(HEALTHZ_KUBELET_PORT, ASK_TIMEOUT_MS)) {
        return 1;
    }
    strv_add(differences, "start kubelet");
    return 0;
}

static int join(const struct step_context *ctx, const char *config, struct error *err)
{
    static const char *const no_extra[] = {NULL};
    int r = traces_record(ctx, TRACES_NODE, err);
    bool half = access(KUBERNETES_DIR "/bootstrap-kubelet.conf", F_OK) == 0 ||
                access(CA_CERT, F_OK) == 0;
    if (r >= 0 && half) {
        r = kubeadm_reset(ctx, err);
    }
    r = r < 0 ? r : kubeadm_run(ctx, "join", config, no_extra, err);
    return r < 0 ? error_remedy(err, "check that this host reaches the control plane's port 6443, "
                                     "and that their clocks agree; then run again")
                 : 0;
}

static int apply(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err)
{
    (void) result;
    const char *config, *node;
    int r = need_params(params, &config, &node, err);
    if (r < 0) {
        return r;
    }
    reach_listen_end(); /* else a quick run meets its own listeners on the ports */
    if (is_joined()) {
        r = unit_start("containerd.service", UNIT_TIMEOUT_MS, err);
        r = r < 0 ? r : unit_start("kubelet.service", UNIT_TIMEOUT_MS, err);
    } else {
        r = join(ctx, config, err);
    }
    r = r < 0 ? r
              : healthz_wait("kubelet", HEALTHZ_KUBELET_PORT, ctx->cancel, KUBELET_TIMEOUT_MS, err);
    return r < 0 ? r : kubeadm_remember_node(ctx, "worker", node, err);
}

const struct step step_join = {.name = "join", .check = check, .apply = apply};
