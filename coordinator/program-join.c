/* How a cluster begins and grows: the leader makes it, or finds it, and lets the others in: workers
 * all at once, control planes one after another. */
#include "coordinator/command.h"
#include "coordinator/program.h"
#include "kubeadm/config.h"
#include "kubeadm/token.h"
#include "lib/clock.h"
#include "lib/digest.h"
#include "lib/secret.h"

#include <errno.h>
#include <string.h>

#define MINUTE_MS (60 * 1000)
#define API_TIMEOUT_MS (60 * MINUTE_MS) /* transfer to, and init of, the control plane */
#define TURN_TIMEOUT_MS \
    (60 * MINUTE_MS) /* of the control plane before: transfer, and its learner */
#define TOKEN_TTL_S 900
#define RENEW_TOKEN_MS (TOKEN_TTL_S * 1000 / 2)
#define RENEW_CERTS_MS (60 * MINUTE_MS) /* kubeadm takes them back after two hours */
#define RENEW_LOOK_MS (15 * 1000)

static bool is_control_plane(const struct host_run *h)
{
    return h->host->roles & ROLE_CONTROL_PLANE;
}

static bool joins(struct host_run *h)
{
    return h->host->state == STATE_PRESENT && h->facts.json && !h->facts.role &&
           h != run_control_plane(h->run);
}

static bool control_plane_joins(struct host_run *h)
{
    return joins(h) && is_control_plane(h);
}

static bool somebody(struct run *run, bool (*is)(struct host_run *h))
{
    for (size_t i = 0; i < run->inv->host_count; i++)
        if (is(&run->hosts[i]))
            return true;
    return false;
}

static char *copy_text(const json_t *object, const char *key)
{
    const char *text = json_get_string(object, key, NULL);
    return text ? xstrdup(text) : NULL;
}

static void take_access(struct run *run, const json_t *result)
{
    free(run->ca_hash);
    run->ca_hash = copy_text(result, "ca_hash");
    secret_free(&run->kubeconfig);
    run->kubeconfig = copy_text(result, "kubeconfig");
}

/* An earlier run made the cluster, or this one takes long: a fresh token for those who join. */
static int make_token(struct host_run *h, json_t **result, struct error *err)
{
    char suffix[33];
    random_hex(suffix, 32);
    AUTO_JSON *params = json_pack("{s:i}", "ttl_seconds", TOKEN_TTL_S);
    int r = session_run(h->session, "token", suffix, params, MINUTE_MS, result, err);
    if (r < 0)
        return r;
    char *token = copy_text(*result, "token");
    if (!token || !kubeadm_token_valid(token)) {
        secret_free(&token);
        return error_set(err, -EPROTO, "the control plane's agent gave no valid token");
    }
    run_set_token(h->run, token);
    return 0;
}

static int ask_for_token(struct host_run *h, struct error *err)
{
    AUTO_JSON *result = NULL;
    int r = make_token(h, &result, err);
    if (r == 0)
        take_access(h->run, result);
    return r;
}

/* The certificates go into the cluster, where only who has this run's key can read them. */
static int hand_out_certs(struct host_run *h, struct error *err)
{
    AUTO_TASK t = TASK_INIT;
    char suffix[33];
    random_hex(suffix, 32);
    int r = params_certs(h, &t, err);
    if (r == 0)
        r = session_run(h->session, t.step, suffix, t.params, t.timeout_ms, NULL, err);
    return r;
}

/* Also what a run that was killed left there. */
static int take_certs_back(struct host_run *h, struct error *err)
{
    AUTO_TASK t = {.step = "certs", .suffix = "back", .timeout_ms = 2 * MINUTE_MS};
    t.params = json_object();
    bool changed = h->changed;
    int r = program_ensure(h, &t, NULL, err);
    h->changed = changed; /* it is as it was before */
    return r < 0 ? r : 0;
}

static void await_control_planes(struct host_run *h)
{
    struct run *run = h->run;
    for (size_t i = 0; i < run->inv->host_count; i++)
        if (control_plane_joins(&run->hosts[i]))
            run_wait(h, &run->hosts[i].joined, TURN_TIMEOUT_MS, NULL);
}

/* The leader failed meanwhile; those who join may still need them, and nobody afterwards. */
static void clean_up(struct host_run *h)
{
    struct error err = ERROR_INIT;
    await_control_planes(h);
    if (take_certs_back(h, &err) < 0)
        view_warn(h->run->view, h->host,
                  "the encrypted certificates stay in the cluster for two hours, or until the next "
                  "run: %s",
                  err.text);
}

/* etcd takes one learner at a time, and what an attempt left behind would be that one. `since`:
 * what happened before, so that it is another job each time. */
static int clear_members(struct host_run *h, const char *since, struct error *err)
{
    AUTO_TASK t = TASK_INIT;
    int r = params_members(h->run, &t, err);
    t.suffix = since;
    r = r < 0 ? r : program_ensure(h, &t, NULL, err);
    return r < 0 ? r : 0;
}

static int admit_control_planes(struct host_run *h, struct error *err)
{
    struct run *run = h->run;
    int r = clear_members(h, "before", err);
    if (r < 0 || run->read_only)
        return r;
    run->certificate_key = xcalloc(KUBEADM_CERTIFICATE_KEY_LEN + 1, 1);
    random_hex(run->certificate_key, KUBEADM_CERTIFICATE_KEY_LEN);
    h->farewell = clean_up;
    return hand_out_certs(h, err);
}

/* The leader has a cluster now; what do the others need to come in? */
static int let_others_in(struct host_run *h, bool fresh, struct error *err)
{
    struct run *run = h->run;
    int r = 0;
    if (run->read_only && !h->facts.role)
        return 0; /* there is no cluster yet to ask */
    if (!fresh && !run->read_only && somebody(run, joins))
        r = ask_for_token(h, err);
    else if (!fresh && !run->read_only && run->kubeconfig_wanted)
        r = program_fetch_kubeconfig(h, err);
    if (r == 0 && somebody(run, control_plane_joins))
        r = admit_control_planes(h, err);
    return r < 0 ? r : 0;
}

int phase_init(struct host_run *h, struct error *err)
{
    AUTO_TASK t = TASK_INIT;
    AUTO_JSON *result = NULL;
    struct run *run = h->run;
    char token[KUBEADM_TOKEN_LEN + 1];
    kubeadm_token_new(token);
    int r = params_init(h, token, &t, err);
    if (r == 0)
        r = program_ensure(h, &t, &result, err);
    bool fresh = r > 0 && json_get_bool(result, "fresh", false);
    if (fresh) {
        run_set_token(run, xstrdup(token));
        take_access(run, result);
    }
    explicit_bzero(token, sizeof(token));
    r = r < 0 ? r : let_others_in(h, fresh, err);
    if (r < 0)
        return r;
    latch_open(&h->joined);
    latch_open(&run->api);
    return 0;
}

/* etcd takes in one at a time; in the order of hosts.yaml, so that every run does the same. */
static int await_turn(struct host_run *h, struct error *err)
{
    struct run *run = h->run;
    for (size_t i = 0; i < h->index; i++) {
        if (!control_plane_joins(&run->hosts[i]))
            continue;
        int r = run_wait(h, &run->hosts[i].joined, TURN_TIMEOUT_MS, err);
        if (r < 0 && (interrupted || !latch_is_settled(&run->hosts[i].joined)))
            return r;
        if (r < 0)
            r = run_wait(h, &run->hosts[i].cleared, TURN_TIMEOUT_MS, err);
        if (r < 0) {
            h->consequence = true;
            return r;
        }
    }
    return 0;
}

static int join(struct host_run *h, struct error *err)
{
    AUTO_TASK t = TASK_INIT;
    bool control = is_control_plane(h);
    if (h->run->read_only) {
        strv_addf(&h->differences, "join: joins the cluster as a %s",
                  control ? "control plane" : "worker");
        return 0;
    }
    int r = control ? await_turn(h, err) : 0;
    if (r == 0)
        r = params_join(h, &t, err);
    r = r < 0 ? r : program_ensure(h, &t, NULL, err);
    return r < 0 ? r : 0;
}

int phase_join(struct host_run *h, struct error *err)
{
    int r = run_wait(h, &h->run->api, API_TIMEOUT_MS, err);
    if (r < 0) {
        h->consequence = true;
        return r;
    }
    if (!h->facts.role)
        r = join(h, err);
    if (r == 0)
        latch_open(&h->joined);
    return r;
}

/* What those who still join need must not expire while they wait for a link, a learner or each
 * other. */
static int renew(struct host_run *h, int64_t *certs_made, struct error *err)
{
    struct run *run = h->run;
    int64_t now = clock_monotonic_ms();
    int r = 0;
    if (run->token && now - run->token_made_ms > RENEW_TOKEN_MS) {
        AUTO_JSON *result = NULL;
        r = make_token(h, &result, err);
    }
    if (r == 0 && h->farewell && now - *certs_made > RENEW_CERTS_MS) {
        r = hand_out_certs(h, err);
        *certs_made = now;
    }
    return r;
}

static int await_join(struct host_run *h, struct host_run *other, int timeout_ms,
                      int64_t *certs_made, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + timeout_ms;
    while (!latch_is_settled(&other->joined) && clock_left_ms(deadline) > 0 && !interrupted) {
        int left = clock_left_ms(deadline);
        run_wait(h, &other->joined, left < RENEW_LOOK_MS ? left : RENEW_LOOK_MS, NULL);
        int r = renew(h, certs_made, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* It failed: the next one would find etcd's only place for a learner taken. */
static int clear_failed(struct host_run *h, struct host_run *other, struct error *err)
{
    bool failed = latch_is_settled(&other->joined) && !latch_is_open(&other->joined);
    if (!failed)
        return 0;
    int r = clear_members(h, other->facts.node_name, err);
    if (r == 0)
        latch_open(&other->cleared);
    return r;
}

static int await_control_plane(struct host_run *h, struct host_run *other, int64_t *certs_made,
                               struct error *err)
{
    int r = await_join(h, other, TURN_TIMEOUT_MS, certs_made, err);
    return r < 0 ? r : clear_failed(h, other, err);
}

int program_await_joins(struct host_run *h, struct error *err)
{
    struct run *run = h->run;
    int64_t certs_made = clock_monotonic_ms();
    int r = 0;
    for (size_t i = 0; r == 0 && i < run->inv->host_count; i++)
        if (control_plane_joins(&run->hosts[i]))
            r = await_control_plane(h, &run->hosts[i], &certs_made, err);
    if (r == 0 && !(run->read_only && !h->facts.role))
        r = take_certs_back(h, err);
    if (r == 0)
        h->farewell = NULL;
    for (size_t i = 0; r == 0 && i < run->inv->host_count; i++)
        if (run->inv->hosts[i].state == STATE_PRESENT && h != &run->hosts[i])
            r = await_join(h, &run->hosts[i], API_TIMEOUT_MS, &certs_made, err);
    return r;
}
