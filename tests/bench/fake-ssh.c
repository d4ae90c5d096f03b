/* coordinator/ssh.h without SSH, for bench-scale: a connection is one to the socket of the agent
 * that plays the host, below $BENCH_HOSTS/<address>. At its end the program writes what it cost to
 * $BENCH_COST: "<peak KiB> <CPU ms> <bytes written>". */
#include "coordinator/ssh.h"

#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/protocol.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SLICE_MS 200
#define STALL_MS 60000
#define STATUS_MAX 8192

/* As if the agent was installed already (coordinator/push.h). */
static const char greeting[] = "BIGTOP1 x86_64 HAVE\n";

struct ssh {
    int fd;
    const bool *cancel;
    const char *greeting; /* what of it was not read yet */
};

static int64_t bytes_written;

int ssh_open(const struct ssh_target *target, struct ssh **out, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *hosts = getenv("BENCH_HOSTS");
    AUTO_FREE char *path = xasprintf("%s/%s" AGENT_SOCKET, hosts ? hosts : "", target->address);

    if (strlen(path) >= sizeof(address.sun_path))
        return error_set(err, -ENAMETOOLONG, "%s is too long for a socket", path);
    strcpy(address.sun_path, path);
    AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
        return error_errno(err, -errno, "connect to %s", path);
    if (fd_set_nonblocking(fd) < 0)
        return error_errno(err, -errno, "set up %s", path);
    struct ssh *ssh = xcalloc(1, sizeof(*ssh));
    *ssh = (struct ssh){.fd = TAKE_FD(fd), .cancel = target->cancel, .greeting = ""};
    *out = ssh;
    return 0;
}

void ssh_close(struct ssh **ssh)
{
    if (*ssh)
        fd_close(&(*ssh)->fd);
    free(*ssh);
    *ssh = NULL;
}

int ssh_start(struct ssh *ssh, const char *command, struct error *err)
{
    (void) command;
    (void) err;
    ssh->greeting = greeting;
    return 0;
}

static ssize_t read_greeting(struct ssh *ssh, void *data, size_t len)
{
    size_t n = strlen(ssh->greeting);

    n = n < len ? n : len;
    memcpy(data, ssh->greeting, n);
    ssh->greeting += n;
    return (ssize_t) n;
}

static int wait_socket(const struct ssh *ssh, short events, int64_t deadline)
{
    int left = clock_left_ms(deadline);
    struct pollfd p = {.fd = ssh->fd, .events = events};

    if (ssh->cancel && *ssh->cancel)
        return -ECANCELED;
    if (poll(&p, 1, left < SLICE_MS ? left : SLICE_MS) > 0)
        return 0;
    return left == 0 ? -ETIMEDOUT : 0;
}

ssize_t ssh_read(struct ssh *ssh, void *data, size_t len, bool *is_stderr, int timeout_ms,
                 struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + timeout_ms;

    *is_stderr = false;
    if (*ssh->greeting)
        return read_greeting(ssh, data, len);
    for (;;) {
        ssize_t n = read(ssh->fd, data, len);
        if (n >= 0)
            return n;
        if (errno != EAGAIN)
            return error_errno(err, -EPIPE, "read from the agent");
        int r = wait_socket(ssh, POLLIN, deadline);
        if (r < 0)
            return r == -ETIMEDOUT ? -EAGAIN : error_set(err, r, "interrupted");
    }
}

int ssh_write(struct ssh *ssh, const void *data, size_t len, struct error *err)
{
    const char *p = data;
    int64_t deadline = clock_monotonic_ms() + STALL_MS;

    while (len > 0) {
        ssize_t n = send(ssh->fd, p, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return error_errno(err, -EPIPE, "write to the agent");
        if (n > 0) {
            p += n;
            len -= (size_t) n;
            __atomic_fetch_add(&bytes_written, n, __ATOMIC_RELAXED);
            continue;
        }
        int r = wait_socket(ssh, POLLOUT, deadline);
        if (r < 0)
            return error_set(err, r == -ETIMEDOUT ? -EPIPE : r, "the agent takes no more data");
    }
    return 0;
}

int ssh_send_eof(struct ssh *ssh)
{
    return shutdown(ssh->fd, SHUT_WR) < 0 ? -EPIPE : 0;
}

int ssh_exit_code(struct ssh *ssh)
{
    (void) ssh;
    return -1;
}

int ssh_fd(const struct ssh *ssh)
{
    return ssh->fd;
}

static long peak_kib(void)
{
    STRBUF(text, STATUS_MAX);
    long kib = 0;

    if (file_read("/proc/self/status", &text, NULL) >= 0)
        (void) sscanf(strstr(text.data, "VmHWM:"), "VmHWM: %ld", &kib);
    return kib;
}

__attribute__((destructor)) static void write_cost(void)
{
    const char *path = getenv("BENCH_COST");
    struct rusage used;

    if (!path || getrusage(RUSAGE_SELF, &used) < 0)
        return;
    long ms = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
              (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
    FILE *f = fopen(path, "we");
    if (f) {
        (void) fprintf(f, "%ld %ld %lld\n", peak_kib(), ms, (long long) bytes_written);
        (void) fclose(f);
    }
}
