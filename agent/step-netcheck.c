#include "agent/addon.h"
#include "agent/cluster.h"
#include "agent/netcheck.h"
#include "agent/program.h"
#include "agent/step.h"
#include "lib/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#define ASK_TIMEOUT_MS 120000 /* once everything on a small machine starts, it is slowest */
#define MAKE_TIMEOUT_MS 180000
#define DELETE_TIMEOUT_MS 60000
#define EXEC_TIMEOUT_MS 60000
#define ROLLOUT_TIMEOUT_MS 300000
#define START_TIMEOUT_MS 300000 /* the image is there; on an SD card it still takes a while */
#define START_POLL_MS 200       /* and at least as long as the asking took */
#define POLICY_MIN_MS 30000
#define SETTLE_MIN_MS 15000 /* or as long as the pods took to start */
#define SETTLE_POLL_MS 500
#define AT_ONCE 4 /* kubectl: most of a probe is waiting */
#define NAMESPACED "--namespace=" NETCHECK_NAMESPACE
#define NAP_NS 1000000
/* Our own manifests. To validate one, kubectl would have the API server make its whole schema,
 * which takes a small one more than a minute. */
#define AS_IT_IS "--validate=false"
#define RECORD_NAMESPACE "kube-system"
#define RECORD_NAMESPACED "--namespace=" RECORD_NAMESPACE

/* --- what is known of former tries */

/* In the cluster, as another control plane may lead the next run. */
static char *record_name(const struct netcheck_plan *p)
{
    return xasprintf("bigtop-netcheck-%" PRId64, p->slice);
}

static json_t *load_record(const struct netcheck_plan *p, const bool *cancel)
{
    AUTO_FREE char *name = record_name(p);
    const char *const args[] = {"get", "configmap", name, RECORD_NAMESPACED, "-o", "json", NULL};
    AUTO_JSON *map = NULL;
    if (kubectl_json(args, cancel, ASK_TIMEOUT_MS, &map, NULL) < 0) {
        return NULL;
    }
    const char *text = json_get_string(json_object_get(map, "data"), "record", "");
    return json_parse(text, strlen(text), name, NULL);
}

static int save_record(const struct netcheck_plan *p, const json_t *record, const bool *cancel,
                       struct error *err)
{
    static const char *const args[] = {"apply",
                                       "--server-side",
                                       AS_IT_IS,
                                       "--force-conflicts",
                                       "--field-manager=" ADDON_FIELD_MANAGER,
                                       "-f",
                                       "-",
                                       NULL};
    AUTO_FREE char *name = record_name(p);
    AUTO_FREE char *text = json_canonical(record);
    AUTO_JSON *map = json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s}}", "apiVersion", "v1", "kind",
                               "ConfigMap", "metadata", "name", name, "namespace", RECORD_NAMESPACE,
                               "data", "record", text);
    AUTO_FREE char *manifest = json_canonical(map);
    return kubectl_feed(args, manifest, cancel, ASK_TIMEOUT_MS, err);
}

static int get_record(const struct netcheck_plan *p, const bool *cancel, json_t **out,
                      struct error *err)
{
    static const char *const args[] = {"get", "nodes", "-o", "json", NULL};
    AUTO_JSON *nodes = NULL;
    int r = kubectl_json(args, cancel, ASK_TIMEOUT_MS, &nodes, err);
    return r < 0 ? r : netcheck_record(p, nodes, out, err);
}

static bool was_tried(const struct step_context *ctx, const struct netcheck_plan *p)
{
    AUTO_JSON *former = load_record(p, ctx->cancel);
    AUTO_JSON *record = NULL;
    return former && get_record(p, ctx->cancel, &record, NULL) == 0 &&
           netcheck_is_covered(former, record);
}

static int check(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err)
{
    AUTO_NETCHECK_PLAN p = {0};
    int r = netcheck_plan_read(params, &p, err);
    r = r < 0 ? r : cluster_need_control_plane(err);
    if (r < 0 || was_tried(ctx, &p)) {
        return r < 0 ? r : 1;
    }
    strv_addf(differences, "try the pod network between %zu nodes",
              json_array_size(json_object_get(params, "nodes")));
    return 0;
}

/* --- pods come and go */

static int delete_all(const bool *cancel, bool wait, struct error *err)
{
    const char *const args[] = {"delete",
                                "namespace",
                                NETCHECK_NAMESPACE,
                                "--ignore-not-found",
                                wait ? "--wait=true" : "--wait=false",
                                NULL};
    return kubectl_run(args, cancel, DELETE_TIMEOUT_MS, NULL, err);
}

static int create(const json_t *manifest, const bool *cancel, struct error *err)
{
    static const char *const args[] = {"create", AS_IT_IS, "-f", "-", NULL};
    AUTO_FREE char *text = json_canonical(manifest);
    return kubectl_feed(args, text, cancel, MAKE_TIMEOUT_MS, err);
}

/* What a run that was killed left behind goes first. */
static int make_pods(const struct step_context *ctx, const struct netcheck_plan *p,
                     struct error *err)
{
    AUTO_JSON *manifest = netcheck_manifest(p);
    struct error first = ERROR_INIT;
    int r = create(manifest, ctx->cancel, &first);
    if (r == -EREMOTEIO && strstr(first.text, NETCHECK_NAMESPACE)) {
        r = delete_all(ctx->cancel, true, err);
        return r < 0 ? r : create(manifest, ctx->cancel, err);
    }
    if (r < 0 && err) {
        *err = first;
    }
    return r;
}

/* A network that was changed is what shall be tried, not the one that is going. */
static int wait_for_network(const struct step_context *ctx, const struct netcheck_plan *p,
                            struct error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < p->space_count; i++) {
        const char *const args[] = {"rollout",     "status",     "daemonset",
                                    "--namespace", p->spaces[i], NULL};
        r = kubectl_run(args, ctx->cancel, ROLLOUT_TIMEOUT_MS, NULL, err);
    }
    return r;
}

static int64_t longer(int64_t a_ms, int64_t b_ms)
{
    return a_ms > b_ms ? a_ms : b_ms;
}

static void nap(int ms)
{
    nanosleep(&(struct timespec){.tv_nsec = (long) ms * NAP_NS}, NULL);
}

static int late(const struct step_context *ctx, const struct netcheck_plan *p,
                const struct netcheck_addresses *a, const char *waiting, struct error *err)
{
    static const char *const args[] = {"get", "events", NAMESPACED, "-o", "json", NULL};
    AUTO_JSON *events = NULL;
    size_t point = 0;
    while (point + 1 < p->count && a->pods[point][0]) {
        point++;
    }
    kubectl_json(args, ctx->cancel, ASK_TIMEOUT_MS, &events, NULL);
    const char *event = netcheck_event(events, point);
    error_set(err, -ETIMEDOUT, "not running after %d s: %s%s%.300s", START_TIMEOUT_MS / 1000,
              waiting, event ? ": " : "", event ? event : "");
    return error_remedy(err,
                        "mend what is named, look at the network addon's pod on that node, and "
                        "run the same command again");
}

static int wait_for_pods(const struct step_context *ctx, const struct netcheck_plan *p,
                         struct netcheck_addresses *out, struct error *err)
{
    static const char *const args[] = {"get", "pods,services", NAMESPACED, "-o", "json", NULL};
    int64_t deadline = clock_monotonic_ms() + START_TIMEOUT_MS;
    for (;;) {
        AUTO_JSON *list = NULL;
        AUTO_FREE char *waiting = NULL;
        int64_t asked = clock_monotonic_ms();
        int r = kubectl_json(args, ctx->cancel, ASK_TIMEOUT_MS, &list, err);
        r = r < 0 ? r : netcheck_addresses_read(p, list, out, &waiting, err);
        if (r != 0) {
            return r < 0 ? r : 0;
        }
        if (clock_left_ms(deadline) == 0) {
            return late(ctx, p, out, waiting, err);
        }
        int took = (int) (clock_monotonic_ms() - asked);
        nap(took > START_POLL_MS ? took : START_POLL_MS);
    }
}

/* --- questions, a few at a time */

struct inquiry {
    const struct step_context *ctx;
    const struct netcheck_plan *plan;
    const struct netcheck_addresses *addresses;
    enum netcheck_question_kind kind;
    pthread_mutex_t mutex; /* for what is below */
    size_t next;           /* pair */
    struct netcheck_failures *failures;
    struct error error;
};

static int ask_pod(const struct inquiry *q, size_t first, struct strbuf *answer, struct error *err)
{
    char pod[16];
    size_t from = q->plan->pairs[first].from;
    STRV(argv);
    netcheck_pod_name(from, pod);
    const char *const words[] = {"exec", NAMESPACED, pod, "--", "/netcheck", "probe", NULL};
    strv_add_all(&argv, words);
    netcheck_question(q->plan, q->addresses, first, q->kind, &argv);
    int r = kubectl_run((const char *const *) argv.items, q->ctx->cancel, EXEC_TIMEOUT_MS, answer,
                        err);
    if (r < 0) {
        error_prefix(err, "run a program in a pod on %s", q->plan->nodes[from]);
        error_remedy(err,
                     "the API server must reach TCP 10250 of %s: open it, and run the same "
                     "command again",
                     q->plan->nodes[from]);
    }
    return r;
}

static void ask_one(struct inquiry *q, size_t first)
{
    STRBUF(answer, NETCHECK_ANSWER_MAX);
    struct error error = ERROR_INIT;
    int r = ask_pod(q, first, &answer, &error);
    pthread_mutex_lock(&q->mutex);
    r = r < 0 ? r
              : netcheck_answer_read(q->plan, q->addresses, first, q->kind, answer.data,
                                     q->failures, &error);
    if (r < 0 && q->error.code == 0) {
        q->error = error;
    }
    step_progress(q->ctx, (int64_t) q->next, (int64_t) q->plan->pair_count, "packets between pods");
    pthread_mutex_unlock(&q->mutex);
}

static size_t take_next(struct inquiry *q)
{
    pthread_mutex_lock(&q->mutex);
    size_t first = q->error.code == 0 ? q->next : q->plan->pair_count;
    q->next = first + netcheck_run_length(q->plan, first);
    pthread_mutex_unlock(&q->mutex);
    return first;
}

static void *inquire(void *arg)
{
    struct inquiry *q = arg;
    for (size_t first; (first = take_next(q)) < q->plan->pair_count;) {
        ask_one(q, first);
    }
    return NULL;
}

static int ask_all(const struct step_context *ctx, const struct netcheck_plan *p,
                   const struct netcheck_addresses *a, enum netcheck_question_kind kind,
                   struct netcheck_failures *out, struct error *err)
{
    struct inquiry q = {.ctx = ctx,
                        .plan = p,
                        .addresses = a,
                        .kind = kind,
                        .mutex = PTHREAD_MUTEX_INITIALIZER,
                        .failures = out};
    pthread_t threads[AT_ONCE - 1];
    size_t started = 0;
    while (started < ARRAY_SIZE(threads) &&
           pthread_create(&threads[started], NULL, inquire, &q) == 0) {
        started++;
    }
    inquire(&q);
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    if (q.error.code < 0 && err) {
        *err = q.error;
    }
    return q.error.code;
}

static int try_pairs(const struct step_context *ctx, const struct netcheck_plan *p,
                     const struct netcheck_addresses *a, enum netcheck_question_kind kind,
                     struct error *err)
{
    AUTO_NETCHECK_FAILURES failures = {0};
    int r = ask_all(ctx, p, a, kind, &failures, err);
    return r < 0 ? r : netcheck_words(p, &failures, err);
}

static bool may_still_hold(int r)
{
    return r == -EHOSTUNREACH || r == -EMSGSIZE;
}

/* A network that is just coming up, or has just lost a control plane, needs a moment until every
 * node knows of the new pods, their Service and what is denied. */
static int try_until_it_holds(const struct step_context *ctx, const struct netcheck_plan *p,
                              const struct netcheck_addresses *a, enum netcheck_question_kind kind,
                              int64_t patience_ms, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + patience_ms;
    for (;;) {
        struct error found = ERROR_INIT;
        int r = try_pairs(ctx, p, a, kind, &found);
        if (!may_still_hold(r) || clock_left_ms(deadline) == 0) {
            if (r < 0 && err) {
                *err = found;
            }
            return r;
        }
        step_progress(ctx, 0, 0, "once more, as not all is %s yet",
                      kind == NETCHECK_DENIED ? "denied" : "reached");
        nap(SETTLE_POLL_MS);
    }
}

/* --- the policy: it denies, and it no more does */

static int try_policy(const struct step_context *ctx, const struct netcheck_plan *p,
                      const struct netcheck_addresses *a, int64_t patience_ms, struct error *err)
{
    static const char *const args[] = {"delete",   "networkpolicy",      NETCHECK_POLICY,
                                       NAMESPACED, "--ignore-not-found", NULL};
    AUTO_NETCHECK_PLAN ring = {0};
    AUTO_JSON *manifest = netcheck_policy_manifest();
    netcheck_plan_ring(p, &ring);
    step_progress(ctx, 0, 0, "a policy that denies");
    int r = create(manifest, ctx->cancel, err);
    r = r < 0 ? r : try_until_it_holds(ctx, &ring, a, NETCHECK_DENIED, patience_ms, err);
    r = r < 0 ? r : kubectl_run(args, ctx->cancel, ASK_TIMEOUT_MS, NULL, err);
    r = r < 0 ? r : try_until_it_holds(ctx, &ring, a, NETCHECK_PAIRS, patience_ms, err);
    return r < 0 ? r : 0;
}

/* Where pods take long to start, so does what tells the nodes of them: *start_ms. */
static int try_with_new_pods(const struct step_context *ctx, const struct netcheck_plan *p,
                             struct netcheck_addresses *addresses, int64_t *start_ms,
                             struct error *err)
{
    int64_t began = clock_monotonic_ms();
    int r = make_pods(ctx, p, err);
    r = r < 0 ? r : wait_for_pods(ctx, p, addresses, err);
    *start_ms = clock_monotonic_ms() - began;
    return r < 0 ? r
                 : try_until_it_holds(ctx, p, addresses, NETCHECK_ALL,
                                      longer(*start_ms, SETTLE_MIN_MS), err);
}

/* A pod keeps the MTU that it was made with, and a daemon that has just been rolled out may not
 * have told its own yet. */
static int try_pods(const struct step_context *ctx, const struct netcheck_plan *p,
                    struct netcheck_addresses *addresses, int64_t *start_ms, struct error *err)
{
    struct error first = ERROR_INIT;
    int r = try_with_new_pods(ctx, p, addresses, start_ms, &first);
    if (r == -EMSGSIZE) {
        step_progress(ctx, 0, 0, "once more, with pods that are made now");
        return try_with_new_pods(ctx, p, addresses, start_ms, err);
    }
    if (r < 0 && err) {
        *err = first;
    }
    return r;
}

static int try_network(const struct step_context *ctx, const struct netcheck_plan *p,
                       struct error *err)
{
    struct netcheck_addresses addresses;
    int64_t start_ms = 0;
    if (p->nodes[0] == p->nodes[p->count - 1]) {
        step_progress(ctx, 0, 0, "two pods on the only node");
    } else {
        step_progress(ctx, 0, 0, "a pod on each of %zu nodes", p->count);
    }
    int r = wait_for_network(ctx, p, err);
    r = r < 0 ? r : try_pods(ctx, p, &addresses, &start_ms, err);
    return r < 0 || !p->policy
               ? r
               : try_policy(ctx, p, &addresses, longer(start_ms, POLICY_MIN_MS), err);
}

/* Whatever came of it, the pods go; the cluster ends them without us. */
static int apply(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err)
{
    AUTO_NETCHECK_PLAN p = {0};
    int r = netcheck_plan_read(params, &p, err);
    if (r < 0) {
        return r;
    }
    r = try_network(ctx, &p, err);
    int deleted = delete_all(NULL, false, r < 0 ? NULL : err);
    if (r == 0 && deleted < 0) {
        return error_prefix(err, "remove the pods again");
    }
    json_object_set_new(result, "pairs", json_integer((json_int_t) p.pair_count));
    return r;
}

static int verify(const struct step_context *ctx, const json_t *params, struct error *err)
{
    AUTO_NETCHECK_PLAN p = {0};
    AUTO_JSON *record = NULL;
    int r = netcheck_plan_read(params, &p, err);
    r = r < 0 ? r : get_record(&p, ctx->cancel, &record, err);
    return r < 0 ? r : save_record(&p, record, ctx->cancel, err);
}

const struct step step_netcheck = {
    .name = "netcheck", .check = check, .apply = apply, .verify = verify};
