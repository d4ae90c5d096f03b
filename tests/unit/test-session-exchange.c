/* The call "exchange", over the socket of a service that is a process of its own. */
#include "agent/paths.h"
#include "agent/serve.h"
#include "agent/session-exchange.h"
#include "images/chunk-set.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/protocol.h"
#include "lib/tls.h"
#include "tests/unit/chunk-count.h"
#include "tests/unit/chunk-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUN_A "00000000000000000000000000000001"
#define RUN_B "00000000000000000000000000000002"
#define CHUNKS 4
#define EMPTY 2 /* a blob */
#define WAIT_S 20

static struct world {
    char *root;
    struct fixture f;
    char manifest[DIGEST_SIZE];
    struct tls_authority *ca;
    pid_t service;
} w;

struct visit {
    int fd;
    int64_t id;
    struct frame_decoder decoder;
};

static int setup(void **state)
{
    (void) state;
    w = (struct world){0};
    folder_setup((void **) &w.root);
    agent_root_set(w.root);
    fixture_add(&w.f, 1, CHUNK_SIZE * 5 / 2);
    fixture_add(&w.f, 2, 300);
    fixture_add(&w.f, 3, 0);
    fixture_parse(&w.f);
    assert_int_equal(chunk_map_count(w.f.map), CHUNKS);
    digest_buffer(w.f.bundle.text, w.f.bundle.text_len, w.manifest);
    assert_int_equal(tls_authority_new("run", &w.ca, NULL), 0);
    w.service = fork();
    if (w.service == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
        _exit(serve("sha256:test", NULL) < 0 ? 1 : 0);
    }
    return 0;
}

static void end_service(int sig)
{
    int status = -1;
    kill(w.service, sig);
    assert_int_equal(waitpid(w.service, &status, 0), w.service);
    if (sig == SIGTERM)
        assert_int_equal(status, 0);
    w.service = 0;
}

static int teardown(void **state)
{
    (void) state;
    if (w.service > 0)
        end_service(SIGKILL);
    tls_authority_free(&w.ca);
    fixture_release(&w.f);
    return folder_teardown((void **) &w.root);
}

static int connect_service(void)
{
    const struct timeval limit = {.tv_sec = WAIT_S};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s%s", w.root, AGENT_SOCKET);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    for (int i = 0; i < 500; i++) {
        if (connect(fd, (struct sockaddr *) &address, sizeof address) == 0)
            return fd;
        usleep(10000);
    }
    fail_msg("no service");
    return -1;
}

static void visit_release(struct visit *v)
{
    fd_close(&v->fd);
    frame_decoder_release(&v->decoder);
}
#define VISIT(name) CLEANUP(visit_release) struct visit name

static bool send_bytes(const struct visit *v, const void *data, size_t len)
{
    return send(v->fd, data, len, MSG_NOSIGNAL) == (ssize_t) len;
}

static bool send_frame(const struct visit *v, enum frame_type type, const void *data, size_t len)
{
    unsigned char header[PROTOCOL_HEADER];
    frame_header(type, len, header);
    return send_bytes(v, header, sizeof header) && send_bytes(v, data, len);
}

/* The next message; NULL when the service has hung up. The caller owns it. */
static json_t *hear(struct visit *v)
{
    struct frame frame;
    char buffer[65536];
    while (frame_decoder_next(&v->decoder, &frame, NULL) == 0) {
        ssize_t n = recv(v->fd, buffer, sizeof buffer, 0);
        if (n <= 0)
            return NULL;
        assert_int_equal(frame_decoder_feed(&v->decoder, buffer, (size_t) n, NULL), 0);
    }
    return json_parse(frame.data, frame.len, "message", NULL);
}

static int64_t call(struct visit *v, const char *name, json_t *params)
{
    AUTO_JSON *message = json_pack("{s:I, s:s, s:o}", "id", (json_int_t) ++v->id, "call", name,
                                   "params", params);
    AUTO_FREE char *text = json_canonical(message);
    assert_true(send_frame(v, FRAME_JSON, text, strlen(text)));
    return v->id;
}

/* The next message about this call. */
static json_t *hear_of(struct visit *v, int64_t id)
{
    json_t *message;
    while ((message = hear(v)) && json_get_int(message, "id", 0) != id)
        json_decref(message);
    return message;
}

static json_t *end_of(struct visit *v, int64_t id)
{
    json_t *message = hear_of(v, id);
    while (message && json_object_get(message, "progress")) {
        json_decref(message);
        message = hear_of(v, id);
    }
    return message;
}

/* A hello may have to wait for the session that was closed just before. */
static void expect_result(struct visit *v, int64_t id)
{
    AUTO_JSON *message = end_of(v, id);
    if (!json_object_get(message, "result"))
        fail_msg("%s", message ? json_dumps(message, 0) : "hung up");
}

static int64_t error_of(struct visit *v, int64_t id)
{
    json_t *message = end_of(v, id);
    int64_t code = json_get_int(json_object_get(message, "error"), "code", 0);
    json_decref(message);
    return code;
}

static void visit(struct visit *v, const char *run, bool lock)
{
    *v = (struct visit){.fd = connect_service()};
    frame_decoder_init(&v->decoder);
    expect_result(v, call(v, "hello",
                          json_pack("{s:i, s:s, s:b, s:s}", "protocol", PROTOCOL_VERSION, "run",
                                    run, "lock", lock, "who", "test")));
}

static void accept_bundle(struct visit *v)
{
    int64_t id = call(
        v, "put",
        json_pack("{s:s, s:I}", "digest", w.manifest, "size", (json_int_t) w.f.bundle.text_len));
    AUTO_JSON *ready = hear_of(v, id);
    assert_non_null(json_object_get(ready, "ready"));
    assert_true(send_frame(v, FRAME_BYTES, w.f.bundle.text, w.f.bundle.text_len));
    expect_result(v, id);
    expect_result(
        v, call(v, "bundle", json_pack("{s:s, s:b}", "manifest", w.manifest, "insecure", true)));
}

static json_t *exchange_params(int blob)
{
    STRBUF(cert, TLS_PEM_MAX);
    STRBUF(key, TLS_PEM_MAX);
    assert_int_equal(tls_authority_issue(w.ca, "0", &cert, &key, NULL), 0);
    json_t *want = json_array();
    if (blob >= 0)
        json_array_append_new(want, json_string(w.f.blobs[blob].digest));
    return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:[], s:o}", "manifest", w.manifest,
                     "self", "0", "port", 20000 + getpid() % 12000, "listen", "127.0.8.1", "ca",
                     tls_authority_pem(w.ca), "cert", cert.data, "key", key.data, "peers", "want",
                     want);
}

static bool give(const struct visit *v, uint32_t number)
{
    uint32_t size = chunk_map_get(w.f.map, number).size;
    AUTO_FREE char *payload = xcalloc(1, size + 4);
    payload[3] = (char) number;
    memcpy(payload + 4, fixture_chunk(&w.f, number), size);
    return send_frame(v, FRAME_CHUNK, payload, size + 4);
}

/* What progress said, added up. */
struct said {
    struct chunk_set have;
    size_t blobs;
};

static void said_release(struct said *s)
{
    chunk_set_release(&s->have);
}
#define SAID(name) \
    CLEANUP(said_release) struct said name = {0}; \
    chunk_set_init(&name.have, CHUNKS)

static void listen_once(struct visit *v, int64_t id, struct said *s)
{
    AUTO_JSON *message = hear_of(v, id);
    const json_t *progress = json_object_get(message, "progress");
    assert_non_null(progress);
    if (json_object_get(progress, "have"))
        assert_int_equal(chunk_set_parse(&s->have, json_object_get(progress, "have"), NULL, NULL),
                         0);
    s->blobs += json_array_size(json_object_get(progress, "blobs"));
}

static void test_chunks_become_blobs(void **state)
{
    (void) state;
    VISIT(v);
    SAID(said);
    visit(&v, RUN_A, true);
    accept_bundle(&v);
    int64_t id = call(&v, "exchange", exchange_params(0));
    listen_once(&v, id, &said);
    for (uint32_t n = 0; n < CHUNKS; n++)
        assert_true(give(&v, n));
    while (chunk_set_count(&said.have) < CHUNKS || said.blobs < 1)
        listen_once(&v, id, &said);
    assert_int_equal(said.blobs, 1);
    /* The second call takes the place of the first; what it adds is here already. */
    id = call(&v, "exchange", exchange_params(1));
    while (said.blobs < 2)
        listen_once(&v, id, &said);
    AUTO_JSON *message = NULL;
    int64_t have = call(
        &v, "have", json_pack("{s:[s, s]}", "digests", w.f.blobs[0].digest, w.f.blobs[1].digest));
    message = hear_of(&v, have);
    assert_int_equal(json_array_size(json_object_get(json_object_get(message, "result"), "have")),
                     2);
    end_service(SIGTERM);
}

static void test_many_calls_of_a_session(void **state)
{
    (void) state;
    VISIT(v);
    SAID(said);
    visit(&v, RUN_A, true);
    accept_bundle(&v);
    int64_t id = call(&v, "exchange", exchange_params(0));
    listen_once(&v, id, &said);
    for (int i = 0; i < 2 * SESSION_CALLS_MAX; i++)
        id = call(&v, "exchange", exchange_params(i % 2));
    for (uint32_t n = 0; n < CHUNKS; n++)
        assert_true(give(&v, n));
    while (said.blobs < 2)
        listen_once(&v, id, &said);
}

/* A lost link: the run's next session is told everything. */
static void test_session_comes_back(void **state)
{
    (void) state;
    SAID(before);
    SAID(after);
    {
        VISIT(v);
        visit(&v, RUN_A, true);
        accept_bundle(&v);
        int64_t id = call(&v, "exchange", exchange_params(0));
        listen_once(&v, id, &before);
        give(&v, 0);
        give(&v, 1);
        while (chunk_set_count(&before.have) < 2)
            listen_once(&v, id, &before);
    }
    VISIT(again);
    visit(&again, RUN_A, true);
    int64_t id = call(&again, "exchange", exchange_params(1));
    listen_once(&again, id, &after);
    assert_int_equal(chunk_set_count(&after.have), 2);
    give(&again, 2);
    give(&again, 3);
    while (after.blobs < 2)
        listen_once(&again, id, &after);
}

static void test_another_run_takes_over(void **state)
{
    (void) state;
    SAID(before);
    SAID(after);
    {
        VISIT(v);
        visit(&v, RUN_A, true);
        accept_bundle(&v);
        int64_t id = call(&v, "exchange", exchange_params(0));
        listen_once(&v, id, &before);
        give(&v, 0);
        while (chunk_set_count(&before.have) < 1)
            listen_once(&v, id, &before);
    }
    VISIT(other);
    visit(&other, RUN_B, true);
    int64_t id = call(&other, "exchange", exchange_params(0));
    while (chunk_set_count(&after.have) < 1)
        listen_once(&other, id, &after);
    end_service(SIGTERM);
}

/* One that is only just beginning is given up for the next run's. */
static void test_run_after_run_takes_over(void **state)
{
    (void) state;
    {
        VISIT(v);
        visit(&v, RUN_A, true);
        accept_bundle(&v);
    }
    for (int i = 0; i < 20; i++) {
        VISIT(v);
        visit(&v, i % 2 ? RUN_A : RUN_B, true);
        call(&v, "exchange", exchange_params(i % 2));
    }
    VISIT(last);
    SAID(said);
    visit(&last, RUN_A, true);
    int64_t id = call(&last, "exchange", exchange_params(0));
    listen_once(&last, id, &said);
    for (uint32_t n = 0; n < CHUNKS; n++)
        assert_true(give(&last, n));
    while (said.blobs < 1)
        listen_once(&last, id, &said);
    end_service(SIGTERM);
}

static void test_needs_the_lock(void **state)
{
    (void) state;
    VISIT(v);
    visit(&v, RUN_A, false);
    assert_int_equal(error_of(&v, call(&v, "exchange", exchange_params(0))), -EPERM);
}

static void test_needs_a_bundle(void **state)
{
    (void) state;
    VISIT(v);
    visit(&v, RUN_A, true);
    assert_int_equal(error_of(&v, call(&v, "exchange", exchange_params(0))), -ENOENT);
    accept_bundle(&v);
    json_t *params = exchange_params(0);
    AUTO_FREE char *digest = xasprintf("sha256:%064d", 1);
    json_object_set_new(params, "manifest", json_string(digest));
    assert_int_equal(error_of(&v, call(&v, "exchange", params)), -EBADMSG);
    params = exchange_params(0);
    json_object_set_new(params, "want", json_pack("[s]", digest));
    assert_int_equal(error_of(&v, call(&v, "exchange", params)), -ENOENT);
    /* None of them is in the way of the one that is right. */
    SAID(said);
    listen_once(&v, call(&v, "exchange", exchange_params(0)), &said);
}

/* So early that the service has hardly heard of its beginning. */
static void test_fails_at_once(void **state)
{
    (void) state;
    VISIT(v);
    visit(&v, RUN_A, true);
    accept_bundle(&v);
    AUTO_FREE char *blobs = path_join(w.root, AGENT_BLOB_DIR);
    AUTO_FREE char *in_the_way = xasprintf("%s/%s.chunks", blobs, w.f.blobs[EMPTY].digest + 7);
    assert_int_equal(mkdir(in_the_way, 0700), 0);
    for (int i = 0; i < 200; i++)
        assert_int_equal(error_of(&v, call(&v, "exchange", exchange_params(EMPTY))), -EISDIR);
    assert_int_equal(rmdir(in_the_way), 0);
    SAID(said);
    listen_once(&v, call(&v, "exchange", exchange_params(EMPTY)), &said);
}

static void assert_cut(struct visit *v)
{
    json_t *message;
    while ((message = hear(v)))
        json_decref(message);
    assert_int_not_equal(errno, EAGAIN); /* hung up, not silent */
}

/* The service ends by itself, nothing is written behind it, and who waits for the end of the
 * connection finds nothing of it. */
static void test_reset_ends_it(void **state)
{
    (void) state;
    int status = -1;
    VISIT(v);
    SAID(said);
    visit(&v, RUN_A, true);
    accept_bundle(&v);
    listen_once(&v, call(&v, "exchange", exchange_params(0)), &said);
    give(&v, 0);
    int64_t id = call(
        &v, "run", json_pack("{s:s, s:s, s:{}}", "job", RUN_A "/reset", "step", "reset", "params"));
    give(&v, 1);
    expect_result(&v, id);
    assert_cut(&v);
    AUTO_FREE char *left = path_join(w.root, AGENT_STATE_DIR);
    assert_int_equal(access(left, F_OK), -1);
    assert_int_equal(waitpid(w.service, &status, 0), w.service);
    w.service = 0;
    assert_int_equal(status, 0);
}

static void test_chunks_without_an_exchange(void **state)
{
    (void) state;
    VISIT(v);
    visit(&v, RUN_A, true);
    give(&v, 0);
    errno = 0;
    assert_cut(&v);
}

static void test_chunk_that_is_none(void **state)
{
    (void) state;
    VISIT(v);
    SAID(said);
    visit(&v, RUN_A, true);
    accept_bundle(&v);
    listen_once(&v, call(&v, "exchange", exchange_params(0)), &said);
    assert_true(send_frame(&v, FRAME_CHUNK, "\0\0\0\xffx", 5));
    errno = 0;
    assert_cut(&v);
}

#define service_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        service_test(test_chunks_become_blobs),
        service_test(test_many_calls_of_a_session),
        service_test(test_session_comes_back),
        service_test(test_another_run_takes_over),
        service_test(test_run_after_run_takes_over),
        service_test(test_needs_the_lock),
        service_test(test_needs_a_bundle),
        service_test(test_fails_at_once),
        service_test(test_reset_ends_it),
        service_test(test_chunks_without_an_exchange),
        service_test(test_chunk_that_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
