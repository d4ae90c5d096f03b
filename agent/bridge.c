#include "agent/bridge.h"

#include "lib/fd.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <unistd.h>

#define BUFFER_SIZE (256 * 1024)

struct direction {
    int from, to;
    size_t start, end; /* bytes of buffer that are to be written */
    bool at_end;
    char buffer[BUFFER_SIZE];
};

static bool is_empty(const struct direction *d)
{
    return d->start == d->end;
}

static int fill(struct direction *d)
{
    ssize_t n = read(d->from, d->buffer, sizeof d->buffer);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    d->at_end = n == 0;
    d->start = 0;
    d->end = (size_t) n;
    return 0;
}

static int drain(struct direction *d)
{
    ssize_t n = write(d->to, d->buffer + d->start, d->end - d->start);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    d->start += (size_t) n;
    return 0;
}

/* Either side: reads when there is room for it, writes what there is. */
static int move(struct direction *d, short readable, short writable)
{
    int r = 0;
    if (is_empty(d) && !d->at_end && readable)
        r = fill(d);
    else if (!is_empty(d) && writable)
        r = drain(d);
    return r;
}

static void prepare(const struct direction *d, struct pollfd *polls)
{
    polls[0] = (struct pollfd){.fd = is_empty(d) ? d->from : -1, .events = POLLIN};
    polls[1] = (struct pollfd){.fd = is_empty(d) ? -1 : d->to, .events = POLLOUT};
}

static bool is_over(const struct direction *d)
{
    return d->at_end && is_empty(d);
}

static int move_all(struct direction *out, struct direction *in)
{
    while (!is_over(out) && !is_over(in)) {
        struct pollfd polls[4];
        prepare(out, polls);
        prepare(in, polls + 2);
        if (poll(polls, ARRAY_SIZE(polls), -1) < 0 && errno != EINTR)
            return -errno;
        int r = move(out, polls[0].revents, polls[1].revents);
        if (r >= 0)
            r = move(in, polls[2].revents, polls[3].revents);
        if (r < 0)
            return r;
    }
    return 0;
}

int bridge(int left_in, int left_out, int right, struct error *err)
{
    AUTO_FREE struct direction *out = xcalloc(1, sizeof *out);
    AUTO_FREE struct direction *in = xcalloc(1, sizeof *in);
    out->from = left_in;
    out->to = in->from = right;
    in->to = left_out;
    if (fd_set_nonblocking(left_in) < 0 || fd_set_nonblocking(left_out) < 0 ||
        fd_set_nonblocking(right) < 0)
        return error_errno(err, -errno, "make the streams non-blocking");
    int r = move_all(out, in);
    return r == 0 || r == -EPIPE || r == -ECONNRESET ? 0 : error_errno(err, r, "carry bytes");
}
