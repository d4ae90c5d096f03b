#include "lib/fd.h"
#include "lib/healthz.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

struct server {
    int fd;
    uint16_t port;
    const char *answer;
    pthread_t thread;
};

static void *answer_once(void *userdata)
{
    const struct server *s = userdata;
    AUTO_FD fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
    char request[256];
    if (read(fd, request, sizeof(request)) > 0) {
        fd_write_all(fd, s->answer, strlen(s->answer));
    }
    return NULL;
}

static void serve(struct server *s, const char *answer)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    s->answer = answer;
    assert_int_equal(bind(s->fd, (struct sockaddr *) &at, len), 0);
    assert_int_equal(listen(s->fd, 1), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *) &at, &len), 0);
    s->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, answer_once, s), 0);
}

static void only_status_200_is_healthy(void **state)
{
    (void) state;
    static const struct {
        const char *answer;
        bool healthy;
    } cases[] = {
        {"HTTP/1.0 200 OK\r\n\r\nok", true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true},
        {"HTTP/1.0 500 Internal Server Error\r\n\r\n", false},
        {"200", false},
        {"SSH-2.0-OpenSSH 200 200 200", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct server s;
        serve(&s, cases[i].answer);
        assert_int_equal(healthz_ok(s.port, 2000), cases[i].healthy);
        pthread_join(s.thread, NULL);
        close(s.fd);
    }
}

static void nobody_there_ends_in_time(void **state)
{
    (void) state;
    struct server s;
    serve(&s, "");
    struct error err = ERROR_INIT;
    bool cancel = false;
    assert_false(healthz_ok(s.port, 200));
    pthread_join(s.thread, NULL);
    close(s.fd);
    assert_int_equal(loopback_dial(s.port, 200), -ECONNREFUSED);
    assert_int_equal(healthz_wait("kubelet", s.port, &cancel, 300, &err), -ETIMEDOUT);
    assert_error_has(err, "kubelet");
    cancel = true;
    assert_int_equal(healthz_wait("kubelet", s.port, &cancel, 60000, &err), -ECANCELED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_status_200_is_healthy),
        cmocka_unit_test(nobody_there_ends_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
