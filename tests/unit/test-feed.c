/* The distribution to one host, over a real sshd, with a fake agent at the other end. */
#include "coordinator/feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/sshd-fixture.h"

#include "tests/unit/fake-agent.h"
#include "tests/unit/fake-blob.h"

#define RUN "0123456789abcdef0123456789abcdef"
#define BUNDLE "/tmp/bundle"
#define LAST_SIZE 1000 /* of the last chunk */
#define BLOB_SIZE ((FAKE_CHUNK_COUNT - 1) * CHUNK_SIZE + LAST_SIZE)

static struct host host = {
    .address = "127.0.0.1", .port = SSHD_PORT, .user = "root", .key = ROOT_KEY};
static char digest[DIGEST_SIZE];
static struct bundle bundle;
static char warned[512];

static void note_warning(void *userdata, const char *text)
{
    (void) userdata;
    snprintf(warned, sizeof(warned), "%s", text);
}

struct fed {
    struct distribution *d;
    struct session *s;
    struct feed *f;
};

static void fed_release(struct fed *x)
{
    session_close(&x->s);
    feed_free(&x->f);
    distribution_free(&x->d);
}
#define AUTO_FED CLEANUP(fed_release) struct fed

/* Begins to feed a host that behaves as `mode` says; it is the first of two. */
static void begin(struct fed *x, const char *mode)
{
    static const char *const addresses[] = {"10.0.0.1", "10.0.0.2"};
    struct session_options o = {.run = RUN,
                                .who = "tester@here",
                                .known_hosts = KNOWN_HOSTS,
                                .lock = true,
                                .never_ask = true};
    struct error err = ERROR_INIT;

    must_run("rm -rf " FAKE_DIR "; mkdir " FAKE_DIR);
    put_file(FAKE_MODE, mode, 0600);
    warned[0] = '\0';
    if (distribution_new(&bundle, RUN, &STRV_INIT, addresses, 2, &x->d, &err) < 0 ||
        session_open(&host, &o, &x->s, &err) < 0 ||
        feed_new(x->d, 0, note_warning, NULL, &x->f, &err) < 0)
        fail_msg("%s", err.text);
    session_set_beside(x->s, feed_beside(x->f));
    feed_want(x->f, digest);
    assert_false(distribution_settled(x->d));
}

static int attend_until(struct fed *x, bool (*is_over)(const struct fed *x), struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + 20000;
    int r = 0;
    while (r == 0 && !is_over(x)) {
        if (clock_left_ms(deadline) == 0)
            fail_msg("not over after 20 s");
        r = session_attend(x->s, 50, err);
    }
    return r;
}

static bool has_it(const struct fed *x)
{
    return feed_has(x->f, digest);
}

static bool has_failed(const struct fed *x)
{
    return feed_failure(x->f, NULL) < 0;
}

static void expect_arrived(void)
{
    STRBUF(out, 4096);
    if (shell(&out, "cd " FAKE_CHUNKS " && cat 0 1 2 3 4 5 6 7 | cmp - " BUNDLE "/blobs/sha256/%s",
              digest + 7) != 0)
        fail_msg("not what was sent: %s", out.data);
}

static void test_feeds(void **state)
{
    (void) state;
    NEED_FIXTURE();
    AUTO_FED x = {0};
    struct error err = ERROR_INIT;
    begin(&x, "");
    if (attend_until(&x, has_it, &err) < 0)
        fail_msg("%s", err.text);
    expect_arrived();
    assert_true(feed_has_all(x.f));
    assert_true(distribution_settled(x.d));
    assert_int_equal(feed_sent(x.f), BLOB_SIZE);
    assert_int_equal(feed_share(x.f).own, BLOB_SIZE);
    assert_int_equal(feed_share(x.f).here, BLOB_SIZE);
    assert_int_equal(x.d->size, BLOB_SIZE);
    assert_int_equal(fake_size(FAKE_CALLS), 1);
}

/* What the call says, and that nothing secret of it is a secret of others. */
static void test_introduces_the_host(void **state)
{
    (void) state;
    NEED_FIXTURE();
    AUTO_FED x = {0};
    struct tls_identity *identity = NULL;
    struct error err = ERROR_INIT;
    begin(&x, "");
    assert_int_equal(attend_until(&x, has_it, &err), 0);
    AUTO_FREE char *text = get_file(FAKE_CALL);
    AUTO_JSON *call = json_parse(text, strlen(text), "call", NULL);
    assert_string_equal(json_get_string(call, "self", ""), "0");
    assert_string_equal(json_get_string(call, "manifest", ""), bundle.digest);
    assert_int_equal(json_get_int(call, "port", 0), EXCHANGE_PORT);
    AUTO_JSON *peers = json_pack("[{s:s, s:s}]", "id", "1", "address", "10.0.0.2");
    assert_true(json_equal(json_object_get(call, "peers"), peers));
    int r = tls_identity_new(json_get_string(call, "ca", ""), json_get_string(call, "cert", ""),
                             json_get_string(call, "key", ""), &identity, &err);
    if (r < 0)
        fail_msg("%s", err.text);
    tls_identity_free(&identity);
}

/* Another call goes on while chunks flow. */
static void test_feeds_beside_a_call(void **state)
{
    (void) state;
    NEED_FIXTURE();
    AUTO_FED x = {0};
    struct error err = ERROR_INIT;
    begin(&x, "silent");
    assert_int_equal(session_call(x.s, "facts", NULL, 2000, NULL, &err), -ETIMEDOUT);
    assert_true(has_it(&x));
    expect_arrived();
}

static void test_resumes_on_a_new_link(void **state)
{
    (void) state;
    NEED_FIXTURE();
    AUTO_FED x = {0};
    struct error err = ERROR_INIT;
    begin(&x, "cut-exchange");
    if (attend_until(&x, has_it, &err) < 0)
        fail_msg("%s", err.text);
    expect_arrived();
    assert_int_equal(fake_size(FAKE_ATTACHES), 2);
    assert_in_range(feed_sent(x.f), BLOB_SIZE, BLOB_SIZE + EXCHANGE_WINDOW);
}

static bool has_it_again(const struct fed *x)
{
    return feed_sent(x->f) > BLOB_SIZE && has_it(x);
}

/* The host had all, and comes back with half of it. */
static void test_sends_again_what_got_lost(void **state)
{
    (void) state;
    NEED_FIXTURE();
    AUTO_FED x = {0};
    struct error err = ERROR_INIT;
    begin(&x, "forgets");
    if (attend_until(&x, has_it, &err) < 0 || attend_until(&x, has_it_again, &err) < 0)
        fail_msg("%s", err.text);
    expect_arrived();
    assert_int_equal(feed_sent(x.f), BLOB_SIZE + 4 * CHUNK_SIZE);
    assert_true(distribution_settled(x.d));
}

static struct session_beside failing;
static const struct session_beside *real;

static int64_t begin_and_break(void *userdata, struct link *l, struct error *err)
{
    int64_t id = real->begin(userdata, l, err);
    failing.begin = real->begin;
    return id < 0 ? id : error_set(err, -EPIPE, "broke while it was written");
}

/* The link breaks in the call itself: all of it is said again on the next one. */
static void test_breaks_while_it_begins(void **state)
{
    (void) state;
    NEED_FIXTURE();
    AUTO_FED x = {0};
    struct error err = ERROR_INIT;
    begin(&x, "");
    real = feed_beside(x.f);
    failing = *real;
    failing.begin = begin_and_break;
    session_set_beside(x.s, &failing);
    if (attend_until(&x, has_it, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(fake_size(FAKE_ATTACHES), 2);
    AUTO_FREE char *text = get_file(FAKE_CALL);
    AUTO_JSON *call = json_parse(text, strlen(text), "call", NULL);
    assert_int_equal(json_array_size(json_object_get(call, "want")), 1);
}

/* What a link repeats is no progress: nobody is to wait for it without end. */
static void test_moves_by_news_only(void **state)
{
    (void) state;
    NEED_FIXTURE();
    AUTO_FED x = {0};
    begin(&x, "");
    assert_int_equal(attend_until(&x, has_it, NULL), 0);
    distribution_moved(x.d, 1);
    char other[DIGEST_SIZE];
    digest_buffer("other", 5, other);
    feed_want(x.f, other); /* and so all is reported once more */
    for (int i = 0; i < 200 && !feed_has(x.f, other); i++)
        assert_int_equal(session_attend(x.s, 50, NULL), 0);
    assert_true(feed_has(x.f, other));
    assert_int_equal(distribution_moved_ms(x.d), 1);
}

static void test_adds_wants(void **state)
{
    (void) state;
    NEED_FIXTURE();
    AUTO_FED x = {0};
    begin(&x, "");
    assert_int_equal(attend_until(&x, has_it, NULL), 0);
    char other[DIGEST_SIZE];
    digest_buffer("other", 5, other);
    feed_want(x.f, other);
    feed_want(x.f, digest);
    assert_false(distribution_settled(x.d));
    for (int i = 0; i < 200 && !feed_has(x.f, other); i++)
        assert_int_equal(session_attend(x.s, 50, NULL), 0);
    assert_true(feed_has(x.f, other));
    assert_true(distribution_settled(x.d));
    assert_int_equal(fake_size(FAKE_CALLS), 2);
    AUTO_FREE char *text = get_file(FAKE_CALL);
    AUTO_JSON *call = json_parse(text, strlen(text), "call", NULL);
    assert_int_equal(json_array_size(json_object_get(call, "want")), 1);
}

static void test_refused(void **state)
{
    (void) state;
    NEED_FIXTURE();
    AUTO_FED x = {0};
    struct error err = ERROR_INIT;
    begin(&x, "no-exchange");
    assert_int_equal(attend_until(&x, has_failed, &err), 0);
    assert_int_equal(feed_failure(x.f, &err), -ENOSPC);
    assert_string_equal(err.text, "no room");
    assert_false(feed_has_all(x.f)); /* though it never said that it lacks a chunk */
    assert_int_equal(session_call(x.s, "facts", NULL, 5000, NULL, &err), 0);
}

static void test_damaged_bundle(void **state)
{
    (void) state;
    NEED_FIXTURE();
    AUTO_FED x = {0};
    struct error err = ERROR_INIT;
    begin(&x, "damaged");
    assert_int_equal(attend_until(&x, has_failed, &err), 0);
    assert_int_equal(feed_failure(x.f, &err), -EBADMSG);
    assert_non_null(strstr(err.text, digest));
    assert_non_null(strstr(err.remedy, "bundle verify " BUNDLE));
}

/* A blob that is gone is the bundle's fault: said at once, not tried for ever. */
static void test_missing_blob(void **state)
{
    (void) state;
    NEED_FIXTURE();
    AUTO_FED x = {0};
    struct error err = ERROR_INIT;
    begin(&x, "");
    must_run("mv " BUNDLE "/blobs/sha256 " BUNDLE "/blobs/away");
    assert_true(attend_until(&x, has_failed, &err) <= 0);
    must_run("mv " BUNDLE "/blobs/away " BUNDLE "/blobs/sha256");
    assert_int_equal(feed_failure(x.f, &err), -EBADMSG);
    assert_non_null(strstr(err.text, digest));
}

static void test_warns_of_dropped_peers(void **state)
{
    (void) state;
    NEED_FIXTURE();
    AUTO_FED x = {0};
    begin(&x, "dropped");
    assert_int_equal(attend_until(&x, has_it, NULL), 0);
    assert_non_null(strstr(warned, "10.0.0.2"));
    assert_non_null(strstr(warned, "it lied"));
    assert_null(strchr(warned, '\033'));
}

static void test_nonsense(void **state)
{
    static const char *const modes[] = {"far-range", "no-range", "no-array"};

    (void) state;
    NEED_FIXTURE();
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        AUTO_FED x = {0};
        struct error err = ERROR_INIT;
        begin(&x, modes[i]);
        int r = attend_until(&x, has_it, &err);
        if (r != -EPROTO)
            fail_msg("%s: %d %s", modes[i], r, err.text);
    }
    AUTO_FED odd = {0};
    begin(&odd, "odd-peers");
    assert_int_equal(attend_until(&odd, has_it, NULL), 0);
    assert_int_equal(feed_failure(odd.f, NULL), 0);
    assert_string_equal(warned, "");
}

static bool has_peer(const json_t *peers, size_t id)
{
    size_t i;
    json_t *peer;
    json_array_foreach(peers, i, peer) {
        if (strtoul(json_get_string(peer, "id", "x"), NULL, 10) == id)
            return true;
    }
    return false;
}

/* Everybody in few steps, both sides agree, none with more than eight; absent ones left out. */
static void test_peers(void **state)
{
    enum { COUNT = 300, ABSENT = 7 };
    const char *addresses[COUNT];
    struct distribution *d = NULL;
    (void) state;
    for (size_t i = 0; i < COUNT; i++)
        addresses[i] = i == ABSENT ? NULL : "10.0.0.1";
    assert_int_equal(distribution_new(&bundle, RUN, &STRV_INIT, addresses, COUNT, &d, NULL), 0);
    json_t *peers[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        peers[i] = i == ABSENT ? json_array() : distribution_peers(d, i);
    int steps[COUNT] = {0}, most = 0;
    for (int step = 1; step < COUNT; step++)
        for (size_t i = 0; i < COUNT; i++)
            for (size_t k = 0; k < COUNT && (i == 0 ? 0 : steps[i]) == step - 1; k++)
                if (k != 0 && steps[k] == 0 && (i == 0 || steps[i] > 0) && has_peer(peers[i], k))
                    most = steps[k] = step;
    for (size_t i = 0; i < COUNT; i++) {
        assert_in_range(json_array_size(peers[i]), i == ABSENT ? 0 : 6, 2 * DISTRIBUTION_REACH);
        assert_true(i == 0 || i == ABSENT || steps[i] > 0);
        for (size_t k = 0; k < COUNT; k++)
            assert_int_equal(has_peer(peers[i], k), has_peer(peers[k], i));
    }
    assert_in_range(most, 2, 8);
    for (size_t i = 0; i < COUNT; i++)
        json_decref(peers[i]);
    distribution_free(&d);
}

static void test_settles(void **state)
{
    static const char *const addresses[] = {"10.0.0.1", "10.0.0.2"};
    struct distribution *d = NULL;
    (void) state;
    assert_int_equal(distribution_new(&bundle, RUN, &STRV_INIT, addresses, 2, &d, NULL), 0);
    assert_true(distribution_settled(d));
    distribution_open(d, 0);
    distribution_open(d, 0);
    distribution_open(d, 1);
    distribution_close(d, 0);
    assert_false(distribution_settled(d));
    distribution_leave(d, 1);
    assert_true(distribution_settled(d));
    distribution_free(&d);
}

static void make_bundle(void)
{
    json_t *hashes = json_array();
    must_run("mkdir -p " BUNDLE "/blobs/sha256");
    AUTO_FREE char *make = xasprintf("head -c %d /dev/urandom > /tmp/payload", BLOB_SIZE);
    must_run(make);
    assert_int_equal(digest_file("/tmp/payload", digest, NULL, NULL), 0);
    AUTO_FREE char *path = xasprintf(BUNDLE "/blobs/sha256/%s", digest + 7);
    assert_int_equal(rename("/tmp/payload", path), 0);
    for (int i = 0; i < FAKE_CHUNK_COUNT; i++)
        json_array_append_new(hashes, json_string(digest + 7));
    AUTO_JSON *list =
        json_pack("{s:i, s:s, s:s, s:i, s:[{s:s, s:s, s:s, s:[s], s:s}], s:{s:i}, s:{s:o}, s:{}}",
                  "schema", BUNDLE_SCHEMA, "product", "test", "architecture", "amd64", "serial", 1,
                  "components", "name", "a", "kind", "files", "version", "1", "roles", "worker",
                  "blob", digest, "blobs", digest, BLOB_SIZE, "chunks", digest, hashes, "sources");
    AUTO_FREE char *text = json_canonical(list);
    put_file(BUNDLE "/" BUNDLE_MANIFEST, text, 0644);
    struct error err = ERROR_INIT;
    if (bundle_open(BUNDLE, NULL, &bundle, &err) < 0)
        fail_msg("%s", err.text);
}

static void prepare(void)
{
    must_run("cp /proc/1/exe /tmp/test-program");
    fake_blob("#!/bin/sh\n[ \"$1\" = version ] && exit 0\n"
              "exec /tmp/test-program --fake-agent\n");
    start_sshd("LogLevel INFO");
    know_host("/tmp/keys/ed25519.pub");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_feeds),
        cmocka_unit_test(test_introduces_the_host),
        cmocka_unit_test(test_feeds_beside_a_call),
        cmocka_unit_test(test_resumes_on_a_new_link),
        cmocka_unit_test(test_sends_again_what_got_lost),
        cmocka_unit_test(test_breaks_while_it_begins),
        cmocka_unit_test(test_moves_by_news_only),
        cmocka_unit_test(test_adds_wants),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_damaged_bundle),
        cmocka_unit_test(test_missing_blob),
        cmocka_unit_test(test_warns_of_dropped_peers),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_peers),
        cmocka_unit_test(test_settles),
    };
    if (argc > 1 && strcmp(argv[1], "--fake-agent") == 0)
        return fake_agent();
    fixture_enter();
    if (fixture_ready) {
        prepare();
        make_bundle();
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
