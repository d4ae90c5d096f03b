#include "iso/relay.h"

#include "lib/fd.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define SLICE_MS 200
#define CHUNK 4096
#define ROWS 24 /* of a serial line's other end, which nobody can ask */
#define COLUMNS 80

/* Consoles as they were before, where they are terminals. */
struct raw {
    const struct iso_consoles *c;
    struct termios before[ISO_CONSOLES_MAX];
    bool is_terminal[ISO_CONSOLES_MAX];
};

static void raw_begin(struct raw *raw)
{
    for (size_t i = 0; i < raw->c->count; i++) {
        struct termios now;
        raw->is_terminal[i] = tcgetattr(raw->c->fds[i], &raw->before[i]) == 0;
        now = raw->before[i];
        cfmakeraw(&now);
        if (raw->is_terminal[i])
            (void) tcsetattr(raw->c->fds[i], TCSANOW, &now);
    }
}

static void raw_end(struct raw *raw)
{
    for (size_t i = 0; i < raw->c->count; i++)
        if (raw->is_terminal[i])
            (void) tcsetattr(raw->c->fds[i], TCSANOW, &raw->before[i]);
}

static pid_t start(const char *const argv[], int *terminal)
{
    const struct winsize size = {.ws_row = ROWS, .ws_col = COLUMNS};
    pid_t pid = forkpty(terminal, NULL, NULL, &size);
    if (pid == 0) {
        (void) setenv("TERM", "linux", 1);
        execv(argv[0], (char *const *) argv);
        _exit(127);
    }
    return pid;
}

static void from_consoles(const struct iso_consoles *c, const struct pollfd *polled, int terminal)
{
    char buffer[CHUNK];
    for (size_t i = 0; i < c->count; i++) {
        if (!(polled[i].revents & POLLIN))
            continue;
        ssize_t n = read(c->fds[i], buffer, sizeof(buffer));
        if (n > 0)
            (void) fd_write_all(terminal, buffer, (size_t) n);
    }
}

/* False when the program has closed its terminal: it has ended. */
static bool to_consoles(const struct iso_consoles *c, const struct pollfd *polled, int terminal)
{
    char buffer[CHUNK];
    if (!(polled->revents & (POLLIN | POLLHUP)))
        return true;
    ssize_t n = read(terminal, buffer, sizeof(buffer));
    if (n <= 0)
        return n < 0 && (errno == EINTR || errno == EAGAIN);
    iso_consoles_add(c, buffer, (size_t) n);
    return true;
}

static void relay(const struct iso_consoles *c, int terminal, pid_t pid, const bool *cancel)
{
    bool told = false;
    for (;;) {
        struct pollfd polled[ISO_CONSOLES_MAX + 1];
        for (size_t i = 0; i < c->count; i++)
            polled[i] = (struct pollfd){.fd = c->fds[i], .events = POLLIN};
        polled[c->count] = (struct pollfd){.fd = terminal, .events = POLLIN};
        if (cancel && *cancel && !told)
            told = kill(pid, SIGINT) == 0;
        if (poll(polled, c->count + 1, SLICE_MS) <= 0)
            continue;
        from_consoles(c, polled, terminal);
        if (!to_consoles(c, &polled[c->count], terminal))
            return;
    }
}

int iso_relay(const struct iso_consoles *c, const char *const argv[], const bool *cancel, int *code,
              struct error *err)
{
    AUTO_FD terminal = -1;
    struct raw raw = {.c = c};
    int status = 0;
    pid_t pid = start(argv, &terminal);
    if (pid < 0)
        return error_errno(err, -errno, "start %s", argv[0]);
    raw_begin(&raw);
    relay(c, terminal, pid, cancel);
    raw_end(&raw);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return error_errno(err, -errno, "wait for %s", argv[0]);
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return 0;
}

static bool read_line(int fd, struct strbuf *line)
{
    char c;
    while (read(fd, &c, 1) == 1) {
        if (c == '\n' || c == '\r')
            return true;
        if (line)
            (void) strbuf_addc(line, c);
    }
    return false;
}

bool iso_relay_enter(const struct iso_consoles *c, int ms, struct strbuf *line)
{
    struct pollfd polled[ISO_CONSOLES_MAX];
    for (size_t i = 0; i < c->count; i++)
        polled[i] = (struct pollfd){.fd = c->fds[i], .events = POLLIN};
    if (poll(polled, c->count, ms) <= 0)
        return false;
    for (size_t i = 0; i < c->count; i++)
        if ((polled[i].revents & POLLIN) && read_line(c->fds[i], line))
            return true;
    return false;
}
