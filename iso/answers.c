#include "iso/answers.h"

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/fd.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define AT_ONCE 256 /* descriptors */

/* The descriptor of a connection that is under way; -1: not even that; -2: nothing to ask. */
static int begin(const struct iso_peer *peer)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    char port[8];
    (void) snprintf(port, sizeof(port), "%u", peer->port);
    if (getaddrinfo(peer->address, port, &hints, &found) != 0)
        return -2;
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) < 0 && errno != EINPROGRESS)
        fd_close(&fd);
    freeaddrinfo(found);
    return fd < 0 ? -1 : fd;
}

static bool is_connected(int fd)
{
    int code = 0;
    socklen_t len = sizeof(code);
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) == 0 && code == 0;
}

/* Those that have an outcome leave the poll: .fd becomes negative. */
static void take_outcomes(struct pollfd *polled, bool *answers, size_t count, size_t *left)
{
    for (size_t i = 0; i < count; i++) {
        if (polled[i].fd < 0 || polled[i].revents == 0)
            continue;
        answers[i] = is_connected(polled[i].fd);
        fd_close(&polled[i].fd);
        (*left)--;
    }
}

static void ask(const struct iso_peer *peers, size_t count, int ms, struct strv *missing)
{
    struct pollfd polled[AT_ONCE] = {0};
    bool answers[AT_ONCE] = {0};
    size_t left = 0;
    int64_t until = clock_monotonic_ms() + ms;
    for (size_t i = 0; i < count; i++) {
        int fd = begin(&peers[i]);
        polled[i] = (struct pollfd){.fd = fd, .events = POLLOUT};
        answers[i] = fd == -2;
        left += fd >= 0;
    }
    for (int64_t now; left > 0 && (now = clock_monotonic_ms()) < until;)
        if (poll(polled, count, (int) (until - now)) > 0)
            take_outcomes(polled, answers, count, &left);
    for (size_t i = 0; i < count; i++) {
        if (polled[i].fd >= 0)
            fd_close(&polled[i].fd);
        if (!answers[i])
            strv_add(missing, peers[i].address);
    }
}

void iso_answers_missing(const struct iso_peer *peers, size_t count, int ms, struct strv *missing)
{
    for (size_t at = 0; at < count; at += AT_ONCE)
        ask(peers + at, count - at < AT_ONCE ? count - at : AT_ONCE, ms, missing);
}
