#include "lib/tls.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB (1024 * 1024)
#define TURNS 100000

struct certificate {
    struct strbuf cert, key;
};

static struct tls_authority *ours, *foreign;

static int setup(void **state)
{
    (void) state;
    signal(SIGPIPE, SIG_IGN);
    struct error err = ERROR_INIT;
    if (tls_authority_new("0123456789abcdef", &ours, &err) < 0 ||
        tls_authority_new("0123456789abcdef", &foreign, &err) < 0)
        fail_msg("%s", err.text);
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    tls_authority_free(&ours);
    tls_authority_free(&foreign);
    return 0;
}

static void certificate_init(struct certificate *c, struct tls_authority *by, const char *name)
{
    strbuf_init(&c->cert, TLS_PEM_MAX);
    strbuf_init(&c->key, TLS_PEM_MAX);
    assert_int_equal(tls_authority_issue(by, name, &c->cert, &c->key, NULL), 0);
}

static void certificate_release(struct certificate *c)
{
    strbuf_release(&c->cert);
    strbuf_release_secret(&c->key);
}

/* One that trusts `trusts` and shows a certificate of `by`. */
static struct tls_identity *identity(struct tls_authority *by, const char *name,
                                     const struct tls_authority *trusts)
{
    struct error err = ERROR_INIT;
    struct tls_identity *i = NULL;
    CLEANUP(certificate_release) struct certificate c;
    certificate_init(&c, by, name);
    if (tls_identity_new(tls_authority_pem(trusts), c.cert.data, c.key.data, &i, &err) < 0)
        fail_msg("%s", err.text);
    return i;
}

struct pair {
    struct tls_identity *ids[2];
    struct tls *ends[2]; /* server, client */
    struct error errs[2];
};

static void pair_open(struct pair *p, struct tls_identity *server, struct tls_identity *client)
{
    int fds[2];
    *p = (struct pair){.ids = {server, client}};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(tls_new(p->ids[i], fds[i], i == 0, &p->ends[i], &p->errs[i]), 0);
}

static void pair_release(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        tls_free(&p->ends[i]);
        tls_identity_free(&p->ids[i]);
    }
}
#define AUTO_PAIR CLEANUP(pair_release) struct pair

/* Both in turn until neither waits for the other any more. */
static void shake(struct pair *p, int results[2])
{
    results[0] = results[1] = -EAGAIN;
    for (int turn = 0; turn < 100; turn++)
        for (int i = 0; i < 2; i++)
            if (results[i] == -EAGAIN)
                results[i] = tls_handshake(p->ends[i], &p->errs[i]);
}

static void open_good(struct pair *p)
{
    int results[2];
    pair_open(p, identity(ours, "host-1", ours), identity(ours, "host-2", ours));
    shake(p, results);
    assert_int_equal(results[0], 1);
    assert_int_equal(results[1], 1);
}

static void test_both_know_each_other(void **state)
{
    (void) state;
    AUTO_PAIR p;
    open_good(&p);
    assert_string_equal(tls_peer(p.ends[0]), "host-2");
    assert_string_equal(tls_peer(p.ends[1]), "host-1");
    assert_int_equal(tls_handshake(p.ends[0], NULL), 1);
}

static void test_server_refuses_a_foreign_client(void **state)
{
    (void) state;
    AUTO_PAIR p;
    int results[2];
    char byte;
    pair_open(&p, identity(ours, "a", ours), identity(foreign, "b", ours));
    shake(&p, results);
    assert_int_equal(results[0], -EKEYREJECTED);
    assert_true(results[1] == 1 || results[1] == -EPROTO);
    assert_int_equal(tls_read(p.ends[1], &byte, 1, &p.errs[1]), -EPROTO);
}

static void test_client_refuses_a_foreign_server(void **state)
{
    (void) state;
    AUTO_PAIR p;
    int results[2];
    pair_open(&p, identity(foreign, "a", ours), identity(ours, "b", ours));
    shake(&p, results);
    assert_int_equal(results[1], -EKEYREJECTED);
    assert_true(results[0] < 0);
    assert_error_has(p.errs[1], "certificate verify failed");
}

/* One host's certificate does not make it an authority. */
static void test_a_host_cannot_issue(void **state)
{
    (void) state;
    AUTO_PAIR p;
    int results[2];
    CLEANUP(certificate_release) struct certificate a, b;
    certificate_init(&a, ours, "a");
    certificate_init(&b, ours, "b");
    struct tls_identity *trusts_a = NULL;
    assert_int_equal(tls_identity_new(a.cert.data, b.cert.data, b.key.data, &trusts_a, NULL), 0);
    pair_open(&p, trusts_a, identity(ours, "c", ours));
    shake(&p, results);
    assert_int_equal(results[0], -EKEYREJECTED);
}

static void give_all(int fd, const void *data, size_t len)
{
    assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
}

static int listen_somewhere(unsigned *port)
{
    struct sockaddr_in address;
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *) &address, &len), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static pid_t start_openssl_client(unsigned port, const char *option)
{
    AUTO_FREE char *address = xasprintf("127.0.0.1:%u", port);
    pid_t pid = fork();
    if (pid == 0) {
        if (!freopen("/dev/null", "r+", stdin) || !freopen("/dev/null", "w", stdout) ||
            !freopen("/dev/null", "w", stderr))
            _exit(126);
        execlp("openssl", "openssl", "s_client", "-connect", address, option, NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

/* Another program, which shows no certificate. */
static int judge_openssl_client(const char *option)
{
    unsigned port = 0;
    int listener = listen_somewhere(&port), status, r;
    pid_t pid = start_openssl_client(port, option);
    struct tls_identity *id = identity(ours, "a", ours);
    struct tls *t = NULL;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    assert_int_equal(tls_new(id, fd, true, &t, NULL), 0);
    while ((r = tls_handshake(t, NULL)) == -EAGAIN) {
        struct pollfd p = {.fd = tls_fd(t), .events = tls_events(t)};
        assert_int_equal(poll(&p, 1, 5000), 1);
    }
    tls_free(&t);
    tls_identity_free(&id);
    close(listener);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return r;
}

static void test_no_certificate(void **state)
{
    (void) state;
    assert_int_equal(judge_openssl_client("-tls1_3"), -EKEYREJECTED);
}

static void test_tls_1_2(void **state)
{
    (void) state;
    assert_int_equal(judge_openssl_client("-tls1_2"), -EPROTO);
}

static void test_not_tls(void **state)
{
    (void) state;
    static const char http[] = "GET / HTTP/1.1\r\nHost: somebody\r\n\r\n";
    struct error err = ERROR_INIT;
    AUTO_PAIR p;
    pair_open(&p, identity(ours, "a", ours), identity(ours, "b", ours));
    give_all(tls_fd(p.ends[1]), http, sizeof(http) - 1);
    assert_int_equal(tls_handshake(p.ends[0], &err), -EPROTO);
}

static time_t wall_clock;

/* Instead of libc's: what OpenSSL asks. */
time_t time(time_t *out)
{
    if (out)
        *out = wall_clock;
    return wall_clock;
}

static void test_dates_do_not_matter(void **state)
{
    (void) state;
    static const time_t clocks[] = {-86400, 0, 4102444800, 253402300800 + 86400};
    for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
        AUTO_PAIR p;
        wall_clock = clocks[i];
        open_good(&p);
    }
}

/* Sends and reads until `len` bytes each way are through. */
static void exchange_bytes(struct pair *p, const char *data, char *out[2], size_t len)
{
    size_t sent[2] = {0}, got[2] = {0};
    for (int turn = 0; turn < TURNS && (got[0] < len || got[1] < len); turn++) {
        for (int i = 0; i < 2; i++) {
            ssize_t n = tls_write(p->ends[i], data + sent[i], len - sent[i], &p->errs[i]);
            assert_true(n >= 0 || n == -EAGAIN);
            sent[i] += n > 0 ? (size_t) n : 0;
            n = tls_read(p->ends[i], out[i] + got[i], len - got[i] + 1, &p->errs[i]);
            assert_true(n > 0 || n == -EAGAIN);
            got[i] += n > 0 ? (size_t) n : 0;
        }
    }
    assert_int_equal(got[0], len);
    assert_int_equal(got[1], len);
}

static void test_a_mebibyte_both_ways(void **state)
{
    (void) state;
    AUTO_PAIR p;
    open_good(&p);
    AUTO_FREE char *data = xcalloc(MIB, 1), *a = xcalloc(MIB + 1, 1), *b = xcalloc(MIB + 1, 1);
    for (size_t i = 0; i < MIB; i++)
        data[i] = (char) (i * 2654435761u >> 13);
    exchange_bytes(&p, data, (char *[]){a, b}, MIB);
    assert_memory_equal(a, data, MIB);
    assert_memory_equal(b, data, MIB);
}

/* What was sent in one record and read in pieces does not show at the socket any more. */
static void test_pending(void **state)
{
    (void) state;
    char buffer[8];
    AUTO_PAIR p;
    open_good(&p);
    assert_int_equal(tls_write(p.ends[0], "0123456789", 10, NULL), 10);
    assert_int_equal(tls_read(p.ends[1], buffer, 4, NULL), 4);
    assert_true(tls_pending(p.ends[1]));
    assert_int_equal(tls_read(p.ends[1], buffer, 8, NULL), 6);
    assert_memory_equal(buffer, "456789", 6);
    assert_int_equal(tls_read(p.ends[1], buffer, 8, NULL), -EAGAIN);
    assert_false(tls_pending(p.ends[1]));
    assert_int_equal(tls_events(p.ends[1]), POLLIN);
}

static void test_full_socket(void **state)
{
    (void) state;
    AUTO_PAIR p;
    open_good(&p);
    AUTO_FREE char *data = xcalloc(MIB, 1);
    ssize_t n = 0;
    for (int turn = 0; turn < TURNS && n >= 0; turn++)
        n = tls_write(p.ends[0], data, MIB, NULL);
    assert_int_equal(n, -EAGAIN);
    assert_int_equal(tls_events(p.ends[0]), POLLOUT);
}

static void test_goodbye(void **state)
{
    (void) state;
    char byte;
    AUTO_PAIR p;
    open_good(&p);
    assert_int_equal(tls_read(p.ends[1], &byte, 1, NULL), -EAGAIN);
    tls_free(&p.ends[0]);
    assert_int_equal(tls_read(p.ends[1], &byte, 1, NULL), 0);
}

/* A cut is not taken for an end. */
static void test_cut(void **state)
{
    (void) state;
    char byte;
    AUTO_PAIR p;
    open_good(&p);
    shutdown(tls_fd(p.ends[0]), SHUT_RDWR);
    assert_int_equal(tls_read(p.ends[1], &byte, 1, NULL), -EPIPE);
    assert_int_equal(tls_write(p.ends[0], "x", 1, NULL), -EPIPE);
}

static void test_altered_bytes(void **state)
{
    (void) state;
    char byte;
    AUTO_PAIR p;
    open_good(&p);
    /* A record of application data that no key made. */
    static const char record[] = "\x17\x03\x03\x00\x20"
                                 "0123456789abcdef0123456789abcdef";
    give_all(tls_fd(p.ends[0]), record, sizeof(record) - 1);
    assert_int_equal(tls_read(p.ends[1], &byte, 1, NULL), -EPROTO);
}

static void test_names(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "",
        "a b",
        "a/b",
        "a\n",
        "ä",
        "*",
        "1234567890123456789012345678901234567890123456789012345678901234x"};
    STRBUF(cert, TLS_PEM_MAX);
    STRBUF(key, TLS_PEM_MAX);
    struct tls_authority *a = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(tls_authority_issue(ours, bad[i], &cert, &key, NULL), -EINVAL);
        assert_int_equal(tls_authority_new(bad[i], &a, NULL), -EINVAL);
    }
    assert_null(a);
    assert_int_equal(cert.len + key.len, 0);
}

static void test_malformed_identity(void **state)
{
    (void) state;
    const char *ca = tls_authority_pem(ours);
    struct error err = ERROR_INIT;
    struct tls_identity *i = NULL;
    CLEANUP(certificate_release) struct certificate a, b;
    certificate_init(&a, ours, "a");
    certificate_init(&b, ours, "b");
    assert_int_equal(tls_identity_new(ca, a.cert.data, b.key.data, &i, &err), -EINVAL);
    assert_int_equal(tls_identity_new("", a.cert.data, a.key.data, &i, &err), -EINVAL);
    assert_int_equal(tls_identity_new(ca, "nonsense", a.key.data, &i, &err), -EINVAL);
    assert_int_equal(tls_identity_new(ca, a.cert.data, a.cert.data, &i, &err), -EINVAL);
    AUTO_FREE char *giant = xcalloc(TLS_PEM_MAX + 2, 1);
    memset(giant, '\n', TLS_PEM_MAX + 1);
    assert_int_equal(tls_identity_new(giant, a.cert.data, a.key.data, &i, &err), -EINVAL);
    assert_null(i);
}

static void test_request(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    STRBUF(request, TLS_PEM_MAX);
    STRBUF(key, TLS_PEM_MAX);
    STRBUF(other, TLS_PEM_MAX);
    assert_int_equal(tls_request_make("ada@example.com", "bigtop:projects", &request, &key, &err),
                     0);
    assert_non_null(strstr(request.data, "-----BEGIN CERTIFICATE REQUEST-----"));
    assert_non_null(strstr(key.data, "PRIVATE KEY-----"));
    assert_null(strstr(request.data, "PRIVATE"));
    assert_int_equal(tls_request_make("ada@example.com", "bigtop:projects", &request, &other, &err),
                     0);
    assert_string_not_equal(key.data, other.data);
    static const char too_long[] = "a1234567890123456789012345678901"
                                   "123456789012345678901234567890123";
    assert_int_equal(strlen(too_long), 65);
    static const char *const bad[] = {"", "a b", "a/b", "a\nb", "a,CN=b", too_long};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(tls_request_make(bad[i], "o", &request, &key, &err), -EINVAL);
        assert_int_equal(tls_request_make("ada", bad[i], &request, &key, &err), -EINVAL);
    }
}

static void strings(struct strv *out, const char *one, const char *other)
{
    strv_add(out, one);
    if (other)
        strv_add(out, other);
}

static void test_server(void **state)
{
    (void) state;
    AUTO_TLS_AUTHORITY *made = NULL, *loaded = NULL, *stranger = NULL;
    STRBUF(ca_key, TLS_PEM_MAX);
    STRBUF(cert, TLS_PEM_MAX);
    STRBUF(key, TLS_PEM_MAX);
    STRV(names);
    STRV(fewer);
    STRV(others);
    strings(&names, "lab.example", "*.lab.example");
    strings(&fewer, "trino.lab.example", NULL);
    strings(&others, "lab.example", "lab.other");
    assert_int_equal(tls_authority_new("bigtop", &made, NULL), 0);
    assert_int_equal(tls_authority_new("bigtop", &stranger, NULL), 0);
    assert_int_equal(tls_authority_key(made, &ca_key, NULL), 0);
    assert_int_equal(tls_authority_load(tls_authority_pem(made), ca_key.data, &loaded, NULL), 0);
    assert_string_equal(tls_authority_pem(made), tls_authority_pem(loaded));
    wall_clock = 1700000000;
    assert_int_equal(tls_authority_issue_server(loaded, &names, 100, &cert, &key, NULL), 0);
    assert_true(tls_authority_vouches(made, cert.data, &names, 99));
    assert_true(tls_authority_vouches(made, cert.data, &fewer, 99));
    assert_false(tls_authority_vouches(made, cert.data, &names, 101));
    assert_false(tls_authority_vouches(made, cert.data, &others, 99));
    assert_false(tls_authority_vouches(stranger, cert.data, &names, 99));
    assert_false(tls_authority_vouches(made, "nothing", &names, 99));
    wall_clock += 60 * 86400;
    assert_true(tls_authority_vouches(made, cert.data, &names, 39));
    assert_false(tls_authority_vouches(made, cert.data, &names, 41));
    AUTO_TLS_IDENTITY *identity = NULL;
    assert_int_equal(
        tls_identity_new(tls_authority_pem(made), cert.data, key.data, &identity, NULL), 0);
}

static void test_server_refusals(void **state)
{
    (void) state;
    static const char *const bad[] = {"", "a b", "x,DNS:y", "*.*.z", "*", "UPPER.example"};
    AUTO_TLS_AUTHORITY *one = NULL, *other = NULL, *none = NULL;
    STRBUF(key, TLS_PEM_MAX);
    STRBUF(out, TLS_PEM_MAX);
    STRV(names);
    wall_clock = 1700000000;
    assert_int_equal(tls_authority_new("one", &one, NULL), 0);
    assert_int_equal(tls_authority_new("other", &other, NULL), 0);
    assert_int_equal(tls_authority_issue_server(one, &names, 9, &out, &out, NULL), -EINVAL);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        STRV(wrong);
        strv_add(&wrong, bad[i]);
        assert_int_equal(tls_authority_issue_server(one, &wrong, 9, &out, &out, NULL), -EINVAL);
    }
    AUTO_TLS_AUTHORITY *same = NULL;
    strv_add(&names, "lab.example");
    assert_int_equal(tls_authority_new("server", &same, NULL), 0);
    assert_int_equal(tls_authority_issue_server(same, &names, 9, &out, &out, NULL), -EIO);
    assert_int_equal(out.len, 0);
    assert_int_equal(tls_authority_key(other, &key, NULL), 0);
    assert_int_equal(tls_authority_load(tls_authority_pem(one), key.data, &none, NULL), -EINVAL);
    assert_int_equal(tls_authority_load("", "", &none, NULL), -EINVAL);
    assert_null(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_know_each_other),
        cmocka_unit_test(test_server_refuses_a_foreign_client),
        cmocka_unit_test(test_client_refuses_a_foreign_server),
        cmocka_unit_test(test_a_host_cannot_issue),
        cmocka_unit_test(test_no_certificate),
        cmocka_unit_test(test_tls_1_2),
        cmocka_unit_test(test_not_tls),
        cmocka_unit_test(test_dates_do_not_matter),
        cmocka_unit_test(test_a_mebibyte_both_ways),
        cmocka_unit_test(test_pending),
        cmocka_unit_test(test_full_socket),
        cmocka_unit_test(test_goodbye),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_altered_bytes),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_malformed_identity),
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_server),
        cmocka_unit_test(test_server_refusals),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
