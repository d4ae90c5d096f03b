/* The real protocol over socket pairs: hello and lock, calls, jobs, puts, hostile peers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/paths.h"
#include "agent/serve.h"
#include "agent/session.h"
#include "agent/tasks.h"
#include "lib/clock.h"
#include "lib/digest.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RUN_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define RUN_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define RUN_C "cccccccccccccccccccccccccccccccc"
#define PATIENCE_MS 30000

static char root[64];
static struct hub hub;

/* Steps whose course the tests hold in their hands. */
static pthread_mutex_t gate_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_moved = PTHREAD_COND_INITIALIZER;
static bool gate_open;
static int applied;

static void set_gate(bool open)
{
    pthread_mutex_lock(&gate_mutex);
    gate_open = open;
    pthread_cond_broadcast(&gate_moved);
    pthread_mutex_unlock(&gate_mutex);
}

static int check_todo(const struct step_context *ctx, const json_t *params,
                      struct strv *differences, struct error *err)
{
    (void) ctx;
    if (json_object_get(params, "impossible")) {
        error_set(err, -ENODEV, "no such thing here");
        return error_remedy(err, "plug it in");
    }
    strv_add(differences, "something is to be done");
    return json_get_bool(params, "is_done", false) ? 1 : 0;
}

static int apply_slow(const struct step_context *ctx, const json_t *params, json_t *result,
                      struct error *err)
{
    (void) err;
    step_progress(ctx, 1, 2, "waiting at the gate");
    pthread_mutex_lock(&gate_mutex);
    while (!gate_open)
        pthread_cond_wait(&gate_moved, &gate_mutex);
    applied++;
    pthread_mutex_unlock(&gate_mutex);
    json_object_set_new(result, "answer", json_integer(json_get_int(params, "number", 0) + 1));
    return 0;
}

static int verify_ok(const struct step_context *ctx, const json_t *params, struct error *err)
{
    (void) ctx;
    (void) params;
    (void) err;
    return 0;
}

static int apply_leave(const struct step_context *ctx, const json_t *params, json_t *result,
                       struct error *err)
{
    int r = apply_slow(ctx, params, result, err);
    serve_quit_after_reply();
    return r;
}

static const struct step leave = {"leave", check_todo, apply_leave, verify_ok};
static const struct step slow = {"slow", check_todo, apply_slow, verify_ok};
static const struct step liar = {"liar", check_todo, apply_slow, NULL};

static const struct step *find(const char *name)
{
    static const struct step *const steps[] = {&slow, &liar, &leave};
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
        if (strcmp(steps[i]->name, name) == 0)
            return steps[i];
    return NULL;
}

static void on_event(void *userdata, uint64_t session, json_t *message, bool last)
{
    session_post(userdata, session, message, last);
}

static int setup(void **state)
{
    (void) state;
    snprintf(root, sizeof root, "/tmp/test-session.XXXXXX");
    assert_non_null(mkdtemp(root));
    agent_root_set(root);
    assert_int_equal(agent_prepare_folders(NULL), 0);
    AUTO_FREE char *path = agent_path(AGENT_LEDGER);
    hub = (struct hub){.version = "sha256:test", .ctx.find_step = find};
    assert_int_equal(ledger_open(path, &hub.ctx.ledger, NULL), 0);
    hub.inbox = inbox_new();
    hub.ctx.jobs = jobs_new(find, hub.ctx.ledger, on_event, &hub);
    set_gate(true);
    applied = 0;
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    set_gate(true);
    while (hub.sessions)
        session_remove(&hub, hub.sessions);
    jobs_free(&hub.ctx.jobs);
    assert_true(tasks_wait(PATIENCE_MS));
    inbox_free(&hub.inbox);
    ledger_close(&hub.ctx.ledger);
    return path_remove_tree(root, NULL);
}

/* The peer's side of a session. */
struct peer {
    int fd;
    struct frame_decoder decoder;
    int64_t last_id;
};

static void peer_connect(struct peer *p)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    session_add(&hub, fds[0]);
    *p = (struct peer){.fd = fds[1]};
    frame_decoder_init(&p->decoder);
    assert_int_equal(fd_set_nonblocking(p->fd), 0);
}

static void peer_close(struct peer *p)
{
    fd_close(&p->fd);
    frame_decoder_release(&p->decoder);
}
#define PEER(name) \
    CLEANUP(peer_close) struct peer name; \
    peer_connect(&name)

/* One turn of what the service's loop does. */
static void turn(int timeout_ms)
{
    struct pollfd polls[1 + SESSIONS_MAX] = {{.fd = inbox_fd(hub.inbox), .events = POLLIN}};
    struct session *sessions[SESSIONS_MAX];
    size_t count = 0;
    for (struct session *s = hub.sessions; s; s = session_next(s), count++) {
        sessions[count] = s;
        polls[1 + count] = (struct pollfd){.fd = session_fd(s), .events = session_poll_events(s)};
    }
    poll(polls, 1 + count, timeout_ms);
    for (size_t i = 0; i < count; i++)
        if (!session_on_ready(sessions[i], polls[1 + i].revents))
            session_remove(&hub, sessions[i]);
    inbox_run(hub.inbox);
    sessions_turn(&hub);
}

static void send_raw(struct peer *p, const void *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = send(p->fd, (const char *) data + done, len - done, MSG_NOSIGNAL);
        if (n > 0)
            done += (size_t) n;
        else if (errno == EPIPE || errno == ECONNRESET)
            return;
        turn(1);
    }
}

static void send_json(struct peer *p, json_t *message)
{
    STRBUF(frame, PROTOCOL_JSON_MAX + PROTOCOL_HEADER);
    assert_int_equal(frame_encode_json(&frame, message, NULL), 0);
    json_decref(message);
    send_raw(p, frame.data, frame.len);
}

static void send_bytes(struct peer *p, const void *data, size_t len)
{
    unsigned char header[PROTOCOL_HEADER];
    frame_header(FRAME_BYTES, len, header);
    send_raw(p, header, sizeof header);
    send_raw(p, data, len);
}

static int64_t send_call(struct peer *p, const char *call, json_t *params)
{
    send_json(p, json_pack("{s:I, s:s, s:o}", "id", (json_int_t) ++p->last_id, "call", call,
                           "params", params));
    return p->last_id;
}

/* The next message, or NULL when the session has ended or nothing comes. */
static json_t *receive_within(struct peer *p, int timeout_ms)
{
    int64_t deadline = clock_monotonic_ms() + timeout_ms;
    for (;;) {
        char buffer[65536];
        struct frame frame;
        if (frame_decoder_next(&p->decoder, &frame, NULL) == 1)
            return json_parse(frame.data, frame.len, "answer", NULL);
        turn(10);
        ssize_t n = recv(p->fd, buffer, sizeof buffer, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN) || clock_left_ms(deadline) == 0)
            return NULL;
        if (n > 0)
            assert_int_equal(frame_decoder_feed(&p->decoder, buffer, (size_t) n, NULL), 0);
    }
}

static json_t *receive(struct peer *p)
{
    json_t *message = receive_within(p, PATIENCE_MS);
    assert_non_null(message);
    return message;
}

static bool has_ended(struct peer *p)
{
    int64_t deadline = clock_monotonic_ms() + PATIENCE_MS;
    while (clock_left_ms(deadline) > 0) {
        char byte;
        turn(10);
        ssize_t n = recv(p->fd, &byte, 1, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return true;
    }
    return false;
}

/* The result or error of a call; progress on the way is dropped. */
static json_t *outcome_of(struct peer *p, int64_t id, const char *key)
{
    for (;;) {
        AUTO_JSON *message = receive(p);
        assert_int_equal(json_get_int(message, "id", 0), id);
        if (json_object_get(message, "progress"))
            continue;
        json_t *value = json_object_get(message, key);
        if (!value)
            fail_msg("call %lld ended otherwise", (long long) id);
        return json_incref(value);
    }
}

static json_t *hello_params(const char *run, bool lock)
{
    return json_pack("{s:i, s:s, s:b, s:s}", "protocol", PROTOCOL_VERSION, "run", run, "lock", lock,
                     "who", "me@here");
}

static void greet(struct peer *p, const char *run, bool lock)
{
    AUTO_JSON *result = outcome_of(p, send_call(p, "hello", hello_params(run, lock)), "result");
    assert_string_equal(json_get_string(result, "agent", ""), "sha256:test");
}

static json_t *job_params(const char *job, const char *step, json_t *params)
{
    return json_pack("{s:s, s:s, s:o}", "job", job, "step", step, "params", params);
}

static void assert_error(struct peer *p, int64_t id, int code, const char *text)
{
    AUTO_JSON *error = outcome_of(p, id, "error");
    assert_int_equal(json_get_int(error, "code", 0), code);
    if (!strstr(json_get_string(error, "text", ""), text))
        fail_msg("\"%s\" not in \"%s\"", text, json_get_string(error, "text", ""));
}

static void test_hello_comes_first(void **state)
{
    (void) state;
    PEER(p);
    assert_error(&p, send_call(&p, "ledger", json_object()), -EPROTO, "hello");
    greet(&p, RUN_A, false);
    assert_error(&p, send_call(&p, "hello", hello_params(RUN_A, false)), -EPROTO, "second");
    assert_error(&p, send_call(&p, "no-such", json_object()), -ENOSYS, "no-such");
    AUTO_JSON *result = outcome_of(&p, send_call(&p, "ledger", json_object()), "result");
    assert_int_equal(json_get_int(result, "entries", -1), 0);
}

static void test_hello_that_does_not_fit(void **state)
{
    (void) state;
    PEER(p);
    json_t *wrong = hello_params(RUN_A, false);
    json_object_set_new(wrong, "protocol", json_integer(99));
    assert_error(&p, send_call(&p, "hello", wrong), -EPROTO, "99");
    assert_error(&p, send_call(&p, "hello", hello_params("../..", false)), -EINVAL, "hex");
}

static void test_ping(void **state)
{
    (void) state;
    PEER(p);
    send_json(&p, json_pack("{s:i}", "ping", 7));
    AUTO_JSON *pong = receive(&p);
    assert_int_equal(json_get_int(pong, "pong", 0), 7);
}

/* What the holder of the lock is asked when another wants it; it answers. */
static void answer_ping(struct peer *holder)
{
    AUTO_JSON *message = receive(holder);
    int64_t number = json_get_int(message, "ping", 0);
    assert_true(number > 0);
    send_json(holder, json_pack("{s:I}", "pong", (json_int_t) number));
}

static int64_t ask_for_lock(struct peer *p, const char *run)
{
    int64_t id = send_call(p, "hello", hello_params(run, true));
    AUTO_JSON *message = receive(p);
    const json_t *progress = json_object_get(message, "progress");
    assert_non_null(strstr(json_get_string(progress, "text", ""), "me@here"));
    return id;
}

static void test_second_run_is_refused(void **state)
{
    (void) state;
    PEER(first);
    greet(&first, RUN_A, true);
    PEER(second);
    int64_t id = ask_for_lock(&second, RUN_B);
    assert_null(receive_within(&second, 50));
    answer_ping(&first);
    assert_error(&second, id, -EBUSY, "me@here");
    greet(&second, RUN_B, false);
    id = send_call(&second, "run", job_params(RUN_B "/x", "slow", json_object()));
    assert_error(&second, id, -EPERM, "lock");
}

static void expect_lock(struct peer *p, int64_t id)
{
    AUTO_JSON *result = outcome_of(p, id, "result");
    assert_string_equal(json_get_string(result, "agent", ""), "sha256:test");
    id = send_call(p, "run", job_params(RUN_B "/x", "slow", json_object()));
    json_decref(outcome_of(p, id, "result"));
}

/* It does not answer, and then turns out to be gone. */
static void test_dead_run_is_waited_for(void **state)
{
    (void) state;
    PEER(first);
    greet(&first, RUN_A, true);
    PEER(second);
    int64_t id = ask_for_lock(&second, RUN_B);
    assert_null(receive_within(&second, 50));
    assert_error(&second, send_call(&second, "hello", hello_params(RUN_B, true)), -EPROTO,
                 "second");
    peer_close(&first);
    expect_lock(&second, id);
}

/* The one who was first in waiting holds it then, and is asked in its turn. */
static void test_who_waits_longest_is_next(void **state)
{
    (void) state;
    PEER(first);
    greet(&first, RUN_A, true);
    PEER(second);
    int64_t seconds = ask_for_lock(&second, RUN_B);
    PEER(third);
    int64_t thirds = ask_for_lock(&third, RUN_C);
    peer_close(&first);
    json_decref(outcome_of(&second, seconds, "result"));
    answer_ping(&second);
    assert_error(&third, thirds, -EBUSY, "bbbbbbbb");
}

/* Only the holder's word counts, and only for who made us ask. */
static void test_foreign_answers_refuse_nobody(void **state)
{
    (void) state;
    PEER(first);
    greet(&first, RUN_A, true);
    PEER(other);
    greet(&other, RUN_C, false);
    PEER(second);
    int64_t id = ask_for_lock(&second, RUN_B);
    AUTO_JSON *ping = receive(&first);
    json_int_t number = json_get_int(ping, "ping", 0);
    send_json(&other, json_pack("{s:I}", "pong", number));
    send_json(&first, json_pack("{s:I}", "pong", number + 1));
    send_json(&first, json_pack("{s:s}", "pong", "alive"));
    assert_null(receive_within(&second, 50));
    peer_close(&first);
    expect_lock(&second, id);
}

static void test_same_run_replaces_its_session(void **state)
{
    (void) state;
    PEER(first);
    greet(&first, RUN_A, true);
    PEER(again);
    greet(&again, RUN_A, true);
    assert_true(has_ended(&first));
    PEER(other);
    int64_t id = ask_for_lock(&other, RUN_B);
    answer_ping(&again);
    assert_error(&other, id, -EBUSY, "me@here");
}

static void test_job_runs_once(void **state)
{
    (void) state;
    PEER(p);
    greet(&p, RUN_A, true);
    for (int i = 0; i < 3; i++) {
        json_t *params = job_params(RUN_A "/slow", "slow", json_pack("{s:i}", "number", 41));
        AUTO_JSON *result = outcome_of(&p, send_call(&p, "run", params), "result");
        assert_true(json_get_bool(result, "changed", false));
        assert_int_equal(json_get_int(result, "answer", 0), 42);
    }
    assert_int_equal(applied, 1);
    assert_non_null(ledger_step_digest(hub.ctx.ledger, "slow"));
    json_t *params = job_params(RUN_A "/slow", "slow", json_pack("{s:i}", "number", 1));
    assert_error(&p, send_call(&p, "run", params), -EEXIST, "slow");
    params = job_params(RUN_A "/done", "slow", json_pack("{s:b}", "is_done", 1));
    AUTO_JSON *result = outcome_of(&p, send_call(&p, "run", params), "result");
    assert_false(json_get_bool(result, "changed", true));
    assert_int_equal(applied, 1);
}

static void test_job_that_fails(void **state)
{
    (void) state;
    PEER(p);
    greet(&p, RUN_A, true);
    json_t *params = job_params(RUN_A "/1", "slow", json_pack("{s:b}", "impossible", 1));
    AUTO_JSON *error = outcome_of(&p, send_call(&p, "run", params), "error");
    assert_int_equal(json_get_int(error, "code", 0), -ENODEV);
    assert_string_equal(json_get_string(error, "text", ""), "slow: no such thing here");
    assert_string_equal(json_get_string(error, "remedy", ""), "plug it in");
    params = job_params(RUN_A "/2", "liar", json_object());
    assert_error(&p, send_call(&p, "run", params), -EIO, "something is to be done");
    assert_null(ledger_step_digest(hub.ctx.ledger, "liar"));
    params = job_params(RUN_A "/3", "no-such", json_object());
    assert_error(&p, send_call(&p, "run", params), -EINVAL, "no-such");
    params = job_params(RUN_B "/4", "slow", json_object());
    assert_error(&p, send_call(&p, "run", params), -EINVAL, "run");
    assert_error(&p, send_call(&p, "run", json_object()), -EINVAL, "job");
}

static void await_progress(struct peer *p, const char *text)
{
    for (;;) {
        AUTO_JSON *message = receive(p);
        const json_t *progress = json_object_get(message, "progress");
        assert_non_null(progress);
        if (strstr(json_get_string(progress, "text", ""), text))
            return;
    }
}

static void test_job_outlives_its_session(void **state)
{
    (void) state;
    set_gate(false);
    PEER(first);
    greet(&first, RUN_A, true);
    send_call(&first, "run", job_params(RUN_A "/slow", "slow", json_object()));
    await_progress(&first, "gate");
    peer_close(&first);
    PEER(again);
    greet(&again, RUN_A, true);
    int64_t id = send_call(&again, "run", job_params(RUN_A "/slow", "slow", json_object()));
    await_progress(&again, "gate");
    set_gate(true);
    AUTO_JSON *result = outcome_of(&again, id, "result");
    assert_true(json_get_bool(result, "changed", false));
    assert_int_equal(applied, 1);
}

static void test_new_run_waits_for_a_lost_one(void **state)
{
    (void) state;
    set_gate(false);
    PEER(first);
    greet(&first, RUN_A, true);
    send_call(&first, "run", job_params(RUN_A "/slow", "slow", json_object()));
    await_progress(&first, "gate");
    send_call(&first, "run", job_params(RUN_A "/never", "slow", json_object()));
    send_json(&first, json_pack("{s:i}", "ping", 1));
    AUTO_JSON *pong = receive(&first);
    peer_close(&first);
    while (hub.sessions)
        turn(10);
    PEER(second);
    greet(&second, RUN_B, true);
    int64_t id = send_call(&second, "run", job_params(RUN_B "/slow", "slow", json_object()));
    await_progress(&second, "waiting for \"slow\" of an earlier run by me@here");
    set_gate(true);
    AUTO_JSON *result = outcome_of(&second, id, "result");
    assert_int_equal(applied, 2); /* what the lost run had only in line is not begun */
}

static void test_check_changes_nothing(void **state)
{
    (void) state;
    PEER(p);
    greet(&p, RUN_A, false);
    json_t *params = json_pack("{s:s, s:{}}", "step", "slow", "params");
    AUTO_JSON *result = outcome_of(&p, send_call(&p, "check", params), "result");
    assert_false(json_get_bool(result, "done", true));
    assert_int_equal(json_array_size(json_object_get(result, "differences")), 1);
    assert_int_equal(applied, 0);
    params = json_pack("{s:s, s:{s:b}}", "step", "slow", "params", "impossible", 1);
    assert_error(&p, send_call(&p, "check", params), -ENODEV, "no such thing");
    params = json_pack("{s:s, s:{}}", "step", "nope", "params");
    assert_error(&p, send_call(&p, "check", params), -EINVAL, "nope");
}

static void test_a_bundle_needs_the_lock(void **state)
{
    (void) state;
    PEER(looks);
    greet(&looks, RUN_A, false);
    json_t *params = json_pack("{s:s, s:b}", "manifest", "sha256:short", "insecure", 1);
    assert_error(&looks, send_call(&looks, "bundle", json_incref(params)), -EPERM, "lock");
    PEER(owns);
    greet(&owns, RUN_B, true);
    assert_error(&owns, send_call(&owns, "bundle", params), -EINVAL, "malformed");
}

static json_t *put_params(const char *digest, size_t size)
{
    return json_pack("{s:s, s:I}", "digest", digest, "size", (json_int_t) size);
}

static int64_t ready_offset(struct peer *p)
{
    AUTO_JSON *message = receive(p);
    const json_t *ready = json_object_get(message, "ready");
    assert_non_null(ready);
    return json_get_int(ready, "offset", -1);
}

static void test_put_cut_and_resumed(void **state)
{
    (void) state;
    static char data[1000 * 1000];
    char digest[DIGEST_SIZE];
    random_bytes(data, sizeof data);
    digest_buffer(data, sizeof data, digest);
    PEER(first);
    greet(&first, RUN_A, true);
    send_call(&first, "put", put_params(digest, sizeof data));
    assert_int_equal(ready_offset(&first), 0);
    send_bytes(&first, data, 400000);
    send_json(&first, json_pack("{s:i}", "ping", 1));
    AUTO_JSON *pong = receive(&first);
    peer_close(&first);
    PEER(again);
    greet(&again, RUN_A, true);
    int64_t id = send_call(&again, "put", put_params(digest, sizeof data));
    assert_int_equal(ready_offset(&again), 400000);
    send_bytes(&again, data + 400000, sizeof data - 400000);
    AUTO_JSON *result = outcome_of(&again, id, "result");
    json_t *params = json_pack("{s:[s,s]}", "digests", digest,
                               "sha256:00000000000000000000000000000000"
                               "00000000000000000000000000000000");
    AUTO_JSON *have = outcome_of(&again, send_call(&again, "have", params), "result");
    assert_int_equal(json_array_size(json_object_get(have, "have")), 1);
    id = send_call(&again, "put", put_params(digest, sizeof data));
    assert_int_equal(ready_offset(&again), sizeof data);
    json_decref(outcome_of(&again, id, "result"));
}

static void test_put_that_lies(void **state)
{
    (void) state;
    char digest[DIGEST_SIZE];
    digest_buffer("good", 4, digest);
    PEER(p);
    greet(&p, RUN_A, true);
    int64_t id = send_call(&p, "put", put_params(digest, 4));
    assert_int_equal(ready_offset(&p), 0);
    send_bytes(&p, "evil", 4);
    assert_error(&p, id, -EBADMSG, digest);
    id = send_call(&p, "put", put_params(digest, 4));
    assert_int_equal(ready_offset(&p), 0);
    send_bytes(&p, "good and more", 13);
    assert_error(&p, id, -EMSGSIZE, "more bytes");
    send_bytes(&p, "still under way", 15);
    assert_error(&p, send_call(&p, "put", put_params("sha256:short", 4)), -EINVAL, "digest");
    assert_error(&p, send_call(&p, "put", put_params(digest, SIZE_MAX)), -EINVAL, "size");
    id = send_call(&p, "put", put_params(digest, 4));
    assert_int_equal(ready_offset(&p), 0);
    int64_t second = send_call(&p, "put", put_params(digest, 4));
    assert_error(&p, second, -EBUSY, "under way");
    send_bytes(&p, "good", 4);
    json_decref(outcome_of(&p, id, "result"));
}

static void test_hostile_frames_end_the_session(void **state)
{
    (void) state;
    static const struct {
        const char *data;
        size_t len;
    } frames[] = {
        {"\x40\x00\x00\x00J", 5},     /* 1 GiB announced */
        {"\x00\x00\x00\x03X{}", 7},   /* unknown type */
        {"\x00\x00\x00\x00J", 5},     /* no room for its type */
        {"\x00\x00\x00\x03J[]", 7},   /* no object */
        {"\x00\x00\x00\x04J{\"a", 8}, /* no JSON */
        {"\x00\x00\x00\x02"
         "Bx",
         6},                                  /* bytes that nobody asked for */
        {"\x00\x00\x00\x0aJ{\"id\":-1}", 14}, /* no id of a call */
    };
    PEER(witness);
    greet(&witness, RUN_A, true);
    for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
        PEER(p);
        send_raw(&p, frames[i].data, frames[i].len);
        if (!has_ended(&p))
            fail_msg("frame %zu was accepted", i);
    }
    assert_int_equal(hub.session_count, 1);
    json_decref(outcome_of(&witness, send_call(&witness, "ledger", json_object()), "result"));
}

static void test_too_many_calls(void **state)
{
    (void) state;
    set_gate(false);
    PEER(p);
    greet(&p, RUN_A, true);
    for (int i = 0; i < SESSION_CALLS_MAX; i++)
        send_call(&p, "run", job_params(RUN_A "/slow", "slow", json_object()));
    int64_t id = send_call(&p, "ledger", json_object());
    for (;;) {
        AUTO_JSON *message = receive(&p);
        if (json_get_int(message, "id", 0) != id)
            continue;
        assert_int_equal(json_get_int(json_object_get(message, "error"), "code", 0), -EBUSY);
        break;
    }
    set_gate(true);
}

/* The last test: there is no way back. */
static void test_nothing_is_begun_after_a_reset(void **state)
{
    (void) state;
    set_gate(false);
    PEER(first);
    greet(&first, RUN_A, true);
    send_call(&first, "run", job_params(RUN_A "/leave", "leave", json_object()));
    await_progress(&first, "gate");
    peer_close(&first);
    while (hub.sessions)
        turn(10);
    PEER(second);
    greet(&second, RUN_B, true);
    int64_t id = send_call(&second, "run", job_params(RUN_B "/slow", "slow", json_object()));
    await_progress(&second, "waiting for \"leave\"");
    set_gate(true);
    AUTO_JSON *error = outcome_of(&second, id, "error");
    assert_int_equal(json_get_int(error, "code", 0), -ESHUTDOWN);
    assert_int_equal(applied, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hello_comes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hello_that_does_not_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ping, setup, teardown),
        cmocka_unit_test_setup_teardown(test_second_run_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dead_run_is_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_waits_longest_is_next, setup, teardown),
        cmocka_unit_test_setup_teardown(test_foreign_answers_refuse_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(test_same_run_replaces_its_session, setup, teardown),
        cmocka_unit_test_setup_teardown(test_job_runs_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_job_that_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_job_outlives_its_session, setup, teardown),
        cmocka_unit_test_setup_teardown(test_new_run_waits_for_a_lost_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_check_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_bundle_needs_the_lock, setup, teardown),
        cmocka_unit_test_setup_teardown(test_put_cut_and_resumed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_put_that_lies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile_frames_end_the_session, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_many_calls, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_is_begun_after_a_reset, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
