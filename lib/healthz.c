#include "lib/healthz.h"

#include "lib/clock.h"
#include "lib/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

static const char request[] = "GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n";

int loopback_dial(uint16_t port, int timeout_ms)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    struct timeval limit = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    if (connect(fd, (const struct sockaddr *) &to, sizeof(to)) < 0) {
        int r = -errno;
        fd_close(&fd);
        return r;
    }
    return fd;
}

bool healthz_ok(uint16_t port, int timeout_ms)
{
    AUTO_FD fd = loopback_dial(port, timeout_ms);
    if (fd < 0 || fd_write_all(fd, request, sizeof(request) - 1) < 0) {
        return false;
    }
    /* "HTTP/1.x 200": the version's last digit is the server's choice. */
    char status[12];
    if (fd_read_full(fd, status, sizeof(status)) < 0) {
        return false;
    }
    return memcmp(status, "HTTP/1.", 7) == 0 && memcmp(status + 8, " 200", 4) == 0;
}

int healthz_wait(const char *what, uint16_t port, const bool *cancel, int timeout_ms,
                 struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + timeout_ms;
    while (!healthz_ok(port, 2000)) {
        if (cancel && *cancel) {
            return error_set(err, -ECANCELED, "interrupted");
        }
        if (clock_left_ms(deadline) == 0) {
            return error_set(err, -ETIMEDOUT, "%s did not become healthy within %d s", what,
                             timeout_ms / 1000);
        }
        nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    }
    return 0;
}
