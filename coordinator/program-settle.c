/* The end of an apply, on the control plane: labels, removals, and the wait until everything that
 * makes the cluster is up. */
#include "coordinator/addons.h"
#include "coordinator/command.h"
#include "coordinator/program.h"
#include "lib/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define MINUTE_MS (60 * 1000)
#define SETTLE_PATIENCE_MS (5 * MINUTE_MS) /* while nothing more becomes ready */
#define SETTLE_POLL_MS 500

/* A node that hosts.yaml calls absent is drained and deleted; its host may then be reset. */
static int remove_absent(struct host_run *h, struct error *err)
{
    struct run *run = h->run;
    for (size_t i = 0; i < run->inv->host_count; i++) {
        struct host_run *other = &run->hosts[i];
        const char *name = other->facts.node_name ? other->facts.node_name : other->host->name;
        if (other->host->state != STATE_ABSENT)
            continue;
        if (name) {
            AUTO_TASK t = {.step = "remove", .suffix = name, .timeout_ms = 10 * MINUTE_MS};
            t.params = json_pack("{s:s}", "node", name);
            int r = program_ensure(h, &t, NULL, err);
            if (r < 0)
                return error_prefix(err, "remove node %s", name);
        }
        other->removed = !run->read_only;
        latch_open(&other->released);
    }
    return 0;
}

static struct host_run *by_node(struct run *run, const char *node)
{
    for (size_t i = 0; i < run->inv->host_count; i++)
        if (run->hosts[i].facts.node_name && strcmp(run->hosts[i].facts.node_name, node) == 0)
            return &run->hosts[i];
    return NULL;
}

/* Whether we answer for what happens on this node: its host is there and did not fail. */
static bool is_ours(struct run *run, const char *node)
{
    struct host_run *h = by_node(run, node);
    return h && h->host->state == STATE_PRESENT && !run_failed(h);
}

static size_t nodes_not_ready(struct run *run, const json_t *cluster, struct strv *waiting)
{
    size_t ready = 0, expected = 0, i;
    json_t *node;
    for (size_t k = 0; k < run->inv->host_count; k++)
        expected += run->hosts[k].facts.node_name && is_ours(run, run->hosts[k].facts.node_name);
    json_array_foreach(json_object_get(cluster, "nodes"), i, node) {
        const char *name = json_get_string(node, "name", "");
        if (!is_ours(run, name))
            continue;
        if (json_get_bool(node, "ready", false))
            ready++;
        else
            strv_addf(waiting, "node %s", name);
    }
    return expected > ready ? expected - ready : 0;
}

/* The pods that make the cluster, kubeadm's and the addons': users' own may be as they like. */
static bool is_system_namespace(const struct run *run, const char *name)
{
    const struct bundle *b = run->bundle;
    for (size_t i = 0; i < b->component_count; i++)
        if (b->components[i].kind == COMPONENT_ADDON && addons_wants(run, &b->components[i]) &&
            json_has_text(b->components[i].namespaces, name))
            return true;
    return strcmp(name, "kube-system") == 0;
}

/* Ended, well or not (evicted): replaced if anybody needs it. */
static bool has_ended(const json_t *pod)
{
    const char *phase = json_get_string(pod, "phase", "");
    return strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0;
}

static size_t pods_not_ready(struct run *run, const json_t *cluster, struct strv *waiting)
{
    size_t missing = 0, i;
    json_t *pod;
    json_array_foreach(json_object_get(cluster, "pods"), i, pod) {
        const char *node = json_get_string(pod, "node", "");
        const char *space = json_get_string(pod, "namespace", "");
        if (!is_system_namespace(run, space) || (*node && !is_ours(run, node)) ||
            json_get_bool(pod, "ready", false) || has_ended(pod))
            continue;
        missing++;
        strv_addf(waiting, "pod %s/%s (%s)", space, json_get_string(pod, "name", "?"),
                  json_get_string(pod, "trouble", json_get_string(pod, "phase", "?")));
    }
    int64_t more = json_get_int(json_object_get(cluster, "left_out"), "waiting", 0);
    if (more > 0)
        strv_addf(waiting, "%" PRId64 " more pods", more);
    return missing + (more > 0);
}

/* 1 when all is well, 0 when not yet; `waiting` says what for, with events also why. */
static int look_at_cluster(struct host_run *h, bool events, struct strv *waiting, struct error *err)
{
    json_t *cluster = NULL;
    json_t *params = json_pack("{s:b}", "events", events);
    int r = run_call(h, "cluster", params, MINUTE_MS, &cluster, err);
    if (r < 0)
        return r;
    json_decref(h->run->cluster);
    h->run->cluster = cluster;
    size_t nodes = nodes_not_ready(h->run, cluster, waiting);
    size_t pods = pods_not_ready(h->run, cluster, waiting);
    view_host(h->run->view, h->index, VIEW_WORKING, h->phase,
              waiting->count ? waiting->items[0] : "", 0, 0);
    return nodes + pods == 0;
}

static size_t count_ready(const json_t *cluster)
{
    static const char *const kinds[] = {"nodes", "pods"};
    size_t count = 0, i;
    json_t *item;
    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
        json_array_foreach(json_object_get(cluster, kinds[k]), i, item)
            count += json_get_bool(item, "ready", false);
    return count;
}

static int give_up(struct host_run *h, const struct strv *waiting, struct error *err)
{
    STRV(why);
    int r = look_at_cluster(h, true, &why, NULL);
    AUTO_FREE char *list = strv_join(r < 0 ? waiting : &why, ", ");
    if (r > 0)
        return 0;
    error_set(err, -ETIMEDOUT, "nothing more became ready in %d s; not yet: %s",
              SETTLE_PATIENCE_MS / 1000, list);
    return error_remedy(err, "look with `kubectl describe` at what is named, mend it, and run the "
                             "same command again");
}

/* However long it takes, as long as it goes on: the smallest machines start a pod a minute. To look
 * costs them as well, at most a quarter of the time. */
static int wait_for_cluster(struct host_run *h, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + SETTLE_PATIENCE_MS;
    size_t most = 0;
    for (;;) {
        STRV(waiting);
        int64_t looked = clock_monotonic_ms();
        int r = look_at_cluster(h, false, &waiting, err);
        if (r != 0)
            return r < 0 ? r : 0;
        int64_t now = clock_monotonic_ms();
        size_t ready = count_ready(h->run->cluster);
        if (ready > most) {
            most = ready;
            deadline = now + SETTLE_PATIENCE_MS;
        }
        if (interrupted)
            return error_set(err, -ECANCELED, "interrupted");
        if (clock_left_ms(deadline) == 0)
            return give_up(h, &waiting, err);
        int64_t took = now - looked;
        run_pause(h, 3 * took > SETTLE_POLL_MS ? (int) (3 * took) : SETTLE_POLL_MS);
    }
}

/* Thousands of nodes are more than one message may hold. */
static int label_nodes(struct host_run *h, struct error *err)
{
    int r = 0;
    for (size_t next = 0; r >= 0 && next < h->run->inv->host_count;) {
        char suffix[24];
        snprintf(suffix, sizeof(suffix), "%zu", next);
        AUTO_TASK t = TASK_INIT;
        r = params_label(h->run, &next, &t, err);
        t.suffix = suffix;
        if (r == 0)
            r = program_ensure(h, &t, NULL, err);
    }
    return r;
}

/* Without a cluster there is nothing to remove nodes from: whoever leaves may go at once. */
static int release_absent(struct run *run)
{
    for (size_t i = 0; i < run->inv->host_count; i++)
        if (run->inv->hosts[i].state == STATE_ABSENT)
            latch_open(&run->hosts[i].released);
    return 0;
}

int phase_settle(struct host_run *h, struct error *err)
{
    struct run *run = h->run;
    int r = program_await_joins(h, err);
    if (r < 0)
        return r;
    if (run->read_only && !h->facts.role)
        return release_absent(run); /* there is no cluster yet to ask */
    r = label_nodes(h, err);
    if (r >= 0)
        r = remove_absent(h, err);
    return r < 0 || run->read_only ? r : wait_for_cluster(h, err);
}
