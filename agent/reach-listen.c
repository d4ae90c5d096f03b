/* The short-lived listeners of the call "listen". */
#include "agent/reach.h"
#include "agent/tasks.h"
#include "lib/clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECONDS_DEFAULT 30
#define BACKLOG 16
#define ECHO_MAX 64 /* bytes: never more out than came in, and little of it */

struct listeners {
    struct pollfd polls[LISTEN_PORTS_MAX + 1]; /* the last one tells to end */
    bool is_udp[LISTEN_PORTS_MAX];
    size_t count;
    int64_t deadline;
};

static pthread_mutex_t current_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t current_ended = PTHREAD_COND_INITIALIZER;
static struct listeners *current;

static int open_family(int family, bool is_udp, in_port_t port)
{
    int fd = socket(family, (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = port};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = port};
    const struct sockaddr *address = family == AF_INET ? (const struct sockaddr *) &v4
                                                       : (const struct sockaddr *) &v6;
    socklen_t len = family == AF_INET ? sizeof v4 : sizeof v6;
    int no = 0, yes = 1;
    /* What we accepted lingers in TIME_WAIT; without this the port's owner could not bind for 60 s.
     * Not for UDP, where it would let two bind at once. */
    if (!is_udp)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
    if (bind(fd, address, len) == 0 && (is_udp || listen(fd, BACKLOG) == 0))
        return fd;
    int r = -errno;
    close(fd);
    return r;
}

/* Both families at once where IPv6 is there at all. */
static int open_listener(bool is_udp, in_port_t port)
{
    int fd = open_family(AF_INET6, is_udp, port);
    if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)
        fd = open_family(AF_INET, is_udp, port);
    return fd;
}

static void echo(int fd)
{
    char data[ECHO_MAX];
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    ssize_t n = recvfrom(fd, data, sizeof data, 0, (struct sockaddr *) &from, &len);
    if (n >= 0)
        sendto(fd, data, (size_t) n, MSG_NOSIGNAL, (struct sockaddr *) &from, len);
}

static void answer(const struct listeners *l)
{
    for (size_t i = 0; i < l->count; i++) {
        if (!l->polls[i].revents)
            continue;
        if (l->is_udp[i]) {
            echo(l->polls[i].fd);
        } else {
            int fd = accept4(l->polls[i].fd, NULL, NULL, SOCK_CLOEXEC);
            if (fd >= 0)
                close(fd);
        }
    }
}

static void free_listeners(struct listeners *l)
{
    for (size_t i = 0; i <= l->count; i++)
        close(l->polls[i].fd);
    free(l);
}

static void serve_listeners(void *arg)
{
    struct listeners *l = arg;
    int left;
    while ((left = clock_left_ms(l->deadline)) > 0 && !l->polls[l->count].revents)
        if (poll(l->polls, l->count + 1, left) > 0)
            answer(l);
    /* Who waits for the end wants the ports: they are closed before it is told. */
    pthread_mutex_lock(&current_mutex);
    bool was_current = current == l;
    free_listeners(l);
    if (was_current)
        current = NULL;
    pthread_cond_broadcast(&current_ended);
    pthread_mutex_unlock(&current_mutex);
}

/* The former listeners hold ports that the new ones may want. */
static void end_former(void)
{
    pthread_mutex_lock(&current_mutex);
    if (current)
        eventfd_write(current->polls[current->count].fd, 1);
    while (current)
        pthread_cond_wait(&current_ended, &current_mutex);
    pthread_mutex_unlock(&current_mutex);
}

static int add_listener(struct listeners *l, const json_t *port, json_t *opened, struct error *err)
{
    int64_t number = json_get_int(port, "port", 0);
    const char *protocol = json_get_string(port, "protocol", "tcp");
    bool is_udp = strcmp(protocol, "udp") == 0;
    if (number < 1 || number > 65535 || (!is_udp && strcmp(protocol, "tcp") != 0))
        return error_set(err, -EINVAL, "expected a tcp or udp port from 1 to 65535");
    int fd = open_listener(is_udp, htons((uint16_t) number));
    if (fd == -EADDRINUSE)
        return 0;
    if (fd < 0)
        return error_errno(err, fd, "listen on port %lld", (long long) number);
    l->polls[l->count] = (struct pollfd){.fd = fd, .events = POLLIN};
    l->is_udp[l->count++] = is_udp;
    json_array_append_new(
        opened, json_pack("{s:s, s:I}", "protocol", protocol, "port", (json_int_t) number));
    return 0;
}

static int open_all(struct listeners *l, const json_t *ports, json_t *opened, struct error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < json_array_size(ports); i++)
        r = add_listener(l, json_array_get(ports, i), opened, err);
    l->polls[l->count] = (struct pollfd){.fd = eventfd(0, EFD_CLOEXEC), .events = POLLIN};
    return r;
}

static int start(struct listeners *l, struct error *err)
{
    pthread_mutex_lock(&current_mutex);
    current = l;
    pthread_mutex_unlock(&current_mutex);
    int r = task_start(serve_listeners, l);
    if (r >= 0)
        return 0;
    pthread_mutex_lock(&current_mutex);
    current = NULL;
    pthread_cond_broadcast(&current_ended);
    pthread_mutex_unlock(&current_mutex);
    return error_errno(err, r, "start to listen");
}

void reach_listen_end(void)
{
    end_former();
}

int reach_listen(const json_t *params, json_t **result, struct error *err)
{
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    json_t *ports = NULL;
    int r = json_need_array(params, "ports", &ports, err);
    if (r < 0)
        return r;
    int64_t seconds = json_get_int(params, "seconds", SECONDS_DEFAULT);
    if (json_array_size(ports) > LISTEN_PORTS_MAX || seconds < 1 || seconds > LISTEN_SECONDS_MAX)
        return error_set(err, -EINVAL, "at most %d ports and %d seconds", LISTEN_PORTS_MAX,
                         LISTEN_SECONDS_MAX);
    AUTO_JSON *opened = json_array();
    struct listeners *l = xcalloc(1, sizeof *l);
    l->deadline = clock_monotonic_ms() + seconds * 1000;
    pthread_mutex_lock(&one_at_a_time);
    end_former();
    r = open_all(l, ports, opened, err);
    if (r >= 0)
        r = start(l, err);
    pthread_mutex_unlock(&one_at_a_time);
    if (r < 0) {
        free_listeners(l);
        return r;
    }
    *result = json_pack("{s:O}", "listening", opened);
    return 0;
}
