#include "lib/process.h"

#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096
#define TAIL_BYTES 4096
#define TAIL_LINES 8
#define KILL_AFTER_MS 5000
#define CANCEL_SLICE_MS 200
#define NO_PIDFD_SLICE_MS 20
#define FIRST_FREE_FD 3
#define CHUNK (16 * 1024)
#define CHUNKS_AT_ONCE 16 /* more than a pipe holds */

/* One output of the child: where it comes from, where it goes. */
struct stream {
    int fd;
    bool is_stderr;
    struct strbuf *into; /* may be NULL */
    struct strbuf line;
};

struct child {
    const struct process_options *opts;
    pid_t pid;
    int pidfd; /* -1 on kernels before 5.3 */
    struct stream out, err;
    struct strbuf tail; /* the end of stderr, for the error text */
    int64_t deadline;   /* 0: none; then that of SIGKILL */
    int ended_by;       /* 0, -ETIMEDOUT or -ECANCELED */
};

/* What the child needs between fork and exec: nothing there may allocate or lock. */
struct exec_plan {
    const char *program;
    const char *const *argv, *const *env;
    const char *cwd;
    int fds[3];
    int report; /* takes the errno of what failed */
    bool die_with_parent;
    pid_t parent;
};

static const char *const search_beyond_path[] = {"/usr/local/sbin", "/usr/sbin", "/sbin", NULL};

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* The full path of a name without a slash, or NULL. The caller frees. */
static char *find_program(const char *name)
{
    const char *path = getenv("PATH");
    STRV(folders);
    strv_split(&folders, path && *path ? path : "/usr/local/bin:/usr/bin:/bin", ':');
    strv_add_all(&folders, search_beyond_path);
    for (size_t i = 0; i < folders.count; i++) {
        char *candidate = path_join(folders.items[i], name);
        if (is_program(candidate))
            return candidate;
        free(candidate);
    }
    return NULL;
}

bool process_in_path(const char *name)
{
    AUTO_FREE char *found = *name && !strchr(name, '/') ? find_program(name) : NULL;
    return found != NULL;
}

static void close_from(int first)
{
    if (syscall(SYS_close_range, first, ~0U, 0) == 0)
        return;
    long limit = sysconf(_SC_OPEN_MAX);
    for (int fd = first; fd < limit; fd++)
        close(fd);
}

static void reset_signals(void)
{
    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn static void give_up(int report)
{
    int why = errno;
    ssize_t n = write(report, &why, sizeof(why));
    _exit(n == sizeof(why) ? 127 : 126);
}

_Noreturn static void become(const struct exec_plan *plan)
{
    setpgid(0, 0);
    if (plan->die_with_parent) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != plan->parent)
            _exit(127);
    }
    /* First out of the way: a source may itself be 0, 1 or 2. */
    int fds[3], report = fcntl(plan->report, F_DUPFD, 16);
    for (int i = 0; i < 3; i++)
        if ((fds[i] = fcntl(plan->fds[i], F_DUPFD, 16)) < 0)
            give_up(report);
    for (int i = 0; i < 3; i++)
        if (dup2(fds[i], i) < 0)
            give_up(report);
    if (dup3(report, FIRST_FREE_FD, O_CLOEXEC) < 0)
        give_up(report);
    close_from(FIRST_FREE_FD + 1);
    if (plan->cwd && chdir(plan->cwd) < 0)
        give_up(FIRST_FREE_FD);
    reset_signals();
    execve(plan->program, (char *const *) plan->argv, (char *const *) plan->env);
    give_up(FIRST_FREE_FD);
}

/* Forks with all signals blocked, so that no handler of ours ever runs in the child. */
static int spawn(struct exec_plan *plan, pid_t *pid)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC) < 0)
        return -errno;
    AUTO_FD report_read = report[0];
    AUTO_FD report_write = report[1];
    plan->report = report_write;
    plan->parent = getpid();

    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t child = fork();
    if (child == 0)
        become(plan);
    int forked = child < 0 ? -errno : 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (forked < 0)
        return forked;

    fd_close(&report_write);
    int why = 0;
    if (fd_read_full(report_read, &why, sizeof(why)) == 0) {
        waitpid(child, NULL, 0);
        return -why;
    }
    *pid = child;
    return 0;
}

/* Bytes for stdin go through a memory file: nobody has to feed a pipe, and no SIGPIPE can come. */
static int stdin_from_data(const void *data, size_t len)
{
    AUTO_FD fd = memfd_create("stdin", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = fd_write_all(fd, data, len);
    if (r < 0)
        return r;
    return lseek(fd, 0, SEEK_SET) < 0 ? -errno : TAKE_FD(fd);
}

static int open_stdin(const struct process_options *opts)
{
    if (opts->stdin_data)
        return stdin_from_data(opts->stdin_data, opts->stdin_len);
    int fd = opts->stdin_fd > 0 ? fcntl(opts->stdin_fd, F_DUPFD_CLOEXEC, 3)
                                : open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static void add_cut(struct strbuf *b, const char *data, size_t len)
{
    size_t room = b->max - b->len;
    strbuf_add(b, data, len < room ? len : room);
}

static void add_tail(struct strbuf *tail, const char *data, size_t len)
{
    if (len > TAIL_BYTES) {
        data += len - TAIL_BYTES;
        len = TAIL_BYTES;
    }
    if (tail->len + len > TAIL_BYTES)
        strbuf_consume(tail, tail->len + len - TAIL_BYTES);
    strbuf_add(tail, data, len);
}

static void end_line(struct child *c, struct stream *s)
{
    c->opts->on_line(c->opts->userdata, s->is_stderr, s->line.data);
    strbuf_reset(&s->line);
}

static void split_lines(struct child *c, struct stream *s, const char *data, size_t len)
{
    const char *end = data + len;
    while (data < end) {
        const char *newline = memchr(data, '\n', (size_t) (end - data));
        const char *stop = newline ? newline : end;
        add_cut(&s->line, data, (size_t) (stop - data));
        if (!newline)
            return;
        end_line(c, s);
        data = newline + 1;
    }
}

/* Reads what is there, but no more than a pipe holds: who writes faster than we read must not keep
 * us from the deadline. The descriptor is closed at its end. */
static void drain(struct child *c, struct stream *s)
{
    char chunk[CHUNK];
    for (int i = 0; s->fd >= 0 && i < CHUNKS_AT_ONCE; i++) {
        ssize_t n = read(s->fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            fd_close(&s->fd);
            return;
        }
        if (s->into)
            add_cut(s->into, chunk, (size_t) n);
        if (s->is_stderr || c->opts->merge_stderr)
            add_tail(&c->tail, chunk, (size_t) n);
        if (c->opts->on_line)
            split_lines(c, s, chunk, (size_t) n);
    }
}

static void close_stream(struct child *c, struct stream *s)
{
    drain(c, s);
    if (s->line.len > 0)
        end_line(c, s);
    fd_close(&s->fd);
}

static void signal_group(const struct child *c, int sig)
{
    if (kill(-c->pid, sig) < 0)
        kill(c->pid, sig);
}

static void end_child(struct child *c, int why)
{
    c->ended_by = why;
    c->deadline = clock_monotonic_ms() + KILL_AFTER_MS;
    signal_group(c, SIGTERM);
}

/* How long poll may sleep; acts on what is due. */
static int next_wait(struct child *c)
{
    const struct process_options *o = c->opts;
    if (!c->ended_by && o->cancel && __atomic_load_n(o->cancel, __ATOMIC_RELAXED))
        end_child(c, -ECANCELED);
    if (c->deadline && clock_left_ms(c->deadline) == 0) {
        if (c->ended_by)
            signal_group(c, SIGKILL);
        else
            end_child(c, -ETIMEDOUT);
    }
    int wait = c->pidfd < 0 ? NO_PIDFD_SLICE_MS : o->cancel ? CANCEL_SLICE_MS : -1;
    if (!c->deadline)
        return wait;
    int left = clock_left_ms(c->deadline);
    if (left == 0)
        left = CANCEL_SLICE_MS;
    return wait < 0 || left < wait ? left : wait;
}

static bool has_ended(const struct child *c)
{
    siginfo_t info = {0};
    int r = waitid(P_PID, (id_t) c->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    return r == 0 ? info.si_pid == c->pid : errno != EINTR;
}

/* Until the child itself ends: what it left running in the background may hold the pipes open. */
static int follow(struct child *c)
{
    int status = 0;
    while (!has_ended(c)) {
        struct pollfd fds[] = {{.fd = c->out.fd, .events = POLLIN},
                               {.fd = c->err.fd, .events = POLLIN},
                               {.fd = c->pidfd, .events = POLLIN}};
        poll(fds, ARRAY_SIZE(fds), next_wait(c));
        drain(c, &c->out);
        drain(c, &c->err);
    }
    /* Its helpers as well, while the zombie still keeps the group's number from being used again.
     */
    if (c->ended_by)
        kill(-c->pid, SIGKILL);
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
        ;
    close_stream(c, &c->out);
    close_stream(c, &c->err);
    return status;
}

/* The last lines of stderr in one line, safe to print. */
static void add_last_lines(struct strbuf *out, const struct strbuf *tail)
{
    STRV(lines);
    strv_split(&lines, tail->data, '\n');
    size_t first = lines.count > TAIL_LINES ? lines.count - TAIL_LINES : 0;
    for (size_t i = first; i < lines.count; i++) {
        strbuf_adds(out, i == first ? ": " : "; ");
        size_t len = strcspn(lines.items[i], "\r");
        strbuf_add_printable(out, lines.items[i], len);
    }
}

static int explain(const struct child *c, const char *program, int status, struct error *err)
{
    const char *name = path_basename(program);
    STRBUF(said, TAIL_BYTES * 4);
    add_last_lines(&said, &c->tail);
    if (c->ended_by == -ETIMEDOUT)
        return error_set(err, -ETIMEDOUT, "%s did not end within %d ms%s", name,
                         c->opts->timeout_ms, said.data);
    if (c->ended_by)
        return error_set(err, c->ended_by, "%s was interrupted", name);
    if (WIFSIGNALED(status))
        return error_set(err, -EREMOTEIO, "%s was killed by signal %d (%s)%s", name,
                         WTERMSIG(status), strsignal(WTERMSIG(status)), said.data);
    if (WEXITSTATUS(status) != 0)
        return error_set(err, -EREMOTEIO, "%s ended with code %d%s", name, WEXITSTATUS(status),
                         said.data);
    return 0;
}

/* A pipe whose reading end is ours and does not block. */
static int open_pipe(int *reading, int *writing)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    *reading = fds[0];
    *writing = fds[1];
    return fd_set_nonblocking(fds[0]);
}

static int open_streams(struct child *c, int fds[3])
{
    const struct process_options *o = c->opts;
    int r = open_stdin(o);
    if (r < 0)
        return r;
    fds[0] = r;
    if (o->stdout_fd > 0) {
        fds[1] = fcntl(o->stdout_fd, F_DUPFD_CLOEXEC, 3);
        r = fds[1] < 0 ? -errno : 0;
    } else {
        r = open_pipe(&c->out.fd, &fds[1]);
    }
    if (r < 0)
        return r;
    if (!o->merge_stderr)
        return open_pipe(&c->err.fd, &fds[2]);
    fds[2] = fcntl(fds[1], F_DUPFD_CLOEXEC, 3);
    return fds[2] < 0 ? -errno : 0;
}

static void child_release(struct child *c)
{
    fd_close(&c->pidfd);
    fd_close(&c->out.fd);
    fd_close(&c->err.fd);
    strbuf_release_secret(&c->out.line);
    strbuf_release_secret(&c->err.line);
    strbuf_release_secret(&c->tail);
}

static int start(struct child *c, const char *program, const char *const argv[])
{
    AUTO_FD in = -1;
    AUTO_FD out = -1;
    AUTO_FD err = -1;
    int fds[3] = {-1, -1, -1};
    int r = open_streams(c, fds);
    in = fds[0];
    out = fds[1];
    err = fds[2];
    if (r < 0)
        return r;
    struct exec_plan plan = {
        .program = program,
        .argv = argv,
        .env = c->opts->env ? c->opts->env : (const char *const *) environ,
        .cwd = c->opts->cwd,
        .fds = {in, out, err},
        .die_with_parent = c->opts->die_with_parent,
    };
    r = spawn(&plan, &c->pid);
    if (r < 0)
        return r;
    c->pidfd = (int) syscall(SYS_pidfd_open, c->pid, 0);
    return 0;
}

int process_run(const char *const argv[], const struct process_options *opts, int *status,
                struct error *err)
{
    static const struct process_options none = {0};
    CLEANUP(child_release) struct child c = {.opts = opts ? opts : &none, .pidfd = -1};
    c.out = (struct stream){.fd = -1, .into = c.opts->out};
    c.err = (struct stream){.fd = -1, .into = c.opts->err, .is_stderr = true};
    strbuf_init(&c.out.line, LINE_MAX_BYTES);
    strbuf_init(&c.err.line, LINE_MAX_BYTES);
    strbuf_init(&c.tail, TAIL_BYTES);

    if (!argv || !argv[0] || !*argv[0])
        return error_set(err, -EINVAL, "no program to run");
    AUTO_FREE char *program = strchr(argv[0], '/') ? xstrdup(argv[0]) : find_program(argv[0]);
    if (!program)
        return error_set(err, -ENOENT, "%s: program not found", argv[0]);
    int r = start(&c, program, argv);
    if (r < 0)
        return error_errno(err, r, "run %s", program);
    if (c.opts->timeout_ms > 0)
        c.deadline = clock_monotonic_ms() + c.opts->timeout_ms;
    int wait_status = follow(&c);
    if (status)
        *status = wait_status;
    return explain(&c, program, wait_status, err);
}

int process_runv(const struct strv *argv, const struct process_options *opts, int *status,
                 struct error *err)
{
    return process_run((const char *const *) argv->items, opts, status, err);
}
