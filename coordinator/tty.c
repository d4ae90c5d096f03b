#include "coordinator/tty.h"

#include "coordinator/view.h"
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define SLICE_MS 200

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static int open_tty(void)
{
    return open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
}

bool tty_available(void)
{
    AUTO_FD fd = open_tty();

    return fd >= 0;
}

static bool cancelled(const bool *cancel)
{
    return cancel && *cancel;
}

static int lock(const bool *cancel)
{
    for (;;) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += SLICE_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        if (pthread_mutex_timedlock(&one_at_a_time, &until) == 0)
            return 0;
        if (cancelled(cancel))
            return -ECANCELED;
    }
}

static int read_line(int fd, const bool *cancel, struct strbuf *answer)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        char c;

        if (cancelled(cancel))
            return -ECANCELED;
        if (poll(&p, 1, SLICE_MS) <= 0)
            continue;
        ssize_t n = read(fd, &c, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -EPIPE;
        if (c == '\n')
            return strbuf_full(answer) ? -E2BIG : 0;
        strbuf_addc(answer, c);
    }
}

static int ask_locked(int fd, const char *text, bool secret, const bool *cancel,
                      struct strbuf *answer)
{
    struct termios former, quiet;
    bool silenced = secret && tcgetattr(fd, &former) == 0;

    if (silenced) {
        quiet = former;
        quiet.c_lflag &= ~(tcflag_t) ECHO;
        tcsetattr(fd, TCSAFLUSH, &quiet);
    }
    int r = fd_write_all(fd, text, strlen(text));
    if (r == 0)
        r = read_line(fd, cancel, answer);
    if (silenced) {
        tcsetattr(fd, TCSAFLUSH, &former);
        (void) fd_write_all(fd, "\n", 1);
    }
    return r;
}

int tty_ask(const char *text, bool secret, const bool *cancel, struct strbuf *answer,
            struct error *err)
{
    AUTO_FD fd = open_tty();

    if (fd < 0)
        return error_set(err, -ENOTTY, "no terminal to ask on");
    int r = lock(cancel);
    if (r == 0) {
        view_pause();
        r = ask_locked(fd, text, secret, cancel, answer);
        view_resume();
        pthread_mutex_unlock(&one_at_a_time);
    }
    return r < 0 ? error_errno(err, r, "ask on the terminal") : 0;
}
