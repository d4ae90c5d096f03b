#include "images/launcher/tcp.h"

#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/grammar.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_MS 2000
#define ANSWER_MS 2000
#define AGAIN_MS 500
#define ANSWER_MAX (64 * 1024)

void tcp_address_release(struct tcp_address *a)
{
    free(a->host);
    *a = (struct tcp_address){0};
}

int tcp_address_parse(const char *text, struct tcp_address *out, struct error *err)
{
    uint16_t port;
    const char *colon = strrchr(text, ':');
    bool brackets = text[0] == '[' && colon && colon > text + 2 && colon[-1] == ']';
    if (!colon || colon == text || !grammar_u16(colon + 1, &port))
        return error_set(err, -EINVAL, "expected HOST:PORT, not \"%s\"", text);
    out->host = xstrdup(text + brackets);
    size_t len = (size_t) (colon - text) - brackets;
    out->host[len] = '\0';
    out->port = out->host + len + 1;
    if (brackets)
        out->host[len - 1] = '\0';
    return 0;
}

static int await(int fd, short events, int64_t deadline)
{
    struct pollfd p = {.fd = fd, .events = events};
    int r = poll(&p, 1, clock_left_ms(deadline));
    return r == 1 ? 0 : r == 0 ? -ETIMEDOUT : -errno;
}

/* A connected socket, or -errno. */
static int connect_one(const struct addrinfo *a)
{
    int type = a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, failed = 0;
    socklen_t len = sizeof(failed);
    AUTO_FD fd = socket(a->ai_family, type, a->ai_protocol);
    if (fd < 0)
        return -errno;
    if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
        return TAKE_FD(fd);
    if (errno != EINPROGRESS)
        return -errno;
    int r = await(fd, POLLOUT, clock_monotonic_ms() + CONNECT_MS);
    if (r < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) < 0)
        return r < 0 ? r : -errno;
    return failed ? -failed : TAKE_FD(fd);
}

int tcp_connect(const struct tcp_address *a, struct error *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int e = getaddrinfo(a->host, a->port, &hints, &found), fd = -EADDRNOTAVAIL;
    if (e)
        return error_set(err, -ENOTCONN, "%s: %s", a->host,
                         e == EAI_SYSTEM ? strerror(errno) : gai_strerror(e));
    for (const struct addrinfo *i = found; i && fd < 0; i = i->ai_next)
        fd = connect_one(i);
    freeaddrinfo(found);
    return fd < 0 ? error_set(err, -ENOTCONN, "%s:%s takes no connection: %s", a->host, a->port,
                              strerror(-fd))
                  : fd;
}

int tcp_try(const struct tcp_address *a, struct error *err)
{
    AUTO_FD fd = tcp_connect(a, err);
    return fd < 0 ? fd : 0;
}

int tcp_wait(const struct tcp_address *a, long seconds, const bool *stop, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + seconds * 1000;
    while (tcp_try(a, err) < 0) {
        if (__atomic_load_n(stop, __ATOMIC_RELAXED))
            return error_set(err, -ECANCELED, "stopped");
        if (clock_left_ms(deadline) <= AGAIN_MS) {
            error_prefix(err, "after %ld seconds", seconds);
            err->code = -ETIMEDOUT;
            return -ETIMEDOUT;
        }
        poll(NULL, 0, AGAIN_MS);
    }
    return 0;
}

int tcp_read(int fd, void *data, size_t len)
{
    int64_t deadline = clock_monotonic_ms() + ANSWER_MS;
    char *at = data;
    int r = 0;
    while (len > 0 && (r = await(fd, POLLIN, deadline)) == 0) {
        ssize_t n = read(fd, at, len);
        if (n <= 0)
            return n < 0 ? -errno : -ENODATA;
        at += n;
        len -= (size_t) n;
    }
    return r;
}

static int read_answer(int fd, const char *expected, struct strbuf *answer)
{
    int64_t deadline = clock_monotonic_ms() + ANSWER_MS;
    char part[4096];
    ssize_t n = 1;
    while (n > 0 && !strbuf_full(answer) && await(fd, POLLIN, deadline) == 0) {
        n = read(fd, part, sizeof(part));
        if (n > 0)
            strbuf_add(answer, part, (size_t) n);
        if (strstr(answer->data, expected))
            return 0;
    }
    return -EBADMSG;
}

int tcp_ask(const struct tcp_address *a, const char *text, const char *expected, struct error *err)
{
    STRBUF(answer, ANSWER_MAX);
    STRBUF(shown, ERROR_TEXT_MAX);
    AUTO_FREE char *line = xasprintf("%s\n", text);
    AUTO_FD fd = tcp_connect(a, err);
    if (fd < 0)
        return fd;
    int r = fd_write_all(fd, line, strlen(line));
    if (r < 0)
        return error_errno(err, r, "ask %s:%s", a->host, a->port);
    if (read_answer(fd, expected, &answer) == 0)
        return 0;
    strbuf_add_printable(&shown, answer.data, answer.len);
    return error_set(err, -EBADMSG, "%s:%s says \"%s\", not \"%s\"", a->host, a->port, shown.data,
                     expected);
}
