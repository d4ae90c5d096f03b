#include "tests/unit/unit.h"

#include "iso/answers.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/strv.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

/* A socket on loopback, and its port. */
static int bound(bool listening, uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *) &at, len), 0);
    if (listening)
        assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *) &at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static void test_who_answers(void **state)
{
    (void) state;
    uint16_t open_port, shut_port;
    AUTO_FD open_fd = bound(true, &open_port);
    AUTO_FD shut_fd = bound(false, &shut_port);
    STRV(missing);
    const struct iso_peer peers[] = {{"127.0.0.1", open_port},
                                     {"127.0.0.1", shut_port},
                                     {"a-name.example", shut_port},
                                     {"255.255.255.255", shut_port}};
    iso_answers_missing(peers, ARRAY_SIZE(peers), 2000, &missing);
    assert_int_equal(missing.count, 2);
    assert_string_equal(missing.items[0], "127.0.0.1");
    assert_string_equal(missing.items[1], "255.255.255.255");
}

/* A full queue: the connection is neither taken nor refused. */
static void test_not_for_ever(void **state)
{
    (void) state;
    uint16_t port;
    AUTO_FD fd = bound(false, &port);
    STRV(missing);
    assert_int_equal(listen(fd, 0), 0);
    const struct iso_peer peers[] = {{"127.0.0.1", port}, {"127.0.0.1", port}, {"127.0.0.1", port}};
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int waiting[4];
    for (size_t i = 0; i < ARRAY_SIZE(waiting); i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void) connect(waiting[i], (struct sockaddr *) &at, sizeof(at));
    }
    int64_t began = clock_monotonic_ms();
    iso_answers_missing(peers, ARRAY_SIZE(peers), 300, &missing);
    int64_t took = clock_monotonic_ms() - began;
    assert_true(took >= 300 && took < 5000);
    assert_int_equal(missing.count, 3);
    for (size_t i = 0; i < ARRAY_SIZE(waiting); i++)
        (void) close(waiting[i]);
}

static void test_many(void **state)
{
    (void) state;
    uint16_t port;
    AUTO_FD fd = bound(false, &port);
    struct iso_peer peers[600];
    STRV(missing);
    for (size_t i = 0; i < ARRAY_SIZE(peers); i++)
        peers[i] = (struct iso_peer){"127.0.0.1", port};
    iso_answers_missing(peers, ARRAY_SIZE(peers), 2000, &missing);
    assert_int_equal(missing.count, ARRAY_SIZE(peers));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_answers),
        cmocka_unit_test(test_not_for_ever),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
