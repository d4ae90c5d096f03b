#include "agent/reach.h"

#include "lib/clock.h"
#include "lib/digest.h"
#include "lib/protocol.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROBE_LEN 16  /* bytes of a UDP probe: an answer must bring back the same */
#define RESEND_MS 300 /* a UDP probe may be lost on its way */
#define TIMEOUT_DEFAULT_MS 2000
#define TIMEOUT_MAX_MS 60000

struct target {
    struct sockaddr_storage address;
    socklen_t address_len;
    bool is_udp, is_over;
    int fd;
    int error; /* errno; 0 when it was reached */
    int64_t sent_at;
    unsigned char probe[PROBE_LEN];
};

static int parse_protocol(const json_t *j, bool *is_udp, struct error *err)
{
    const char *protocol = json_get_string(j, "protocol", "tcp");
    *is_udp = strcmp(protocol, "udp") == 0;
    if (*is_udp || strcmp(protocol, "tcp") == 0)
        return 0;
    return error_set(err, -EINVAL, "protocol must be tcp or udp");
}

static int parse_port(const json_t *j, in_port_t *port, struct error *err)
{
    int64_t number = json_get_int(j, "port", 0);
    if (number < 1 || number > 65535)
        return error_set(err, -EINVAL, "port must be 1 to 65535");
    *port = htons((uint16_t) number);
    return 0;
}

static int parse_address(struct target *t, const char *text, in_port_t port, struct error *err)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *) &t->address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) &t->address;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = port;
        t->address_len = sizeof *v4;
    } else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = port;
        t->address_len = sizeof *v6;
    } else {
        return error_set(err, -EINVAL, "\"%.64s\" is not an IP address", text);
    }
    return 0;
}

static int parse_target(const json_t *j, struct target *t, struct error *err)
{
    in_port_t port = 0;
    t->fd = -1;
    int r = parse_protocol(j, &t->is_udp, err);
    if (r >= 0)
        r = parse_port(j, &port, err);
    return r < 0 ? r : parse_address(t, json_get_string(j, "address", ""), port, err);
}

static void end_target(struct target *t, int error)
{
    t->error = error;
    t->is_over = true;
    if (t->fd >= 0)
        close(t->fd);
    t->fd = -1;
}

static void send_probe(struct target *t)
{
    t->sent_at = clock_monotonic_ms();
    if (send(t->fd, t->probe, sizeof t->probe, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
        end_target(t, errno);
}

static void start_target(struct target *t)
{
    int type = (t->is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
    t->fd = socket(t->address.ss_family, type, 0);
    if (t->fd < 0) {
        end_target(t, errno);
        return;
    }
    random_bytes(t->probe, sizeof t->probe);
    if (connect(t->fd, (struct sockaddr *) &t->address, t->address_len) < 0 && errno != EINPROGRESS)
        end_target(t, errno);
    else if (t->is_udp)
        send_probe(t);
}

static void look_at_udp(struct target *t)
{
    unsigned char answer[PROBE_LEN];
    ssize_t n = recv(t->fd, answer, sizeof answer, 0);
    if (n < 0 && errno != EAGAIN)
        end_target(t, errno);
    else if (n == PROBE_LEN && memcmp(answer, t->probe, PROBE_LEN) == 0)
        end_target(t, 0);
}

static void look_at_tcp(struct target *t)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    end_target(t, error);
}

static size_t collect_polls(struct target *targets, size_t count, struct pollfd *polls)
{
    size_t open = 0;
    for (size_t i = 0; i < count; i++) {
        polls[i] = (struct pollfd){.fd = targets[i].is_over ? -1 : targets[i].fd,
                                   .events = targets[i].is_udp ? POLLIN : POLLOUT};
        open += !targets[i].is_over;
    }
    return open;
}

static void look_at_all(struct target *targets, size_t count, const struct pollfd *polls)
{
    for (size_t i = 0; i < count; i++) {
        struct target *t = &targets[i];
        if (t->is_over)
            continue;
        if (polls[i].revents)
            (t->is_udp ? look_at_udp : look_at_tcp)(t);
        else if (t->is_udp && clock_monotonic_ms() - t->sent_at >= RESEND_MS)
            send_probe(t);
    }
}

static void try_all(struct target *targets, size_t count, int timeout_ms)
{
    struct pollfd polls[REACH_TARGETS_MAX];
    int64_t deadline = clock_monotonic_ms() + timeout_ms;
    for (size_t i = 0; i < count; i++)
        start_target(&targets[i]);
    while (collect_polls(targets, count, polls) > 0) {
        int left = clock_left_ms(deadline);
        if (left == 0)
            break;
        poll(polls, count, left < RESEND_MS ? left : RESEND_MS);
        look_at_all(targets, count, polls);
    }
    for (size_t i = 0; i < count; i++)
        if (!targets[i].is_over)
            end_target(&targets[i], ETIMEDOUT);
}

static json_t *target_result(const struct target *t, const json_t *given, int timeout_ms)
{
    char cause[80] = "";
    if (t->error == ETIMEDOUT)
        snprintf(cause, sizeof cause, "no answer within %d ms", timeout_ms);
    else if (t->error)
        snprintf(cause, sizeof cause, "%s", strerror(t->error));
    return json_pack("{s:O, s:O, s:s, s:b, s:s}", "address", json_object_get(given, "address"),
                     "port", json_object_get(given, "port"), "protocol", t->is_udp ? "udp" : "tcp",
                     "ok", t->error == 0, "cause", cause);
}

int reach_targets(const json_t *params, json_t **result, struct error *err)
{
    json_t *list = NULL;
    int r = json_need_array(params, "targets", &list, err);
    if (r < 0)
        return r;
    size_t count = json_array_size(list);
    int64_t timeout = json_get_int(params, "timeout_ms", TIMEOUT_DEFAULT_MS);
    if (count > REACH_TARGETS_MAX || timeout < 1 || timeout > TIMEOUT_MAX_MS)
        return error_set(err, -EINVAL, "at most %d targets and %d ms", REACH_TARGETS_MAX,
                         TIMEOUT_MAX_MS);
    AUTO_FREE struct target *targets = xcalloc(count + 1, sizeof *targets);
    for (size_t i = 0; r >= 0 && i < count; i++)
        r = parse_target(json_array_get(list, i), &targets[i], err);
    if (r < 0)
        return r;
    try_all(targets, count, (int) timeout);
    json_t *results = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(results,
                              target_result(&targets[i], json_array_get(list, i), (int) timeout));
    *result = json_pack("{s:o}", "results", results);
    return 0;
}
