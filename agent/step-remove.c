#include "agent/cluster.h"
#include "agent/etcd.h"
#include "agent/program.h"
#include "agent/step.h"
#include "lib/grammar.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ASK_TIMEOUT_MS 30000
#define DRAIN_TIMEOUT_MS 150000
#define DELETE_TIMEOUT_MS 60000

static int need_node(const struct step_context *ctx, const json_t *params, const char **node,
                     struct error *err)
{
    int r = json_need_string(params, "node", node, err);
    if (r == 0 && !grammar_node_name(*node)) {
        return error_set(err, -EINVAL, "node: not a node's name");
    }
    const char *own = ledger_get(ctx->ledger, "node");
    if (r == 0 && own && strcmp(own, *node) == 0) {
        return error_set(err, -EINVAL, "a control plane does not remove itself");
    }
    return r < 0 ? r : cluster_need_control_plane(err);
}

/* The Node object, or NULL in *out when the cluster has no such node. */
static int get_node(const struct step_context *ctx, const char *name, json_t **out,
                    struct error *err)
{
    const char *const args[] = {"get", "node", name, "--ignore-not-found", "-o", "json", NULL};
    int r = kubectl_find(args, ctx->cancel, ASK_TIMEOUT_MS, out, err);
    return r < 0 ? r : 0;
}

static bool is_control_plane(const json_t *node)
{
    const json_t *labels = json_object_get(json_object_get(node, "metadata"), "labels");
    return json_object_get(labels, "node-role.kubernetes.io/control-plane");
}

/* What there is of the node; *member is NULL when etcd has none of it. */
static int find(const struct step_context *ctx, const char *name, json_t **node,
                struct etcd_members *members, const struct etcd_member **member, struct error *err)
{
    int r = get_node(ctx, name, node, err);
    /* The cluster may be of a bundle without etcdctl: its workers leave all the same. */
    if (r == 0 && (access(PROGRAM_ETCDCTL, X_OK) == 0 || is_control_plane(*node))) {
        r = etcd_members_list(ctx->cancel, members, err);
    }
    *member = r == 0 ? etcd_member_of(members, name, NULL) : NULL;
    return r;
}

static int check(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err)
{
    const char *name;
    const struct etcd_member *member = NULL;
    AUTO_ETCD_MEMBERS members = ETCD_MEMBERS_INIT;
    AUTO_JSON *node = NULL;
    int r = need_node(ctx, params, &name, err);
    r = r < 0 ? r : find(ctx, name, &node, &members, &member, err);
    r = r < 0 || !member ? r : etcd_may_remove(&members, member, err);
    if (r < 0) {
        return r;
    }
    if (member) {
        strv_addf(differences, "take node %s out of etcd", name);
    }
    if (node) {
        strv_addf(differences, "drain and remove node %s", name);
    }
    return !node && !member;
}

static int drain(const struct step_context *ctx, const char *name, const json_t *node,
                 struct error *err)
{
    /* Pods of a node that is gone never end: after ten seconds they are not waited for. */
    const char *const args[] = {
        "drain",
        name,
        "--ignore-daemonsets",
        "--delete-emptydir-data",
        "--force",
        "--timeout=120s",
        "--skip-wait-for-delete-timeout=10",
        NULL,
    };
    step_progress(ctx, 1, 3, "draining node %s", name);
    int r = kubectl_run(args, ctx->cancel, DRAIN_TIMEOUT_MS, NULL, err);
    /* A dead host keeps nobody from taking its name off the list. */
    if (r < 0 && (r == -ECANCELED || cluster_is_ready(node))) {
        return error_remedy(err, "see what holds the pods (`kubectl get pdb -A`), then run again");
    }
    return 0;
}

static int delete_node(const struct step_context *ctx, const char *name, struct error *err)
{
    const char *const args[] = {"delete", "node", name, "--ignore-not-found", NULL};
    step_progress(ctx, 3, 3, "removing node %s", name);
    return kubectl_run(args, ctx->cancel, DELETE_TIMEOUT_MS, NULL, err);
}

/* While the node was drained another member may have gone: the list is asked for anew. */
static int leave_etcd(const struct step_context *ctx, const char *name, struct error *err)
{
    AUTO_ETCD_MEMBERS members = ETCD_MEMBERS_INIT;
    step_progress(ctx, 2, 3, "taking node %s out of etcd", name);
    int r = etcd_members_list(ctx->cancel, &members, err);
    const struct etcd_member *member = r < 0 ? NULL : etcd_member_of(&members, name, NULL);
    r = !member ? r : etcd_may_remove(&members, member, err);
    return r < 0 || !member ? r : etcd_member_remove(member, ctx->cancel, err);
}

static int apply(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err)
{
    (void) result;
    const char *name;
    const struct etcd_member *member = NULL;
    AUTO_ETCD_MEMBERS members = ETCD_MEMBERS_INIT;
    AUTO_JSON *node = NULL;
    int r = need_node(ctx, params, &name, err);
    r = r < 0 ? r : find(ctx, name, &node, &members, &member, err);
    r = r < 0 || !member ? r : etcd_may_remove(&members, member, err);
    r = r < 0 || !node ? r : drain(ctx, name, node, err);
    r = r < 0 || !member ? r : leave_etcd(ctx, name, err);
    return r < 0 || !node ? r : delete_node(ctx, name, err);
}

const struct step step_remove = {.name = "remove", .check = check, .apply = apply};
