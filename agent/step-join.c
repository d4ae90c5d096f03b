#include "agent/etcd.h"
#include "agent/kubeadm.h"
#include "agent/program.h"
#include "agent/reach.h"
#include "agent/step.h"
#include "agent/traces.h"
#include "agent/units.h"
#include "lib/clock.h"
#include "lib/healthz.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KUBELET_TIMEOUT_MS 120000
#define ASK_TIMEOUT_MS 2000
#define VOTE_TIMEOUT_MS (10 * 60 * 1000)

#define ATTEMPT \
    "join-attempt" /* ledger key: the run that last began to make this a control plane */

struct wanted {
    const char *config, *node, *attempt;
    bool control_plane;
};

static int need_params(const json_t *params, struct wanted *out, struct error *err)
{
    bool any = false;
    struct wanted w = {.control_plane = json_get_bool(params, "control_plane", false)};
    int r = kubeadm_need_params(params, &w.config, &w.node, err);
    if (r == 0 && w.control_plane) {
        r = json_need_string(params, "attempt", &w.attempt, err);
    }
    if (r < 0) {
        return r;
    }
    kubeadm_config_has_hash(w.config, "", &any);
    if (!any) {
        return error_set(err, -EINVAL, "refused to join without the CA's hash");
    }
    *out = w;
    return 0;
}

/* A worker whose kubelet got its own certificate is joined; a bootstrap kubeconfig alone is half. A
 * control plane has much to do after that: it is joined when kubeadm came to its end. */
static bool is_joined(const struct ledger *ledger, const struct wanted *w)
{
    const char *role = ledger_get(ledger, "role");
    const char *leaving = ledger_get(ledger, LEDGER_LEAVING);
    bool stays = !leaving || strcmp(leaving, "yes") != 0;
    bool complete = role && strcmp(role, "control-plane") == 0 && stays;
    return access(KUBELET_CONF, F_OK) == 0 && (!w->control_plane || complete);
}

static bool is_half(const struct wanted *w)
{
    static const char *const traces[] = {KUBERNETES_DIR "/bootstrap-kubelet.conf", CA_CERT,
                                         KUBELET_CONF, ETCD_MANIFEST, ETCD_DATA};
    size_t count = w->control_plane ? ARRAY_SIZE(traces) : 2;
    for (size_t i = 0; i < count; i++) {
        if (access(traces[i], F_OK) == 0) {
            return true;
        }
    }
    return false;
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

/* 1 when this host's member of etcd votes and answers, 0 when not yet: `text` says how far it is.
 */
static int votes(const struct step_context *ctx, const char *node, const char **text)
{
    AUTO_ETCD_MEMBERS members = ETCD_MEMBERS_INIT;
    *text = "waiting for etcd to answer";
    if (etcd_members_list(ctx->cancel, &members, NULL) < 0) {
        return 0;
    }
    const struct etcd_member *own = etcd_member_of(&members, node, NULL);
    *text = !own           ? "etcd has no member of this name"
            : own->learner ? "its etcd member is a learner: it copies what the others have"
                           : "its etcd member votes, and does not answer yet";
    return own && own->healthy;
}

static int await_vote(const struct step_context *ctx, const char *node, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + VOTE_TIMEOUT_MS;
    const char *text;
    while (!votes(ctx, node, &text)) {
        step_progress(ctx, 0, 0, "%s", text);
        if (ctx->cancel && *ctx->cancel) {
            return error_set(err, -ECANCELED, "interrupted");
        }
        if (clock_left_ms(deadline) == 0) {
            error_set(err, -ETIMEDOUT, "after %d s: %s", VOTE_TIMEOUT_MS / 1000, text);
            return error_remedy(err, "look at etcd's log: `crictl logs` or /var/log/pods on the "
                                     "host; then run again");
        }
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    }
    return 0;
}

static int check_joined(const struct step_context *ctx, const struct wanted *w,
                        struct strv *differences, struct error *err)
{
    const char *text;
    int r = same_cluster(w->config, err);
    if (r < 0) {
        return r;
    }
    size_t before = differences->count;
    if (!healthz_ok(HEALTHZ_KUBELET_PORT, ASK_TIMEOUT_MS)) {
        strv_add(differences, "start kubelet");
    } else if (w->control_plane && !votes(ctx, w->node, &text)) {
        strv_add(differences, text);
    }
    return differences->count == before;
}

static int check(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err)
{
    struct wanted w = {0};
    int r = need_params(params, &w, err);
    r = r < 0 ? r : traces_check(ctx->ledger, TRACES_NODE, err);
    if (r < 0) {
        return r;
    }
    if (is_joined(ctx->ledger, &w)) {
        return check_joined(ctx, &w, differences, err);
    }
    strv_add(differences, w.control_plane ? "kubeadm join as a control plane" : "kubeadm join");
    return 0;
}

/* Whoever leads the run took the member of a former attempt out of etcd before it let us in. One of
 * this very run may be a member still, even one that the others cannot do without. */
static int clear(const struct step_context *ctx, const struct wanted *w, struct error *err)
{
    const char *begun = ledger_get(ctx->ledger, ATTEMPT);
    if (w->control_plane && begun && strcmp(begun, w->attempt) == 0) {
        return error_set(err, -EINTR, "joining was cut off in the middle");
    }
    return kubeadm_reset(ctx, err);
}

static int join(const struct step_context *ctx, const struct wanted *w, struct error *err)
{
    static const char *const no_extra[] = {NULL};
    int r = traces_record(ctx, TRACES_NODE, err);
    if (r >= 0 && is_half(w)) {
        r = clear(ctx, w, err);
    }
    if (r >= 0 && w->control_plane) {
        r = ledger_set(ctx->ledger, ATTEMPT, w->attempt, err);
    }
    r = r < 0 ? r : kubeadm_run(ctx, "join", w->config, no_extra, err);
    if (r == -EINTR) {
        return error_remedy(err,
                            "run the same command again: what was begun is cleared away first");
    }
    return r < 0 ? error_remedy(err, "check that this host reaches the control plane's port 6443, "
                                     "and that their clocks agree; then run again")
                 : 0;
}

static int start(const struct step_context *ctx, const struct wanted *w, struct error *err)
{
    if (!is_joined(ctx->ledger, w)) {
        return join(ctx, w, err);
    }
    int r = unit_start("containerd.service", UNIT_TIMEOUT_MS, err);
    return r < 0 ? r : unit_start("kubelet.service", UNIT_TIMEOUT_MS, err);
}

static int apply(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err)
{
    (void) result;
    struct wanted w = {0};
    int r = need_params(params, &w, err);
    if (r < 0) {
        return r;
    }
    reach_listen_end(); /* else a quick run meets its own listeners on the ports */
    r = start(ctx, &w, err);
    r = r < 0 ? r
              : healthz_wait("kubelet", HEALTHZ_KUBELET_PORT, ctx->cancel, KUBELET_TIMEOUT_MS, err);
    r = r < 0
            ? r
            : kubeadm_remember_node(ctx, w.control_plane ? "control-plane" : "worker", w.node, err);
    return r < 0 || !w.control_plane ? r : await_vote(ctx, w.node, err);
}

const struct step step_join = {.name = "join", .check = check, .apply = apply};
