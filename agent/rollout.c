#include "agent/rollout.h"

#include "agent/cluster.h"
#include "agent/program.h"
#include "lib/clock.h"
#include "lib/grammar.h"

#include <errno.h>
#include <string.h>

#define SLICE_SECONDS "10"
#define SLICE_TIMEOUT_MS 20000
#define ASK_TIMEOUT_MS 20000

static bool kind_known(const char *kind)
{
    return strcmp(kind, "daemonset") == 0 || strcmp(kind, "deployment") == 0 ||
           strcmp(kind, "statefulset") == 0;
}

bool rollout_parse(const char *target, struct strv *args)
{
    STRV(fields);
    strv_split(&fields, target, ' ');
    if (fields.count != 3 || strcmp(fields.items[1], "-n") != 0 ||
        !grammar_node_name(fields.items[2])) {
        return false;
    }
    char *slash = strchr(fields.items[0], '/');
    AUTO_FREE char *kind = slash ? xstrndup(fields.items[0], (size_t) (slash - fields.items[0]))
                                 : NULL;
    if (!kind || !kind_known(kind) || !grammar_hostname(slash + 1)) {
        return false;
    }
    strv_add(args, fields.items[0]);
    strv_add(args, "-n");
    strv_add(args, fields.items[2]);
    return true;
}

bool rollout_daemonset_up(const json_t *daemonset, int64_t unready_nodes)
{
    const json_t *status = json_object_get(daemonset, "status");
    int64_t generation = json_get_int(json_object_get(daemonset, "metadata"), "generation", 0);
    int64_t desired = json_get_int(status, "desiredNumberScheduled", 0);
    int64_t updated = json_get_int(status, "updatedNumberScheduled", 0);
    int64_t available = json_get_int(status, "numberAvailable", 0);
    return json_get_int(status, "observedGeneration", -1) >= generation && available >= 1 &&
           available + unready_nodes >= desired && updated + unready_nodes >= desired;
}

static int count_unready(const bool *cancel, int64_t *count)
{
    static const char *const args[] = {"get", "nodes", "-o", "json", NULL};
    AUTO_JSON *list = NULL;
    int r = kubectl_json(args, cancel, ASK_TIMEOUT_MS, &list, NULL);
    *count = 0;
    size_t i;
    json_t *node;
    json_array_foreach(json_object_get(list, "items"), i, node) {
        *count += !cluster_is_ready(node);
    }
    return r;
}

static bool up_on_ready_nodes(const struct strv *where, const bool *cancel)
{
    if (strncmp(where->items[0], "daemonset/", 10) != 0) {
        return false;
    }
    const char *const args[] = {"get", where->items[0], "-n", where->items[2], "-o", "json", NULL};
    int64_t unready;
    AUTO_JSON *daemonset = NULL;
    return count_unready(cancel, &unready) == 0 &&
           kubectl_json(args, cancel, ASK_TIMEOUT_MS, &daemonset, NULL) == 0 &&
           rollout_daemonset_up(daemonset, unready);
}

/* kubectl watches, so that the end of a rollout is seen at once; the slices are for the daemonset
 * that waits for a dead host. */
static int wait_slice(const struct strv *where, const bool *cancel, struct error *err)
{
    const char *const args[] = {"rollout", "status",        where->items[0],
                                "-n",      where->items[2], "--timeout=" SLICE_SECONDS "s",
                                NULL};
    return kubectl_run(args, cancel, SLICE_TIMEOUT_MS, NULL, err);
}

int rollout_wait(const struct step_context *ctx, const char *target, int timeout_ms,
                 struct error *err)
{
    STRV(where);
    if (!rollout_parse(target, &where)) {
        return error_set(err, -EINVAL, "wait: expected \"KIND/NAME -n NAMESPACE\"");
    }
    int64_t start = clock_monotonic_ms(), deadline = start + timeout_ms;
    while (wait_slice(&where, ctx->cancel, err) < 0) {
        if (ctx->cancel && *ctx->cancel) {
            return error_set(err, -ECANCELED, "interrupted");
        }
        if (up_on_ready_nodes(&where, ctx->cancel)) {
            break;
        }
        if (clock_left_ms(deadline) == 0) {
            error_prefix(err, "%s is not up after %d s", where.items[0], timeout_ms / 1000);
            err->code = -ETIMEDOUT;
            return error_remedy(err, "look at `kubectl get pods -n %s -o wide`", where.items[2]);
        }
        step_progress(ctx, 0, 0, "waiting for %s (%lld s)", where.items[0],
                      (long long) ((clock_monotonic_ms() - start) / 1000));
    }
    return 0;
}
