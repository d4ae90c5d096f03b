#include "agent/serve.h"

#include "agent/disk-watch.h"
#include "agent/paths.h"
#include "agent/reach.h"
#include "agent/session-exchange.h"
#include "agent/tasks.h"
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define TURN_MS 1000 /* only while there are sessions or jobs: an idle agent sleeps */
#define TASKS_WAIT_MS 3000
#define FIXED_POLLS 3
#define BACKLOG 16

static bool quit_after_reply;

struct server {
    struct hub hub;
    int listener, signals;
    char *socket_path;
    bool stop;
    bool in_use;                 /* by a call that did not end: nothing that calls use is freed */
    int farewells[SESSIONS_MAX]; /* connections of who is to hear when a reset is over */
    size_t farewell_count;
};

void serve_quit_after_reply(void)
{
    __atomic_store_n(&quit_after_reply, true, __ATOMIC_RELEASE);
}

bool serve_is_quitting(void)
{
    return __atomic_load_n(&quit_after_reply, __ATOMIC_ACQUIRE);
}

/* sd_notify(3)'s protocol: systemd's start job ends when the socket is there, not before. The
 * variable is not for the programs that we run. */
static void notify_ready(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || strlen(path) >= sizeof address.sun_path)
        return;
    size_t len = strlen(path);
    memcpy(address.sun_path, path, len);
    if (address.sun_path[0] == '@')
        address.sun_path[0] = '\0';
    AUTO_FD fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    static const char ready[] = "READY=1";
    sendto(fd, ready, strlen(ready), MSG_NOSIGNAL, (struct sockaddr *) &address,
           (socklen_t) (offsetof(struct sockaddr_un, sun_path) + len));
    unsetenv("NOTIFY_SOCKET");
}

static int open_listener(struct server *s, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(s->socket_path) >= sizeof address.sun_path)
        return error_set(err, -ENAMETOOLONG, "socket path %s is too long", s->socket_path);
    memcpy(address.sun_path, s->socket_path, strlen(s->socket_path) + 1);
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    unlink(s->socket_path);
    mode_t before = umask(0177);
    int r = s->listener < 0 || bind(s->listener, (struct sockaddr *) &address, sizeof address) < 0
                ? -errno
                : 0;
    umask(before);
    if (r < 0 || listen(s->listener, BACKLOG) < 0)
        return error_errno(err, r < 0 ? r : -errno, "listen on %s", s->socket_path);
    return 0;
}

/* Blocked in every thread: they come out of the descriptor only. */
static int open_signals(struct server *s, struct error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->signals < 0 ? error_errno(err, -errno, "wait for signals") : 0;
}

/* The folder is root's alone; this holds even where somebody opened it. */
static bool is_allowed(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == 0;
}

static void accept_session(struct server *s)
{
    AUTO_FD fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (!is_allowed(fd))
        fprintf(stderr, "refused a connection of a user who is not root\n");
    else if (s->hub.session_count >= SESSIONS_MAX)
        fprintf(stderr, "refused a connection: there are %d already\n", SESSIONS_MAX);
    else
        session_add(&s->hub, TAKE_FD(fd));
}

static void on_job_event(void *userdata, uint64_t session, json_t *message, bool last)
{
    session_post(userdata, session, message, last);
}

static size_t collect_polls(struct server *s, struct pollfd *polls, struct session **sessions)
{
    polls[0] = (struct pollfd){.fd = s->listener, .events = POLLIN};
    polls[1] = (struct pollfd){.fd = inbox_fd(s->hub.inbox), .events = POLLIN};
    polls[2] = (struct pollfd){.fd = s->signals, .events = POLLIN};
    size_t count = 0;
    for (struct session *i = s->hub.sessions; i; i = session_next(i), count++) {
        sessions[count] = i;
        polls[FIXED_POLLS + count] = (struct pollfd){.fd = session_fd(i),
                                                     .events = session_poll_events(i)};
    }
    return count;
}

static void serve_sessions(struct server *s, const struct pollfd *polls, struct session **sessions,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool stays = session_on_ready(sessions[i], polls[FIXED_POLLS + i].revents);
        if (!stays || session_is_silent(sessions[i]))
            session_remove(&s->hub, sessions[i]);
    }
    if (count > 0 && !s->hub.sessions)
        malloc_trim(0);
}

static bool all_told(struct server *s)
{
    if (jobs_busy(s->hub.ctx.jobs) || !inbox_empty(s->hub.inbox))
        return false;
    for (struct session *i = s->hub.sessions; i; i = session_next(i))
        if (session_has_output(i))
            return false;
    return true;
}

static int loop(struct server *s, struct error *err)
{
    struct pollfd polls[FIXED_POLLS + SESSIONS_MAX];
    struct session *sessions[SESSIONS_MAX];
    while (!s->stop) {
        size_t count = collect_polls(s, polls, sessions);
        bool is_idle = count == 0 && !jobs_busy(s->hub.ctx.jobs) && !serve_is_quitting() &&
                       !session_exchange_active(&s->hub);
        int n = poll(polls, FIXED_POLLS + count, is_idle ? -1 : TURN_MS);
        if (n < 0 && errno != EINTR)
            return error_errno(err, -errno, "wait");
        if (n < 0)
            continue;
        serve_sessions(s, polls, sessions, count);
        if (polls[1].revents)
            inbox_run(s->hub.inbox);
        if (polls[0].revents)
            accept_session(s);
        sessions_turn(&s->hub);
        session_exchange_turn(&s->hub);
        s->stop = polls[2].revents != 0 || (serve_is_quitting() && all_told(s));
    }
    return 0;
}

static int prepare(struct server *s, struct error *err)
{
    AUTO_FREE char *ledger_path = agent_path(AGENT_LEDGER);
    s->socket_path = agent_path(AGENT_SOCKET);
    int r = agent_prepare_folders(err);
    if (r >= 0)
        r = ledger_open(ledger_path, &s->hub.ctx.ledger, err);
    if (r >= 0)
        r = open_signals(s, err);
    return r < 0 ? r : open_listener(s, err);
}

/* Jobs are cancelled and waited for: a step ends at its next safe place. Jobs and calls may still
 * use everything, so they end before anything is freed. A call that does not end in time keeps what
 * it uses for the moment that the process has left. */
static void wind_up(struct server *s, bool *cancel)
{
    __atomic_store_n(cancel, true, __ATOMIC_RELAXED);
    reach_listen_end();
    disk_watch_end();
    jobs_stop(s->hub.ctx.jobs);
    session_exchange_end(&s->hub);
    if (!tasks_wait(TASKS_WAIT_MS)) {
        fprintf(stderr, "ending while a call is still under way\n");
        s->in_use = true;
        return;
    }
    jobs_free(&s->hub.ctx.jobs);
    inbox_free(&s->hub.inbox);
    session_exchange_free(&s->hub);
}

static void release(struct server *s)
{
    /* Without a listener of our own the socket is another service's. */
    if (s->listener >= 0)
        unlink(s->socket_path);
    fd_close(&s->listener);
    fd_close(&s->signals);
    free(s->socket_path);
    if (!s->in_use)
        ledger_close(&s->hub.ctx.ledger);
}

/* After a reset a peer's connection ends when nothing is left of us, not before: it may come back
 * at once, and must not find folders that are about to go. */
static void keep_connection(struct server *s, const struct session *session)
{
    int fd = fcntl(session_fd(session), F_DUPFD_CLOEXEC, 0);
    if (fd >= 0)
        s->farewells[s->farewell_count++] = fd;
}

static int leave_host(struct server *s, struct error *err)
{
    int r = agent_remove_folders(err);
    for (size_t i = 0; i < s->farewell_count; i++)
        fd_close(&s->farewells[i]);
    return r;
}

static int serve_all(struct server *s, struct error *err)
{
    static bool cancel;
    s->hub.inbox = inbox_new();
    s->hub.ctx.find_step = step_find;
    s->hub.ctx.cancel = &cancel;
    s->hub.ctx.jobs = jobs_new(step_find, s->hub.ctx.ledger, on_job_event, &s->hub);
    notify_ready();
    disk_watch_begin(s->hub.ctx.ledger);
    int r = loop(s, err);
    while (s->hub.sessions) {
        if (r >= 0 && serve_is_quitting())
            keep_connection(s, s->hub.sessions);
        session_remove(&s->hub, s->hub.sessions);
    }
    wind_up(s, &cancel);
    return r;
}

int serve(const char *version, struct error *err)
{
    static struct server s; /* a call may outlast this function */
    s = (struct server){.hub = {.version = version}, .listener = -1, .signals = -1};
    mallopt(M_ARENA_MAX, 2);
    json_object_seed(0);
    umask(0022);
    int r = prepare(&s, err);
    if (r >= 0)
        r = serve_all(&s, err);
    release(&s);
    if (r >= 0 && serve_is_quitting())
        r = leave_host(&s, err);
    return r;
}
