#include "agent/session.h"

#include "agent/session-exchange.h"
#include "agent/session-put.h"
#include "agent/tasks.h"
#include "lib/clock.h"
#include "lib/fd.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_CHUNK (256 * 1024)
#define LOCK_WAIT_MS (PROTOCOL_SILENCE_MS + 3000) /* a session that is dead was removed by then */

struct session {
    struct hub *hub;
    struct session *next;
    int fd;
    uint64_t serial;
    struct frame_decoder decoder;
    struct strbuf out;
    size_t out_sent;
    bool greeted, locked, broken;
    int64_t waiting_id;    /* of the hello that waits for the lock; 0: none does */
    int64_t waiting_since; /* monotonic */
    uint64_t asked;        /* the session that was asked whether it is alive */
    char run[RUN_ID_LEN + 1], who[WHO_MAX];
    int64_t heard_at; /* monotonic */
    unsigned calls;   /* under way */
    struct put *put;
};

void session_add(struct hub *hub, int fd)
{
    struct session *s = xcalloc(1, sizeof *s);
    *s = (struct session){.hub = hub, .fd = fd, .heard_at = clock_monotonic_ms()};
    s->serial = ++hub->next_serial;
    frame_decoder_init(&s->decoder);
    strbuf_init(&s->out, SESSION_OUT_MAX);
    fd_set_nonblocking(fd);
    s->next = hub->sessions;
    hub->sessions = s;
    hub->session_count++;
}

void session_remove(struct hub *hub, struct session *s)
{
    struct session **at = &hub->sessions;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    hub->session_count--;
    host_lock_release(&hub->lock, s->serial);
    jobs_forget_session(hub->ctx.jobs, s->serial);
    put_forget(&s->put);
    session_exchange_forget(hub, s->serial);
    frame_decoder_release(&s->decoder);
    strbuf_release_secret(&s->out);
    fd_close(&s->fd);
    free(s);
}

struct session *session_next(const struct session *s)
{
    return s->next;
}

struct session *session_by_serial(const struct hub *hub, uint64_t serial)
{
    struct session *s = hub->sessions;
    while (s && s->serial != serial)
        s = s->next;
    return s;
}

int session_fd(const struct session *s)
{
    return s->fd;
}

const char *session_run(const struct session *s)
{
    return s->run;
}

bool session_has_output(const struct session *s)
{
    return s->out_sent < s->out.len;
}

short session_poll_events(const struct session *s)
{
    return (short) (POLLIN | (session_has_output(s) ? POLLOUT : 0));
}

bool session_is_silent(const struct session *s)
{
    return clock_monotonic_ms() - s->heard_at > PROTOCOL_SILENCE_MS;
}

static void write_out(struct session *s)
{
    while (session_has_output(s)) {
        ssize_t n = send(s->fd, s->out.data + s->out_sent, s->out.len - s->out_sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            s->broken = s->broken || errno != EAGAIN;
            return;
        }
        s->out_sent += (size_t) n;
    }
    strbuf_reset(&s->out);
    s->out_sent = 0;
}

/* A result that is too large for a frame becomes an error: the call must end. */
static void encode(struct session *s, const json_t *message)
{
    struct error err = ERROR_INIT;
    if (frame_encode_json(&s->out, message, &err) >= 0)
        return;
    json_t *instead = json_pack("{s:O?, s:o}", "id", json_object_get(message, "id"), "error",
                                error_to_json(&err));
    if (strbuf_full(&s->out) || frame_encode_json(&s->out, instead, NULL) < 0)
        s->broken = true;
    json_decref(instead);
}

void session_send(struct session *s, json_t *message, bool last)
{
    if (last && s->calls > 0)
        s->calls--;
    encode(s, message);
    json_decref(message);
    write_out(s);
}

struct posted {
    struct hub *hub;
    uint64_t serial;
    json_t *message;
    bool last;
};

static void deliver(void *arg)
{
    struct posted *p = arg;
    struct session *s = session_by_serial(p->hub, p->serial);
    if (s)
        session_send(s, p->message, p->last);
    else
        json_decref(p->message);
    free(p);
}

void session_post(struct hub *hub, uint64_t serial, json_t *message, bool last)
{
    struct posted *p = xcalloc(1, sizeof *p);
    *p = (struct posted){.hub = hub, .serial = serial, .message = message, .last = last};
    inbox_post(hub->inbox, deliver, p);
}

static json_t *answer(int64_t id, const char *key, json_t *value)
{
    return json_pack("{s:I, s:o}", "id", (json_int_t) id, key, value);
}

static void send_error(struct session *s, int64_t id, const struct error *err)
{
    session_send(s, answer(id, "error", error_to_json(err)), true);
}

static bool is_run_id(const char *run)
{
    return strlen(run) == RUN_ID_LEN && strspn(run, "0123456789abcdef") == RUN_ID_LEN;
}

static int check_hello(const struct session *s, const json_t *params, struct error *err)
{
    int64_t protocol = json_get_int(params, "protocol", 0);
    if (s->greeted || s->waiting_id != 0)
        return error_set(err, -EPROTO, "a second hello");
    if (protocol != PROTOCOL_VERSION)
        return error_set(err, -EPROTO, "protocol %lld is not spoken here, only %d",
                         (long long) protocol, PROTOCOL_VERSION);
    if (!is_run_id(json_get_string(params, "run", "")))
        return error_set(err, -EINVAL, "a run's id is %d lowercase hex digits", RUN_ID_LEN);
    return 0;
}

static bool take_lock(struct session *s)
{
    uint64_t replaced = 0;
    if (!host_lock_take(&s->hub->lock, s->run, s->who, s->serial, &replaced))
        return false;
    s->locked = true;
    struct session *older = replaced ? session_by_serial(s->hub, replaced) : NULL;
    if (older)
        older->broken = true;
    return true;
}

static void greet(struct session *s, int64_t id)
{
    bool busy = jobs_busy(s->hub->ctx.jobs) || s->hub->lock.session != 0;
    s->greeted = true;
    session_send(s,
                 answer(id, "result",
                        json_pack("{s:i, s:s, s:i, s:b}", "protocol", PROTOCOL_VERSION, "agent",
                                  s->hub->version, "pid", (int) getpid(), "busy", busy)),
                 true);
}

/* Who was killed cannot say so when its last packet got lost. What we send to it makes its machine
 * tell ours that nobody is there; who lives answers. */
static void ask_holder(struct session *s)
{
    struct session *holder = session_by_serial(s->hub, s->hub->lock.session);
    if (!holder || s->asked == holder->serial)
        return;
    s->asked = holder->serial;
    session_send(holder, json_pack("{s:I}", "ping", (json_int_t) s->serial), false);
}

static void stop_waiting(struct session *s)
{
    struct error err = ERROR_INIT;
    host_lock_refuse(&s->hub->lock, &err);
    send_error(s, s->waiting_id, &err);
    s->waiting_id = 0;
}

static void wait_for_lock(struct session *s, int64_t id)
{
    AUTO_FREE char *text = host_lock_describe(&s->hub->lock, "waiting for another run to end");
    s->waiting_id = id;
    s->waiting_since = clock_monotonic_ms();
    session_send(s, answer(id, "progress", json_pack("{s:s}", "text", text)), false);
    ask_holder(s);
}

static void wait_on(struct session *s)
{
    if (clock_monotonic_ms() - s->waiting_since > LOCK_WAIT_MS)
        stop_waiting(s);
    else
        ask_holder(s);
}

void sessions_turn(struct hub *hub)
{
    struct session *first = NULL;
    for (struct session *s = hub->sessions; s; s = s->next)
        if (s->waiting_id != 0)
            first = s; /* the newest are in front */
    if (first && take_lock(first)) {
        greet(first, first->waiting_id);
        first->waiting_id = 0;
    }
    for (struct session *s = hub->sessions; s; s = s->next)
        if (s->waiting_id != 0)
            wait_on(s);
}

/* The holder is alive: who made us ask is refused. */
static void on_pong(const struct session *s, int64_t serial)
{
    struct session *asker = serial > 0 ? session_by_serial(s->hub, (uint64_t) serial) : NULL;
    if (asker && asker->waiting_id != 0 && asker->asked == s->serial)
        stop_waiting(asker);
}

static int on_hello(struct session *s, int64_t id, const json_t *params, struct error *err)
{
    int r = check_hello(s, params, err);
    if (r < 0)
        return r;
    STRBUF(who, WHO_MAX - 1);
    const char *given = json_get_string(params, "who", "unknown");
    strbuf_add_printable(&who, given, strnlen(given, WHO_MAX / 4 - 1));
    snprintf(s->who, sizeof s->who, "%s", who.data);
    snprintf(s->run, sizeof s->run, "%s", json_get_string(params, "run", ""));
    if (json_get_bool(params, "lock", false) && !take_lock(s))
        wait_for_lock(s, id);
    else
        greet(s, id);
    return 0;
}

static int need_lock(const struct session *s, struct error *err)
{
    if (s->locked)
        return 0;
    return error_set(err, -EPERM, "this call changes the host: it needs a session with the lock");
}

static int on_run(struct session *s, int64_t id, const json_t *params, struct error *err)
{
    json_t *step_params = NULL;
    struct job_request request = {.run = s->run, .who = s->who, .session = s->serial, .id = id};
    int r = need_lock(s, err);
    if (r >= 0)
        r = json_need_string(params, "job", &request.job, err);
    if (r >= 0)
        r = json_need_string(params, "step", &request.step, err);
    if (r >= 0)
        r = json_need_object(params, "params", &step_params, err);
    request.params = step_params;
    return r < 0 ? r : jobs_run(s->hub->ctx.jobs, &request, err);
}

static int on_put(struct session *s, int64_t id, const json_t *params, struct error *err)
{
    int r = need_lock(s, err);
    return r < 0 ? r : put_start(s->hub, &s->put, s->serial, id, params, err);
}

static int on_exchange(struct session *s, int64_t id, const json_t *params, struct error *err)
{
    int r = need_lock(s, err);
    if (r >= 0)
        r = session_exchange_start(s->hub, s->run, s->serial, id, params, err);
    if (r == 1)
        s->calls--;
    return r;
}

struct conversation {
    const char *name;
    int (*start)(struct session *s, int64_t id, const json_t *params, struct error *err);
};

static const struct conversation conversations[] = {
    {"hello", on_hello},
    {"run", on_run},
    {"put", on_put},
    {"exchange", on_exchange},
};

static const struct conversation *conversation_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(conversations); i++)
        if (strcmp(conversations[i].name, name) == 0)
            return &conversations[i];
    return NULL;
}

struct pending_call {
    struct hub *hub;
    uint64_t serial;
    int64_t id;
    const struct call *call;
    json_t *params;
};

static void run_call(void *arg)
{
    struct pending_call *p = arg;
    struct error err = ERROR_INIT;
    json_t *result = NULL;
    int r = p->call->run(&p->hub->ctx, p->params, &result, &err);
    if (r < 0 && err.code == 0)
        error_errno(&err, r, "%s", p->call->name);
    json_t *message = r < 0 ? answer(p->id, "error", error_to_json(&err))
                            : answer(p->id, "result", result);
    session_post(p->hub, p->serial, message, true);
    json_decref(p->params);
    free(p);
}

static int start_call(struct session *s, int64_t id, const struct call *call, const json_t *params,
                      struct error *err)
{
    struct pending_call *p = xcalloc(1, sizeof *p);
    *p = (struct pending_call){.hub = s->hub, .serial = s->serial, .id = id, .call = call};
    p->params = json_deep_copy(params);
    int r = task_start(run_call, p);
    if (r >= 0)
        return 0;
    json_decref(p->params);
    free(p);
    return error_errno(err, r, "start a thread");
}

static int dispatch(struct session *s, int64_t id, const char *name, const json_t *params,
                    struct error *err)
{
    const struct conversation *conversation = conversation_find(name);
    const struct call *call = call_find(name);
    if (s->calls > SESSION_CALLS_MAX)
        return error_set(err, -EBUSY, "more than %d calls at a time", SESSION_CALLS_MAX);
    if (!s->greeted && (!conversation || conversation->start != on_hello))
        return error_set(err, -EPROTO, "the first call must be hello");
    if (conversation)
        return conversation->start(s, id, params, err);
    if (call && call->changes && need_lock(s, err) < 0)
        return err->code;
    if (call)
        return start_call(s, id, call, params, err);
    return error_set(err, -ENOSYS, "this agent has no call \"%.64s\"", name);
}

static void on_call(struct session *s, const json_t *message)
{
    int64_t id = json_get_int(message, "id", 0);
    const char *name = json_get_string(message, "call", NULL);
    const json_t *params = json_object_get(message, "params");
    struct error err = ERROR_INIT;
    if (id <= 0 || !name) {
        s->broken = true;
        return;
    }
    AUTO_JSON *none = json_object();
    s->calls++;
    if (params && !json_is_object(params))
        error_set(&err, -EPROTO, "params must be an object");
    else
        dispatch(s, id, name, params ? params : none, &err);
    if (err.code < 0)
        send_error(s, id, &err);
}

static void on_message(struct session *s, const json_t *message)
{
    const json_t *ping = json_object_get(message, "ping");
    const json_t *pong = json_object_get(message, "pong");
    if (!json_is_object(message))
        s->broken = true;
    else if (ping)
        session_send(s, json_pack("{s:O}", "pong", ping), false);
    else if (pong)
        on_pong(s, json_integer_value(pong));
    else
        on_call(s, message);
}

static void on_frame(struct session *s, const struct frame *frame)
{
    if (frame->type == FRAME_BYTES || frame->type == FRAME_CHUNK) {
        bool ok = frame->type == FRAME_BYTES
                      ? put_bytes(s->put, frame->data, frame->len)
                      : session_exchange_chunk(s->hub, s->serial, frame->data, frame->len);
        s->broken = s->broken || !ok;
        return;
    }
    AUTO_JSON *message = json_parse(frame->data, frame->len, "message", NULL);
    if (message)
        on_message(s, message);
    else
        s->broken = true;
}

static bool take_frames(struct session *s)
{
    struct frame frame;
    struct error err = ERROR_INIT;
    int r = 1;
    while (!s->broken && (r = frame_decoder_next(&s->decoder, &frame, &err)) == 1)
        on_frame(s, &frame);
    return !s->broken && r >= 0;
}

static bool read_in(struct session *s)
{
    static char buffer[READ_CHUNK];
    ssize_t n = recv(s->fd, buffer, sizeof buffer, 0);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n == 0)
        return false;
    s->heard_at = clock_monotonic_ms();
    struct error err = ERROR_INIT;
    return frame_decoder_feed(&s->decoder, buffer, (size_t) n, &err) >= 0 && take_frames(s);
}

bool session_on_ready(struct session *s, short revents)
{
    if (revents & POLLOUT)
        write_out(s);
    if (!s->broken && (revents & (POLLIN | POLLHUP | POLLERR)) && !read_in(s))
        return false;
    return !s->broken;
}
