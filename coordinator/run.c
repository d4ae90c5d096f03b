#include "coordinator/run.h"

#include "coordinator/addons.h"
#include "coordinator/command.h"
#include "coordinator/leader.h"
#include "lib/clock.h"
#include "lib/digest.h"
#include "lib/secret.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* Connecting, pushing the agent and its facts: what a gate may wait for on a slow link. */
#define WAIT_SLICE_MS 1000
#define FEED_SLICE_MS 50 /* the link is what is waited for then, and the latch looked at */
#define GATE_TIMEOUT_MS (10 * 60 * 1000)

static char *who_am_i(void)
{
    char machine[256] = "";
    gethostname(machine, sizeof(machine) - 1);
    const char *user = getenv("USER");
    return xasprintf("%s@%s", user && *user ? user : "root", machine);
}

static void init_host(struct run *run, size_t i)
{
    struct host_run *h = &run->hosts[i];
    *h = (struct host_run){.run = run, .index = i, .host = &run->inv->hosts[i]};
    const char *label = host_label(h->host);
    h->latch_names[0] = xasprintf("%s to listen", label);
    h->latch_names[1] = xasprintf("%s to join", label);
    h->latch_names[2] = xasprintf("the removal of node %s", label);
    h->latch_names[3] = xasprintf("%s to open its firewall", label);
    latch_init(&h->listening, h->latch_names[0]);
    latch_init(&h->joined, h->latch_names[1]);
    latch_init(&h->released, h->latch_names[2]);
    latch_init(&h->opened, h->latch_names[3]);
    h->latch_names[4] = xasprintf("etcd to be rid of %s", label);
    latch_init(&h->cleared, h->latch_names[4]);
}

int run_init(struct run *run, const struct inventory *inv, const struct bundle *bundle,
             struct view *view, struct error *err)
{
    if (inv->host_count == 0)
        return error_set(err, -EINVAL, "%s names no host", inv->path);
    *run = (struct run){.inv = inv, .bundle = bundle, .view = view, .who = who_am_i()};
    random_hex(run->id, 32);
    pthread_mutex_init(&run->mutex, NULL);
    run->hosts = xcalloc(inv->host_count, sizeof(*run->hosts));
    for (size_t i = 0; i < inv->host_count; i++)
        init_host(run, i);
    static const char *const gate_names[] = {"every host to answer", "every host to be checked",
                                             "the firewalls to be opened",
                                             "the firewalls to be tried"};
    for (size_t i = 0; i < ARRAY_SIZE(run->gates); i++) {
        run->gates[i].missing = inv->host_count;
        latch_init(&run->gates[i].latch, gate_names[i]);
    }
    latch_init(&run->all_checked, gate_names[GATE_CHECKED]);
    latch_init(&run->api, "the control plane");
    consent_init(&run->consent);
    return 0;
}

void run_release(struct run *run)
{
    for (size_t i = 0; run->hosts && i < run->inv->host_count; i++) {
        struct host_run *h = &run->hosts[i];
        facts_release(&h->facts);
        strv_release(&h->differences);
        latch_release(&h->listening);
        latch_release(&h->joined);
        latch_release(&h->released);
        latch_release(&h->opened);
        latch_release(&h->cleared);
        json_decref(h->shut);
        for (size_t k = 0; k < ARRAY_SIZE(h->latch_names); k++)
            free(h->latch_names[k]);
    }
    for (size_t i = 0; run->hosts && i < ARRAY_SIZE(run->gates); i++)
        latch_release(&run->gates[i].latch);
    if (run->hosts) {
        latch_release(&run->all_checked);
        latch_release(&run->api);
        consent_release(&run->consent);
    }
    distribution_free(&run->distribution);
    free(run->hosts);
    free(run->who);
    free(run->ca_hash);
    secret_free(&run->token);
    secret_free(&run->certificate_key);
    secret_free(&run->kubeconfig);
    json_decref(run->cluster);
    json_decref(run->etcd);
    strv_release(&run->delete_volumes);
    *run = (struct run){0};
}

char *run_token(struct run *run)
{
    pthread_mutex_lock(&run->mutex);
    char *copy = run->token ? xstrdup(run->token) : NULL;
    pthread_mutex_unlock(&run->mutex);
    return copy;
}

void run_set_token(struct run *run, char *token)
{
    pthread_mutex_lock(&run->mutex);
    char *former = run->token;
    run->token = token;
    run->token_made_ms = clock_monotonic_ms();
    pthread_mutex_unlock(&run->mutex);
    secret_free(&former);
}

static struct host_run *first_control_plane(struct run *run)
{
    for (size_t i = 0; i < run->inv->host_count; i++)
        if ((run->hosts[i].host->roles & ROLE_CONTROL_PLANE) &&
            run->hosts[i].host->state == STATE_PRESENT)
            return &run->hosts[i];
    return &run->hosts[0];
}

struct host_run *run_control_plane(struct run *run)
{
    struct host_run *leader = __atomic_load_n(&run->leader, __ATOMIC_ACQUIRE);
    return leader ? leader : first_control_plane(run);
}

static struct leader_candidate candidate(const struct host_run *h)
{
    const struct facts *f = &h->facts;
    bool answered = f->json && h->error.code == 0;
    bool member = answered && f->role && strcmp(f->role, "control-plane") == 0;
    return (struct leader_candidate){
        .label = host_label(h->host),
        .control_plane = h->host->roles & ROLE_CONTROL_PLANE,
        .leaves = h->host->state == STATE_ABSENT,
        .answered = answered,
        .member = member,
        .api = member && facts_bool(f, "node", "answers", false),
        .half = answered && facts_half_done(f),
        .cluster = answered && h->host->state == STATE_PRESENT ? f->cluster : NULL,
    };
}

/* Who leads, and what depends on all facts alone. Under the run's lock: everybody has come to the
 * gate, so nobody writes his facts any more. */
static void conclude(struct run *run)
{
    size_t best = 0, n = run->inv->host_count;
    AUTO_FREE struct leader_candidate *candidates = xcalloc(n, sizeof(*candidates));
    for (size_t i = 0; i < n; i++)
        candidates[i] = candidate(&run->hosts[i]);
    (void) leader_choose(candidates, n, &best, &run->leaderless);
    run->network = run->bundle ? addons_network(run) : NULL;
    __atomic_store_n(&run->leader, &run->hosts[best], __ATOMIC_RELEASE);
}

void run_arrive(struct host_run *h, int gate)
{
    struct run *run = h->run;
    pthread_mutex_lock(&run->mutex);
    bool last = !h->arrived[gate] && --run->gates[gate].missing == 0;
    h->arrived[gate] = true;
    if (last && gate == GATE_PROBED)
        conclude(run);
    pthread_mutex_unlock(&run->mutex);
    if (last)
        latch_open(gate == GATE_CHECKED ? &run->all_checked : &run->gates[gate].latch);
}

/* False: there is no link, and no time has passed. */
static bool attend(struct host_run *h, int ms)
{
    return h->session && session_attend(h->session, ms, NULL) == 0;
}

void run_pause(struct host_run *h, int ms)
{
    if (!attend(h, ms))
        (void) poll(NULL, 0, ms);
}

int run_wait(struct host_run *h, struct latch *latch, int timeout_ms, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + timeout_ms;
    AUTO_FREE char *text = xasprintf("waiting for %s", latch->name);
    int slice = h->feed ? 0 : WAIT_SLICE_MS;
    for (;;) {
        int left = clock_left_ms(deadline);
        /* Asked before: it may settle between the end of a wait and a look at it. */
        bool settled = latch_is_settled(latch);
        int r = latch_wait(latch, left < slice ? left : slice, &interrupted, err);
        if (r != -ETIMEDOUT || settled)
            return r;
        if (clock_left_ms(deadline) == 0)
            return error_set(err, -ETIMEDOUT, "waited %d s for %s", timeout_ms / 1000, latch->name);
        view_host(h->run->view, h->index, VIEW_WORKING, h->phase, text, 0, 0);
        bool attended = attend(h, h->feed ? FEED_SLICE_MS : 0);
        slice = h->feed && attended ? 0 : WAIT_SLICE_MS;
    }
}

/* Once all are checked, it is only the user's answer that is waited for. */
static int wait_for_gate(struct host_run *h, int gate, struct error *err)
{
    struct run *run = h->run;
    int r;
    do
        r = run_wait(h, &run->gates[gate].latch, GATE_TIMEOUT_MS, err);
    while (r == -ETIMEDOUT && gate == GATE_CHECKED && latch_is_settled(&run->all_checked));
    return r;
}

int run_pass_gate(struct host_run *h, int gate, struct error *err)
{
    struct run *run = h->run;
    run_arrive(h, gate);
    int r = wait_for_gate(h, gate, err);
    if (r < 0)
        return r;
    struct host_run *control = run_control_plane(run);
    if (run->leaderless.code && !run->headless && h == control) {
        *err = run->leaderless;
        return run_refuse(h, err);
    }
    pthread_mutex_lock(&run->mutex);
    bool refused = run->refused, not_agreed = run->not_agreed;
    pthread_mutex_unlock(&run->mutex);
    bool headless = !run->headless && (run->leaderless.code || run_failed(control));
    h->consequence = refused || not_agreed || headless;
    if (not_agreed)
        return error_set(err, -ECANCELED, "not begun, as what it takes was not agreed to");
    if (refused)
        return error_set(err, -ECANCELED, "not begun, as another host was refused");
    if (headless)
        return error_set(err, -ECANCELED, "not begun, as the control plane %s %s",
                         host_label(control->host),
                         run->leaderless.code ? "was refused" : "failed");
    return 0;
}

/* Before anything is changed on them: what is half done can be undone as well. */
static int note_hosts(struct run *run, struct error *err)
{
    if (!run->known)
        return 0;
    for (size_t i = 0; i < run->inv->host_count; i++) {
        const struct host_run *h = &run->hosts[i];
        if (h->host->state == STATE_PRESENT && h->facts.json)
            applied_hosts_note(run->known, h->host, h->facts.node_name, i);
    }
    return applied_hosts_save(run->known, err);
}

int run_accepted(struct run *run, struct error *err)
{
    int r = 0;
    pthread_mutex_lock(&run->mutex);
    if (!run->accepted)
        r = applied_save(run->applied, run->bundle, run->named, err);
    if (!run->accepted && r == 0)
        r = note_hosts(run, err);
    run->accepted = r == 0;
    pthread_mutex_unlock(&run->mutex);
    return r;
}

int run_refuse(struct host_run *h, struct error *err)
{
    h->refused = true;
    pthread_mutex_lock(&h->run->mutex);
    h->run->refused = true;
    pthread_mutex_unlock(&h->run->mutex);
    return err->code;
}

int run_call(struct host_run *h, const char *call, json_t *params, int timeout_ms, json_t **result,
             struct error *err)
{
    AUTO_JSON *own = params;
    return session_call(h->session, call, own, timeout_ms, result, err);
}

/* A refusal to talk is a safety matter: the host key, or somebody else at work. From a host that
 * has told its facts the same codes mean something else, such as a mount that is in use. */
static bool is_refusal(const struct host_run *h)
{
    int code = h->error.code;
    return !h->facts.json && (code == -EKEYREJECTED || code == -ENOKEY || code == -EBUSY);
}

/* Nobody shall wait for this host any more. */
static void fail_latches(struct host_run *h)
{
    struct run *run = h->run;
    latch_fail(&h->listening, &h->error);
    latch_fail(&h->joined, &h->error);
    latch_fail(&h->released, &h->error);
    latch_fail(&h->opened, &h->error);
    /* Before one is chosen nobody waits for it. */
    if (__atomic_load_n(&run->leader, __ATOMIC_ACQUIRE) == h) {
        latch_fail(&run->api, &h->error);
        for (size_t i = 0; i < run->inv->host_count; i++) {
            latch_fail(&run->hosts[i].released, &h->error);
            latch_fail(&run->hosts[i].cleared, &h->error);
        }
    }
}

/* Others look whether we failed, at any time. */
static void set_error(struct host_run *h, const struct error *err)
{
    pthread_mutex_lock(&h->run->mutex);
    h->error = *err;
    pthread_mutex_unlock(&h->run->mutex);
}

bool run_failed(const struct host_run *h)
{
    pthread_mutex_lock(&h->run->mutex);
    bool failed = h->error.code != 0;
    pthread_mutex_unlock(&h->run->mutex);
    return failed;
}

static bool takes_part(const struct host_run *h, const struct phase *p)
{
    unsigned position = h == run_control_plane(h->run) ? PHASE_LEADER : PHASE_FOLLOWER;
    return p->roles & (h->host->roles | position);
}

static int walk(struct host_run *h, const struct phase *phases)
{
    struct run *run = h->run;
    for (const struct phase *p = phases; p->name; p++) {
        if (!takes_part(h, p))
            continue;
        h->phase = p->name;
        view_host(run->view, h->index, VIEW_WORKING, p->name, "", 0, 0);
        int64_t begun = clock_monotonic_ms();
        struct error err = ERROR_INIT; /* may also tell of what was overcome */
        int r = p->work(h, &err);
        if (r == 0 && interrupted)
            r = error_set(&err, -ECANCELED, "interrupted");
        if (r < 0) {
            err.code = r;
            set_error(h, &err);
            return r;
        }
        view_phase(run->view, h->host, p->name, clock_monotonic_ms() - begun);
    }
    return 0;
}

static void end_session(struct host_run *h)
{
    session_close(&h->session);
    h->sent += h->feed ? feed_sent(h->feed) : 0;
    feed_free(&h->feed);
    pthread_mutex_lock(&h->run->mutex);
    struct distribution *d = h->run->distribution;
    pthread_mutex_unlock(&h->run->mutex);
    if (d)
        distribution_leave(d, h->index);
}

struct thread_start {
    struct host_run *h;
    const struct phase *phases;
};

static void *host_thread(void *userdata)
{
    const struct thread_start *start = userdata;
    struct host_run *h = start->h;
    if (walk(h, start->phases) == 0) {
        view_host(h->run->view, h->index, VIEW_DONE, "done", "", 0, 0);
    } else {
        if (is_refusal(h))
            run_refuse(h, &h->error);
        view_host(h->run->view, h->index, VIEW_FAILED, h->phase, h->error.text, 0, 0);
        fail_latches(h);
        if (h->farewell)
            h->farewell(h);
    }
    for (int gate = 0; gate < (int) ARRAY_SIZE(h->arrived); gate++)
        run_arrive(h, gate); /* programs without gates */
    end_session(h);
    return NULL;
}

static void warn_unreachable(const struct host_run *h)
{
    view_warn(
        h->run->view, h->host,
        "it is out of the cluster, but what was installed on it is still there, as it does not "
        "answer (%s). When it does: a line for it with `state: absent`, and run again",
        h->error.text);
}

static int outcome(struct run *run)
{
    bool failed = false;
    for (size_t i = 0; i < run->inv->host_count; i++) {
        struct host_run *h = &run->hosts[i];
        if (h->error.code == 0 || (interrupted && h->error.code == -ECANCELED))
            continue;
        if (h->host->remembered && h->removed && !h->facts.json) {
            warn_unreachable(h);
            continue;
        }
        failed = true;
        if (h->consequence)
            view_warn(run->view, h->host, "%s", h->error.text);
        else
            view_error(run->view, h->host, h->phase, &h->error);
    }
    bool refused = run->refused || run->not_agreed;
    return interrupted ? EXIT_INTERRUPTED
           : refused   ? EXIT_REFUSED
           : failed    ? EXIT_HOST_FAILED
                       : EXIT_DONE;
}

/* On the main thread, so that the hosts' sessions stay alive while the user thinks. */
static void settle_consent(struct run *run)
{
    struct error err = ERROR_INIT;
    if (latch_wait(&run->all_checked, INT_MAX, NULL, &err) == 0 && !run->refused &&
        !run->read_only && consent_ask(&run->consent, "yes", &interrupted, &err) < 0) {
        pthread_mutex_lock(&run->mutex);
        run->not_agreed = true;
        pthread_mutex_unlock(&run->mutex);
        if (!interrupted)
            view_error(run->view, NULL, "consent", &err);
    }
    latch_open(&run->gates[GATE_CHECKED].latch);
}

int run_program(struct run *run, const struct phase *(*choose)(const struct host_run *h))
{
    size_t n = run->inv->host_count;
    AUTO_FREE pthread_t *threads = xcalloc(n, sizeof(*threads));
    AUTO_FREE struct thread_start *starts = xcalloc(n, sizeof(*starts));
    for (size_t i = 0; i < n; i++) {
        starts[i] = (struct thread_start){&run->hosts[i], choose(&run->hosts[i])};
        int r = pthread_create(&threads[i], NULL, host_thread, &starts[i]);
        if (r == 0)
            continue;
        threads[i] = 0;
        struct error err = ERROR_INIT;
        error_errno(&err, -r, "start a thread");
        run->hosts[i].phase = "start";
        set_error(&run->hosts[i], &err);
        fail_latches(&run->hosts[i]);
        for (int gate = 0; gate < (int) ARRAY_SIZE(run->gates); gate++)
            run_arrive(&run->hosts[i], gate);
    }
    settle_consent(run);
    for (size_t i = 0; i < n; i++)
        if (threads[i])
            pthread_join(threads[i], NULL);
    return outcome(run);
}
