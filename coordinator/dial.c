#include "coordinator/dial.h"

#include "lib/clock.h"
#include "lib/fd.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define SLICE_MS 200

static void free_addresses(struct addrinfo **list)
{
    if (*list)
        freeaddrinfo(*list);
}

static void set_option(int fd, int level, int name, int value)
{
    (void) setsockopt(fd, level, name, &value, sizeof(value));
}

static void set_options(int fd)
{
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 10);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 2);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, DIAL_SILENCE_MS);
}

static int wait_connected(int fd, int64_t deadline_ms, const bool *cancel)
{
    for (;;) {
        int left = clock_left_ms(deadline_ms), failure = 0;
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        socklen_t len = sizeof(failure);

        if (cancel && *cancel)
            return -ECANCELED;
        if (left == 0)
            return -ETIMEDOUT;
        if (poll(&p, 1, left < SLICE_MS ? left : SLICE_MS) <= 0)
            continue;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &len) < 0)
            return -errno;
        return -failure;
    }
}

static int connect_one(const struct addrinfo *ai, int64_t deadline_ms, const bool *cancel)
{
    AUTO_FD fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    set_options(fd);
    if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0) {
        int r = errno == EINPROGRESS ? wait_connected(fd, deadline_ms, cancel) : -errno;
        if (r < 0)
            return r;
    }
    return TAKE_FD(fd);
}

static int explain(int code, const char *address, uint16_t port, struct error *err)
{
    if (code == -ECANCELED)
        return error_set(err, code, "connect to %s port %u: interrupted", address, port);
    error_errno(err, code, "connect to %s port %u", address, port);
    if (code == -ECONNREFUSED)
        error_remedy(err, "start sshd on the host, or set its port in hosts.yaml");
    else
        error_remedy(err,
                     "check that the host is on, that its address is right and that a "
                     "firewall lets port %u through",
                     port);
    return code;
}

int dial_tcp(const char *address, uint16_t port, int64_t deadline_ms, const bool *cancel,
             struct error *err)
{
    CLEANUP(free_addresses) struct addrinfo *list = NULL;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    char service[8];
    int left = 0, r = -EHOSTUNREACH;

    snprintf(service, sizeof(service), "%u", port);
    int failure = getaddrinfo(address, service, &hints, &list);
    if (failure) {
        error_set(err, -EHOSTUNREACH, "find the address of %s: %s", address, gai_strerror(failure));
        return error_remedy(err, "check the name, or write the host's IP address in hosts.yaml");
    }
    for (const struct addrinfo *ai = list; ai; ai = ai->ai_next)
        left++;
    for (const struct addrinfo *ai = list; ai; ai = ai->ai_next, left--) {
        /* An address that drops everything must leave time for the next one. */
        int64_t until = clock_monotonic_ms() + clock_left_ms(deadline_ms) / left;
        r = connect_one(ai, until, cancel);
        if (r >= 0 || r == -ECANCELED)
            break;
    }
    return r >= 0 ? r : explain(r, address, port, err);
}
