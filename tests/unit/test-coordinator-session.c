/* Sessions over a real sshd, with a fake agent at the other end (fake-agent.h). */
#include "coordinator/session.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/soon.h"
#include "tests/unit/sshd-fixture.h"

#include "tests/unit/fake-agent.h"
#include "tests/unit/fake-blob.h"

#define RUN "0123456789abcdef0123456789abcdef"
#define BLOB "/tmp/payload"
#define BLOB_SIZE (6 * 1024 * 1024 + 12345)

static struct host host = {
    .address = "127.0.0.1", .port = SSHD_PORT, .user = "root", .key = ROOT_KEY};
static char blob_digest[DIGEST_SIZE];
static char last_progress[512];
static bool cancel;

static void note_progress(void *userdata, const char *text, int64_t done, int64_t total)
{
    (void) userdata;
    snprintf(last_progress, sizeof(last_progress), "%s %lld/%lld", text, (long long) done,
             (long long) total);
}

static int open_session(struct session **s, struct error *err)
{
    struct session_options o = {.run = RUN,
                                .who = "tester@here",
                                .known_hosts = KNOWN_HOSTS,
                                .lock = true,
                                .never_ask = true,
                                .on_progress = note_progress,
                                .cancel = &cancel};
    return session_open(&host, &o, s, err);
}

/* A session with an agent that behaves as `mode` says from now on. */
static struct session *session_in(const char *mode)
{
    struct session *s = NULL;
    struct error err = ERROR_INIT;

    must_run("rm -rf " FAKE_DIR "; mkdir " FAKE_DIR);
    put_file(FAKE_MODE, mode, 0600);
    cancel = false;
    if (open_session(&s, &err) < 0)
        fail_msg("%s", err.text);
    return s;
}

static void close_session(struct session **s)
{
    session_close(s);
}
#define AUTO_TEST_SESSION CLEANUP(close_session) struct session

static void expect_works(struct session *s)
{
    AUTO_JSON *result = NULL;
    struct error err = ERROR_INIT;

    if (session_call(s, "facts", NULL, 10000, &result, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(json_get_string(result, "for", ""), "you");
}

static void test_calls(void **state)
{
    AUTO_JSON *result = NULL;
    struct error err = ERROR_INIT;

    (void) state;
    NEED_FIXTURE();
    must_run("rm -rf /var/lib/bigtop");
    AUTO_TEST_SESSION *s = session_in("");
    expect_works(s);
    assert_int_equal(session_call(s, "unheard", NULL, 5000, NULL, &err), -ENOSYS);
    assert_string_equal(err.text, "no such call");
    assert_string_equal(err.remedy, "do something");
    AUTO_JSON *params = json_pack("{s:s}", "a", "b");
    assert_int_equal(session_run(s, "host", "n1", params, 5000, &result, &err), 0);
    assert_string_equal(json_get_string(result, "job", ""), RUN "/host/n1");
    assert_string_equal(json_get_string(result, "step", ""), "host");
    assert_int_equal(params->refcount, 1);
    assert_string_equal(last_progress, "working\\x1b[2J 1/2");
}

static void test_hello_refused(void **state)
{
    struct session *s = NULL;
    struct error err = ERROR_INIT;

    (void) state;
    NEED_FIXTURE();
    must_run("rm -rf " FAKE_DIR "; mkdir " FAKE_DIR);
    put_file(FAKE_MODE, "busy", 0600);
    assert_int_equal(open_session(&s, &err), -EBUSY);
    assert_string_equal(err.text, "in use by root@other since 12:00");
    put_file(FAKE_MODE, "old", 0600);
    assert_int_equal(open_session(&s, &err), -EPROTO);
    assert_non_null(strstr(err.text, "protocol 99"));
    put_file(FAKE_MODE, "crash", 0600);
    assert_int_equal(open_session(&s, &err), -EPIPE);
    assert_non_null(strstr(err.text, "(exit code 3): bigtop-agent: boom"));
    assert_null(strchr(err.text, '\033'));
    assert_null(s);
}

/* It is told whom it waits for, and is asked itself whether it is alive. */
static void test_waits_and_is_waited_for(void **state)
{
    AUTO_JSON *result = NULL;
    struct error err = ERROR_INIT;

    (void) state;
    NEED_FIXTURE();
    AUTO_TEST_SESSION *s = session_in("wanted");
    assert_string_equal(last_progress, "waiting for ann\\x1b[2J 0/0");
    if (session_call(s, "facts", NULL, 10000, &result, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(json_get_int(result, "pong", 0), 7);
}

static void test_hostile_agents(void **state)
{
    static const char *const modes[] = {"giant", "garbage", "broken", "array", "bytes"};

    (void) state;
    NEED_FIXTURE();
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        AUTO_TEST_SESSION *s = session_in(modes[i]);
        struct error err = ERROR_INIT, later = ERROR_INIT;
        int64_t start = clock_monotonic_ms();
        int r = session_call(s, "facts", NULL, 2 * SOON_MS, NULL, &err);
        if (r != -EPROTO)
            fail_msg("%s: %d %s", modes[i], r, err.text);
        assert_soon(start);
        assert_null(strchr(err.text, '\033'));
        /* It is not asked again. */
        assert_int_equal(session_call(s, "facts", NULL, 20000, NULL, &later), -EPROTO);
        assert_string_equal(later.text, err.text);
        assert_int_equal(fake_size(FAKE_ATTACHES), 1);
    }
}

static void test_words_of_an_agent(void **state)
{
    struct error err = ERROR_INIT;

    (void) state;
    NEED_FIXTURE();
    AUTO_TEST_SESSION *escapes = session_in("escapes");
    assert_int_equal(session_call(escapes, "facts", NULL, 5000, NULL, &err), -EIO);
    assert_null(strpbrk(err.text, "\033\007"));
    AUTO_TEST_SESSION *positive = session_in("positive");
    assert_true(session_call(positive, "facts", NULL, 5000, NULL, &err) < 0);
    AUTO_TEST_SESSION *wrong_id = session_in("wrong-id");
    expect_works(wrong_id);
}

static void test_no_answer(void **state)
{
    static const char *const modes[] = {"silent", "flood"};
    struct error err = ERROR_INIT;

    (void) state;
    NEED_FIXTURE();
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        AUTO_TEST_SESSION *s = session_in(modes[i]);
        int64_t start = clock_monotonic_ms();
        assert_int_equal(session_call(s, "facts", NULL, 700, NULL, &err), -ETIMEDOUT);
        assert_later(start, 600);
        assert_soon(start);
    }
}

/* After a reset: the agent's files go after its answer. */
static void test_awaits_leaving(void **state)
{
    struct error err = ERROR_INIT;

    (void) state;
    NEED_FIXTURE();
    AUTO_TEST_SESSION *leaves = session_in("leaves");
    assert_int_equal(session_run(leaves, "reset", NULL, NULL, 5000, NULL, &err), 0);
    assert_int_equal(session_await_leaving(leaves, SOON_MS, &err), 0);
    assert_int_equal(err.code, 0);
    assert_int_equal(access(FAKE_LEFT, F_OK), 0);
    assert_int_equal(session_await_leaving(leaves, SOON_MS, &err), 0);
    AUTO_TEST_SESSION *stays = session_in("");
    assert_int_equal(session_run(stays, "reset", NULL, NULL, 5000, NULL, &err), 0);
    assert_int_equal(session_await_leaving(stays, 300, &err), -ETIMEDOUT);
    cancel = true;
    assert_int_equal(session_await_leaving(stays, SOON_MS, &err), -ECANCELED);
}

static void *cancel_soon(void *userdata)
{
    poll(NULL, 0, 300);
    *(bool *) userdata = true;
    return NULL;
}

static void test_cancel(void **state)
{
    static const char *const modes[] = {"silent", "flood"};
    struct error err = ERROR_INIT;
    pthread_t thread;

    (void) state;
    NEED_FIXTURE();
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        AUTO_TEST_SESSION *s = session_in(modes[i]);
        int64_t start = clock_monotonic_ms();
        assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
        assert_int_equal(session_call(s, "facts", NULL, 2 * SOON_MS, NULL, &err), -ECANCELED);
        assert_later(start, 250);
        assert_soon(start);
        pthread_join(thread, NULL);
        assert_int_equal(session_call(s, "facts", NULL, 20000, NULL, &err), -ECANCELED);
    }
}

static void test_cut_link_attaches_again(void **state)
{
    AUTO_JSON *result = NULL;
    struct error err = ERROR_INIT;

    (void) state;
    NEED_FIXTURE();
    AUTO_TEST_SESSION *s = session_in("cut-run");
    int r = session_run(s, "init", NULL, NULL, 20000, &result, &err);
    if (r < 0)
        fail_msg("%s", err.text);
    assert_string_equal(json_get_string(result, "job", ""), RUN "/init");
    assert_int_equal(fake_size(FAKE_ATTACHES), 2);
    assert_int_equal(fake_size(FAKE_RUNS), 1); /* the job was not run twice */
}

static void *cut_soon(void *userdata)
{
    (void) userdata;
    poll(NULL, 0, 300);
    kill_connections();
    return NULL;
}

static void test_cut_connection_attaches_again(void **state)
{
    AUTO_JSON *result = NULL;
    struct error err = ERROR_INIT;
    pthread_t thread;

    (void) state;
    NEED_FIXTURE();
    AUTO_TEST_SESSION *s = session_in("long-run");
    assert_int_equal(pthread_create(&thread, NULL, cut_soon, NULL), 0);
    int r = session_run(s, "init", NULL, NULL, 20000, &result, &err);
    pthread_join(thread, NULL);
    if (r < 0)
        fail_msg("%s", err.text);
    assert_int_equal(fake_size(FAKE_ATTACHES), 2);
    assert_int_equal(fake_size(FAKE_RUNS), 1);
    expect_works(s);
}

static void test_link_that_stays_away(void **state)
{
    struct error err = ERROR_INIT;

    (void) state;
    NEED_FIXTURE();
    AUTO_TEST_SESSION *s = session_in("crash-again");
    kill_connections();
    int64_t start = clock_monotonic_ms();
    assert_int_equal(session_call(s, "facts", NULL, 2000, NULL, &err), -EPIPE);
    assert_later(start, 1500);
    assert_soon(start);
    assert_non_null(strstr(err.text, "did not come back"));
    assert_non_null(strstr(err.text, "boom"));
    assert_true(fake_size(FAKE_ATTACHES) >= 3);

    /* A key that changed meanwhile ends it at once. */
    AUTO_TEST_SESSION *other = session_in("");
    kill_connections();
    must_run("ssh-keygen -q -t ed25519 -N '' -f /tmp/other <<E\ny\nE");
    know_host("/tmp/other.pub");
    start = clock_monotonic_ms();
    assert_int_equal(session_call(other, "facts", NULL, 2 * SOON_MS, NULL, &err), -EKEYREJECTED);
    assert_soon(start);
    know_host("/tmp/keys/ed25519.pub");
}

static void expect_arrived(void)
{
    must_run("cmp " FAKE_PART " " BLOB);
}

static int put_blob(struct session *s, const char *digest, uint64_t size, int64_t *sent,
                    struct error *err)
{
    AUTO_BLOB_SOURCE blob = {.fd = open(BLOB, O_RDONLY | O_CLOEXEC), .size = size};
    assert_true(blob.fd >= 0);
    return session_put(s, digest, &blob, sent, err);
}

static void test_put(void **state)
{
    struct error err = ERROR_INIT;
    int64_t sent = 100;

    (void) state;
    NEED_FIXTURE();
    AUTO_TEST_SESSION *s = session_in("");
    assert_int_equal(put_blob(s, blob_digest, BLOB_SIZE, &sent, &err), 0);
    assert_int_equal(sent, 100 + BLOB_SIZE);
    expect_arrived();
    AUTO_FREE char *all = xasprintf("sending %d/%d", BLOB_SIZE, BLOB_SIZE);
    assert_string_equal(last_progress, all);
    expect_works(s);

    AUTO_TEST_SESSION *has = session_in("has-it");
    sent = 0;
    assert_int_equal(put_blob(has, blob_digest, BLOB_SIZE, &sent, &err), 0);
    assert_int_equal(sent, 0);
}

static void test_put_resumes(void **state)
{
    struct error err = ERROR_INIT;
    int64_t sent = 0;

    (void) state;
    NEED_FIXTURE();
    AUTO_TEST_SESSION *s = session_in("cut-put");
    int r = put_blob(s, blob_digest, BLOB_SIZE, &sent, &err);
    if (r < 0)
        fail_msg("%s", err.text);
    assert_int_equal(fake_size(FAKE_ATTACHES), 2);
    expect_arrived();

    /* What an earlier run left: only the rest goes over the wire. */
    AUTO_TEST_SESSION *rest = session_in("");
    must_run("head -c 5000000 " BLOB " > " FAKE_PART);
    sent = 0;
    assert_int_equal(put_blob(rest, blob_digest, BLOB_SIZE, &sent, &err), 0);
    assert_int_equal(sent, BLOB_SIZE - 5000000);
    expect_arrived();
}

/* A part that turns out to be damaged is dropped by the agent, and sent again, once. */
static void test_put_of_damaged_part(void **state)
{
    struct error err = ERROR_INIT;

    (void) state;
    NEED_FIXTURE();
    AUTO_TEST_SESSION *s = session_in("bad-part");
    must_run("head -c 1000 /dev/zero > " FAKE_PART);
    int r = put_blob(s, blob_digest, BLOB_SIZE, NULL, &err);
    if (r < 0)
        fail_msg("%s", err.text);
    expect_arrived();
}

static void test_put_refused(void **state)
{
    struct error err = ERROR_INIT;

    (void) state;
    NEED_FIXTURE();
    AUTO_TEST_SESSION *s = session_in("full");
    assert_int_equal(put_blob(s, blob_digest, BLOB_SIZE, NULL, &err), -ENOSPC);
    expect_works(s);
    AUTO_TEST_SESSION *bad = session_in("bad-offset");
    assert_int_equal(put_blob(bad, blob_digest, BLOB_SIZE, NULL, &err), -EPROTO);
    AUTO_TEST_SESSION *file = session_in("");
    assert_int_equal(put_blob(file, "sha256:x", BLOB_SIZE, NULL, &err), -EINVAL);
    assert_int_equal(put_blob(file, blob_digest, BLOB_SIZE + 1, NULL, &err), -ENODATA);
    expect_works(file);
}

static void prepare(void)
{
    /* Where this program lies may be hidden in here. */
    must_run("cp /proc/1/exe /tmp/test-program");
    fake_blob("#!/bin/sh\n[ \"$1\" = version ] && exit 0\n"
              "exec /tmp/test-program --fake-agent\n");
    must_run("head -c 6303801 /dev/urandom > " BLOB);
    assert_int_equal(digest_file(BLOB, blob_digest, NULL, NULL), 0);
    start_sshd("LogLevel INFO");
    know_host("/tmp/keys/ed25519.pub");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_hello_refused),
        cmocka_unit_test(test_waits_and_is_waited_for),
        cmocka_unit_test(test_hostile_agents),
        cmocka_unit_test(test_words_of_an_agent),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_awaits_leaving),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_cut_link_attaches_again),
        cmocka_unit_test(test_cut_connection_attaches_again),
        cmocka_unit_test(test_link_that_stays_away),
        cmocka_unit_test(test_put),
        cmocka_unit_test(test_put_resumes),
        cmocka_unit_test(test_put_of_damaged_part),
        cmocka_unit_test(test_put_refused),
    };
    if (argc > 1 && strcmp(argv[1], "--fake-agent") == 0)
        return fake_agent();
    fixture_enter();
    if (fixture_ready)
        prepare();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
