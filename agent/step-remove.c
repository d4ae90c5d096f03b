#include "agent/cluster.h"
#include "agent/program.h"
#include "agent/step.h"
#include "lib/grammar.h"

#include <errno.h>
#include <string.h>

#define ASK_TIMEOUT_MS 30000
#define DRAIN_TIMEOUT_MS 150000
#define DELETE_TIMEOUT_MS 60000

static int need_node(const json_t *params, const char **node, struct error *err)
{
    int r = json_need_string(params, "node", node, err);
    if (r == 0 && !grammar_node_name(*node)) {
        return error_set(err, -EINVAL, "node: not a node's name");
    }
    return r < 0 ? r : cluster_need_control_plane(err);
}

/* The Node object, or NULL in *out when the cluster has no such node. */
static int get_node(const struct step_context *ctx, const char *name, json_t **out,
                    struct error *err)
{
    const char *const args[] = {"get", "node", name, "--ignore-not-found", "-o", "json", NULL};
    STRBUF(text, PROGRAM_OUTPUT_MAX);
    int r = kubectl_run(args, ctx->cancel, ASK_TIMEOUT_MS, &text, err);
    if (r < 0 || text.len == 0) {
        return r;
    }
    *out = json_parse(text.data, text.len, "kubectl get node", err);
    return *out ? 0 : -EPROTO;
}

static int check(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err)
{
    const char *name;
    AUTO_JSON *node = NULL;
    int r = need_node(params, &name, err);
    r = r < 0 ? r : get_node(ctx, name, &node, err);
    if (r < 0) {
        return r;
    }
    if (node) {
        strv_addf(differences, "drain and remove node %s", name);
    }
    return !node;
}

static int drain(const struct step_context *ctx, const char *name, struct error *err)
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
    step_progress(ctx, 1, 2, "draining node %s", name);
    return kubectl_run(args, ctx->cancel, DRAIN_TIMEOUT_MS, NULL, err);
}

static int apply(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err)
{
    (void) result;
    const char *name;
    AUTO_JSON *node = NULL;
    int r = need_node(params, &name, err);
    r = r < 0 ? r : get_node(ctx, name, &node, err);
    if (r < 0) {
        return r;
    }
    r = drain(ctx, name, err);
    /* A dead host keeps nobody from taking its name off the list. */
    if (r < 0 && (r == -ECANCELED || cluster_is_ready(node))) {
        return error_remedy(err, "see what holds the pods (`kubectl get pdb -A`), then run again");
    }
    step_progress(ctx, 2, 2, "removing node %s", name);
    const char *const args[] = {"delete", "node", name, "--ignore-not-found", NULL};
    return kubectl_run(args, ctx->cancel, DELETE_TIMEOUT_MS, NULL, err);
}

const struct step step_remove = {.name = "remove", .check = check, .apply = apply};
