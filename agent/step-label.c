#include "agent/cluster.h"
#include "agent/node-patch.h"
#include "agent/program.h"
#include "agent/step.h"
#include "lib/kube.h"

#include <errno.h>
#include <string.h>

#define ASK_TIMEOUT_MS 30000
#define PATCH_TRIES 5 /* others write to a node as well: its status, its taints */

static int get_nodes(const struct step_context *ctx, json_t **out, struct error *err)
{
    static const char *const args[] = {"get", "nodes", "-o", "json", NULL};
    int r = cluster_need_control_plane(err);
    return r < 0 ? r : kubectl_json(args, ctx->cancel, ASK_TIMEOUT_MS, out, err);
}

static int check_one(const json_t *list, const json_t *wanted, struct strv *differences,
                     struct error *err)
{
    const char *name;
    int r = json_need_string(wanted, "name", &name, err);
    if (r < 0) {
        return r;
    }
    const json_t *node = kube_find(list, name);
    AUTO_JSON *patch = NULL;
    r = node ? node_patch(node, wanted, &patch, err) : 0;
    if (r < 0) {
        return error_prefix(err, "%s", name);
    }
    if (!node || patch) {
        strv_addf(differences, "set labels and taints of %s", name);
    }
    return 0;
}

static int check(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err)
{
    size_t before = differences->count;
    json_t *nodes, *wanted;
    AUTO_JSON *list = NULL;
    int r = json_need_array(params, "nodes", &nodes, err);
    r = r < 0 ? r : get_nodes(ctx, &list, err);
    size_t i;
    json_array_foreach(nodes, i, wanted) {
        r = r < 0 ? r : check_one(list, wanted, differences, err);
    }
    return r < 0 ? r : differences->count == before;
}

/* 1 when there was nothing to patch or it was patched, 0 when the node changed meanwhile. */
static int try_patch(const struct step_context *ctx, const char *name, const json_t *wanted,
                     struct error *err)
{
    AUTO_JSON *list = NULL;
    AUTO_JSON *patch = NULL;
    int r = get_nodes(ctx, &list, err);
    if (r < 0) {
        return r;
    }
    const json_t *node = kube_find(list, name);
    if (!node) {
        return error_set(err, -ENOENT, "the cluster has no node %s", name);
    }
    r = node_patch(node, wanted, &patch, err);
    if (r < 0 || !patch) {
        return r < 0 ? r : 1;
    }
    AUTO_FREE char *text = json_canonical(patch);
    const char *const args[] = {"patch", "node", name, "--type=merge", "-p", text, NULL};
    r = kubectl_run(args, ctx->cancel, ASK_TIMEOUT_MS, NULL, err);
    return r == -EREMOTEIO && err && strstr(err->text, "Conflict") ? 0 : r < 0 ? r : 1;
}

static int apply(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err)
{
    (void) result;
    size_t i;
    json_t *wanted;
    json_array_foreach(json_object_get(params, "nodes"), i, wanted) {
        const char *name = json_get_string(wanted, "name", "");
        struct error local = ERROR_INIT;
        int r = 0;
        for (int tries = 0; r == 0 && tries < PATCH_TRIES; tries++) {
            r = try_patch(ctx, name, wanted, &local);
        }
        if (r <= 0) {
            *err = local;
            return error_prefix(err, "%s", name);
        }
    }
    return 0;
}

const struct step step_label = {.name = "label", .check = check, .apply = apply};
