#include "agent/session-exchange.h"

#include "agent/exchange.h"
#include "agent/host-bundle.h"
#include "agent/reach.h"
#include "agent/tasks.h"
#include "lib/clock.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An exchange and what its thread needs to find the service's. */
struct tenant {
    struct hub *hub;
    struct exchange *exchange;
    uint64_t number;
    bool drop; /* at its end */
};

/* The host's place for one. The service thread's. */
struct seat {
    struct tenant *tenant; /* NULL: nobody, or just beginning */
    bool starting, ending;
    char run[RUN_ID_LEN + 1];
    uint64_t session; /* who watches, as long as it is there; 0: nobody */
    int64_t id;       /* of its call */
    uint64_t watch, tenants;
    int64_t left_at;
    struct error failure; /* of the one that is starting: it failed before it was here */
    json_t *later;        /* array: params of this run that came while one was starting */
};

static struct seat *seat_of(struct hub *hub)
{
    if (!hub->seat) {
        hub->seat = xcalloc(1, sizeof *hub->seat);
        hub->seat->later = json_array();
    }
    return hub->seat;
}

static void tell(struct hub *hub, const char *key, json_t *value, bool last)
{
    struct session *s = session_by_serial(hub, hub->seat->session);
    json_t *message = json_pack("{s:I, s:o}", "id", (json_int_t) hub->seat->id, key, value);
    if (s)
        session_send(s, message, last);
    else
        json_decref(message);
}

struct letter {
    struct hub *hub;
    uint64_t number; /* of the tenant, or the watch */
    json_t *progress;
    struct error err;
};

static void on_progress_arrived(void *arg)
{
    struct letter *l = arg;
    if (l->hub->seat->watch == l->number)
        tell(l->hub, "progress", json_incref(l->progress), false);
    json_decref(l->progress);
    free(l);
}

static void on_progress(void *userdata, uint64_t watch, json_t *progress)
{
    const struct tenant *t = userdata;
    struct letter *l = xcalloc(1, sizeof *l);
    *l = (struct letter){.hub = t->hub, .number = watch, .progress = progress};
    inbox_post(t->hub->inbox, on_progress_arrived, l);
}

static void stop_tenant(void *arg)
{
    struct tenant *t = arg;
    exchange_stop(&t->exchange, t->drop);
    free(t);
    malloc_trim(0);
}

/* Exchanges that are dismissed and not over: they still write and remove files, so that the next
 * one must not look at them yet. */
static pthread_mutex_t leaving_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t leaving_changed = PTHREAD_COND_INITIALIZER;
static unsigned leaving;

static void count_leaving(int by)
{
    pthread_mutex_lock(&leaving_mutex);
    leaving += (unsigned) by;
    pthread_cond_broadcast(&leaving_changed);
    pthread_mutex_unlock(&leaving_mutex);
}

static void await_leaving(void)
{
    pthread_mutex_lock(&leaving_mutex);
    while (leaving > 0)
        pthread_cond_wait(&leaving_changed, &leaving_mutex);
    pthread_mutex_unlock(&leaving_mutex);
}

static void leave(void *arg)
{
    stop_tenant(arg);
    count_leaving(-1);
}

/* In a thread where there is one: hashing or patching may have to come to an end first. */
static void dismiss(struct seat *seat, bool drop)
{
    struct tenant *t = TAKE_PTR(seat->tenant);
    if (!t)
        return;
    t->drop = drop;
    count_leaving(1);
    if (seat->ending || task_start(leave, t) < 0)
        leave(t);
}

static void fail(struct hub *hub, const struct error *err)
{
    tell(hub, "error", error_to_json(err), true);
    dismiss(hub->seat, false);
}

static void on_failure_arrived(void *arg)
{
    struct letter *l = arg;
    struct seat *seat = l->hub->seat;
    if (seat->tenant && seat->tenant->number == l->number)
        fail(l->hub, &l->err);
    else if (seat->starting && seat->tenants == l->number)
        seat->failure = l->err;
    free(l);
}

static void on_failure(void *userdata, const struct error *err)
{
    const struct tenant *t = userdata;
    struct letter *l = xcalloc(1, sizeof *l);
    *l = (struct letter){.hub = t->hub, .number = t->number, .err = *err};
    inbox_post(t->hub->inbox, on_failure_arrived, l);
}

struct start {
    struct tenant *tenant, *old;
    char run[RUN_ID_LEN + 1];
    json_t *params;
    struct error err;
};

static void watch_it(struct seat *seat)
{
    exchange_watch(seat->tenant->exchange, ++seat->watch);
}

static void welcome(struct hub *hub)
{
    struct seat *seat = hub->seat;
    json_t *params;
    size_t i;
    seat->left_at = 0;
    json_array_foreach(seat->later, i, params)
        exchange_want(seat->tenant->exchange, params, NULL);
    if (seat->ending)
        dismiss(seat, false);
    else if (seat->failure.code < 0)
        fail(hub, &seat->failure);
    else
        watch_it(seat);
}

static int begin(struct hub *hub, const char *run, const json_t *params, struct error *err);

/* Another run came while this one's was starting. */
static void overtake(struct hub *hub)
{
    struct seat *seat = hub->seat;
    struct error err = ERROR_INIT;
    AUTO_JSON *params = json_incref(json_array_get(seat->later, 0));
    json_array_remove(seat->later, 0);
    if (begin(hub, seat->run, params, &err) < 0)
        tell(hub, "error", error_to_json(&err), true);
}

static void on_started(void *arg)
{
    struct start *st = arg;
    struct hub *hub = st->tenant->hub;
    struct seat *seat = hub->seat;
    bool is_overtaken = !seat->ending && strcmp(st->run, seat->run) != 0;
    seat->starting = false;
    if (st->err.code < 0)
        free(st->tenant);
    else
        seat->tenant = st->tenant;
    if (is_overtaken)
        overtake(hub);
    else if (st->err.code < 0)
        tell(hub, "error", error_to_json(&st->err), true);
    else
        welcome(hub);
    if (!is_overtaken)
        json_array_clear(seat->later);
    json_decref(st->params);
    free(st);
}

static void start_in_thread(void *arg)
{
    struct start *st = arg;
    struct tenant *t = st->tenant;
    const struct exchange_events events = {on_progress, on_failure, t};
    CLEANUP(bundle_release) struct bundle bundle = BUNDLE_INIT;
    if (st->old)
        stop_tenant(st->old);
    await_leaving();
    reach_listen_end(); /* it tried the exchange's port, too */
    if (host_bundle_load(&bundle, &st->err) >= 0)
        exchange_start(st->params, &bundle, &events, &t->exchange, &st->err);
    inbox_post(t->hub->inbox, on_started, st);
}

static int begin(struct hub *hub, const char *run, const json_t *params, struct error *err)
{
    struct seat *seat = hub->seat;
    struct start *st = xcalloc(1, sizeof *st);
    snprintf(st->run, sizeof st->run, "%s", run);
    st->tenant = xcalloc(1, sizeof *st->tenant);
    *st->tenant = (struct tenant){.hub = hub, .number = ++seat->tenants};
    st->params = json_deep_copy(params);
    st->old = TAKE_PTR(seat->tenant);
    seat->failure = ERROR_INIT;
    seat->starting = true;
    int r = task_start(start_in_thread, st);
    if (r >= 0)
        return 0;
    seat->starting = false;
    seat->tenant = st->old;
    json_decref(st->params);
    free(st->tenant);
    free(st);
    return error_errno(err, r, "start a thread");
}

static void keep_for_later(struct seat *seat, const json_t *params, bool is_ours)
{
    if (!is_ours)
        json_array_clear(seat->later);
    json_array_append_new(seat->later, json_deep_copy(params));
}

static int join(struct seat *seat, const json_t *params, bool is_new_session, struct error *err)
{
    int r = exchange_want(seat->tenant->exchange, params, err);
    if (r >= 0 && is_new_session)
        watch_it(seat);
    return r;
}

int session_exchange_start(struct hub *hub, const char *run, uint64_t serial, int64_t id,
                           const json_t *params, struct error *err)
{
    struct seat *seat = seat_of(hub);
    bool is_ours = strcmp(seat->run, run) == 0;
    bool is_new_session = seat->session != serial;
    bool goes_on = is_ours && (seat->starting || seat->tenant);
    int r = 0;
    if (seat->starting)
        keep_for_later(seat, params, is_ours);
    else if (goes_on)
        r = join(seat, params, is_new_session, err);
    else
        r = begin(hub, run, params, err);
    if (r < 0)
        return r;
    snprintf(seat->run, sizeof seat->run, "%s", run);
    seat->session = serial;
    seat->id = id;
    return goes_on && !is_new_session;
}

bool session_exchange_chunk(struct hub *hub, uint64_t serial, const void *payload, size_t len)
{
    const struct seat *seat = hub->seat;
    if (!seat || seat->session != serial || seat->starting)
        return false;
    return !seat->tenant || exchange_chunk(seat->tenant->exchange, payload, len, NULL) >= 0;
}

void session_exchange_forget(struct hub *hub, uint64_t serial)
{
    struct seat *seat = hub->seat;
    if (!seat || seat->session != serial)
        return;
    seat->session = 0;
    seat->watch++; /* what is under way to it is for nobody */
}

bool session_exchange_active(const struct hub *hub)
{
    return hub->seat && (hub->seat->tenant || hub->seat->starting);
}

static bool run_is_here(const struct hub *hub, const char *run)
{
    for (const struct session *s = hub->sessions; s; s = session_next(s))
        if (strcmp(session_run(s), run) == 0)
            return true;
    return false;
}

void session_exchange_turn(struct hub *hub)
{
    struct seat *seat = hub->seat;
    if (!seat || !seat->tenant)
        return;
    int64_t now = clock_monotonic_ms();
    if (run_is_here(hub, seat->run))
        seat->left_at = 0;
    else if (seat->left_at == 0)
        seat->left_at = now;
    else if (now - seat->left_at > EXCHANGE_LINGER_MS)
        dismiss(seat, true);
}

void session_exchange_end(struct hub *hub)
{
    struct seat *seat = seat_of(hub);
    seat->ending = true;
    dismiss(seat, false);
}

void session_exchange_free(struct hub *hub)
{
    json_decref(hub->seat->later);
    free(hub->seat);
    hub->seat = NULL;
}
