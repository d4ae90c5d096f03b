#include "agent/exchange-state.h"

#include "lib/clock.h"
#include "lib/fd.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 64
#define LISTEN_MS 2000
#define SHAKE_MS 10000    /* for a connection and its handshake */
#define DIAL_FIRST_MS 250 /* until a host that could not be reached is tried again; doubles */
#define DIAL_MAX_MS 4000
#define DIAL_LATER_MS 1500 /* by the larger id: the smaller one's connection is kept anyway */
#define SHUN_FIRST_MS 2000 /* a host that stalled; doubles */
#define SHUN_MAX_MS 60000
#define QUIET_MS 3000 /* a connection of which nothing was heard may be a dead one */
#define KEEPALIVE_IDLE_S 10
#define KEEPALIVE_INTERVAL_S 5
#define KEEPALIVE_COUNT 3

static void set_option(int fd, int level, int name, int value)
{
    setsockopt(fd, level, name, &value, sizeof value);
}

/* A host that vanished is noticed even when nothing is owed. */
static void set_up_socket(int fd)
{
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT);
}

static int open_listener(const struct sockaddr *address, socklen_t len)
{
    AUTO_FD fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (address->sa_family == AF_INET6)
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (bind(fd, address, len) < 0 || listen(fd, BACKLOG) < 0)
        return -errno;
    return TAKE_FD(fd);
}

static int listen_everywhere(uint16_t port)
{
    const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    const struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = open_listener((const struct sockaddr *) &v6, sizeof v6);
    return fd >= 0 ? fd : open_listener((const struct sockaddr *) &v4, sizeof v4);
}

/* The port may be somebody's for the moment, as it is when an exchange follows another: it is tried
 * again, and meanwhile we dial. */
static void listen_again(struct exchange *x, int64_t now)
{
    x->listen_at = now + LISTEN_MS;
    int fd = x->listen_len > 0
                 ? open_listener((const struct sockaddr *) &x->listen_address, x->listen_len)
                 : listen_everywhere(x->port);
    x->listener = fd < 0 ? -1 : fd;
    if (fd < 0 && !x->listen_failed)
        fprintf(stderr, "exchange: cannot listen on port %u: %s\n", x->port, strerror(-fd));
    x->listen_failed = fd < 0;
}

void peers_accept(struct exchange *x, int64_t now)
{
    AUTO_FD fd = accept4(x->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0 || x->link_count >= LINKS_MAX)
        return;
    set_up_socket(fd);
    link_new(x, TAKE_FD(fd), false, NULL, now);
}

struct peer *peers_find(struct exchange *x, const char *id)
{
    for (size_t i = 0; i < x->peer_count; i++)
        if (strcmp(x->peers[i].id, id) == 0)
            return &x->peers[i];
    return NULL;
}

static void dial_later(struct peer *p, int64_t now)
{
    p->dial_at = now + p->backoff_ms;
    p->backoff_ms = p->backoff_ms * 2 < DIAL_MAX_MS ? p->backoff_ms * 2 : DIAL_MAX_MS;
}

static void dial(struct exchange *x, struct peer *p, int64_t now)
{
    int family = ((const struct sockaddr *) &p->address)->sa_family;
    AUTO_FD fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    dial_later(p, now);
    if (fd < 0)
        return;
    set_up_socket(fd);
    if (connect(fd, (const struct sockaddr *) &p->address, p->address_len) < 0 &&
        errno != EINPROGRESS)
        return;
    p->dial = link_new(x, TAKE_FD(fd), true, p, now);
}

static bool dialled_by_smaller(const struct exchange *x, const struct link *l)
{
    bool we_are_smaller = strcmp(x->self, l->peer->id) < 0;
    return l->dialled == we_are_smaller;
}

/* Both sides come to the same answer, whichever connection each of them saw first. Of two by the
 * same side the later one is kept: whoever dials again has lost the first. */
static bool is_better(const struct exchange *x, const struct link *l, const struct link *old,
                      int64_t now)
{
    return dialled_by_smaller(x, l) || !dialled_by_smaller(x, old) ||
           now - old->heard_at > QUIET_MS;
}

static void detach(struct exchange *x, struct link *l)
{
    struct peer *p = l->peer;
    if (p && p->dial == l)
        p->dial = NULL;
    if (p && p->link == l) {
        p->link = NULL;
        x->peers_changed = x->peers_changed || l->greeted;
    }
}

bool peers_admit(struct exchange *x, struct link *l)
{
    int64_t now = clock_monotonic_ms();
    struct peer *p = peers_find(x, tls_peer(l->tls));
    if (!p || p->dropped || (l->peer && l->peer != p) || now < p->shunned_until)
        return false;
    l->peer = p;
    if (p->link && !is_better(x, l, p->link, now))
        return false;
    if (p->link) {
        p->link->over = true;
        detach(x, p->link);
    }
    if (p->dial == l)
        p->dial = NULL;
    p->link = l;
    return true;
}

void peers_greeted(struct exchange *x, struct link *l)
{
    l->greeted = true;
    l->peer->backoff_ms = DIAL_FIRST_MS;
    x->peers_changed = true;
}

void peers_drop(struct exchange *x, struct link *l, const char *why)
{
    struct peer *p = l->peer;
    l->over = true;
    p->dropped = true;
    snprintf(p->why, sizeof p->why, "%s", why);
    detach(x, l);
}

static void shun(struct exchange *x, struct link *l, int64_t now)
{
    struct peer *p = l->peer;
    l->over = true;
    p->shun_ms = p->shun_ms == 0 ? SHUN_FIRST_MS : p->shun_ms * 2;
    p->shun_ms = p->shun_ms < SHUN_MAX_MS ? p->shun_ms : SHUN_MAX_MS;
    p->shunned_until = p->dial_at = now + p->shun_ms;
    snprintf(p->why, sizeof p->why, "sent nothing for %d seconds", EXCHANGE_STALL_MS / 1000);
    detach(x, l);
}

static bool owes_in_silence(const struct link *l, int64_t now)
{
    if (l->ask_sent == 0)
        return false;
    int64_t since = l->heard_at > l->asks[0].at ? l->heard_at : l->asks[0].at;
    return now - since > EXCHANGE_STALL_MS;
}

static bool reads_nothing(const struct link *l, int64_t now)
{
    bool waits = l->out_sent < l->out.len || l->file_left > 0;
    return waits && now - l->moved_at > 2 * EXCHANGE_STALL_MS;
}

static void look_after(struct exchange *x, struct link *l, int64_t now)
{
    if (!l->open)
        l->over = l->over || now - l->since > SHAKE_MS;
    else if (!l->over && (owes_in_silence(l, now) || reads_nothing(l, now)))
        shun(x, l, now);
}

static void close_link(struct exchange *x, struct link *l)
{
    detach(x, l);
    link_free(x, l);
}

static bool somebody_comes(const struct exchange *x)
{
    for (const struct link *l = x->links; l; l = l->next)
        if (!l->peer && !l->over)
            return true;
    return false;
}

/* Of who is to dial us: one of those who are shaking hands with us may be it. */
static bool may_be_coming(const struct exchange *x, const struct peer *p, bool somebody,
                          int64_t now)
{
    return somebody && strcmp(x->self, p->id) > 0 && now < p->dial_at + SHAKE_MS;
}

static void dial_who_is_missing(struct exchange *x, int64_t now)
{
    bool somebody = somebody_comes(x);
    for (size_t i = 0; i < x->peer_count; i++) {
        struct peer *p = &x->peers[i];
        if (!p->dropped && !p->link && !p->dial && now >= p->dial_at &&
            !may_be_coming(x, p, somebody, now))
            dial(x, p, now);
    }
}

void peers_turn(struct exchange *x, int64_t now)
{
    struct link *next;
    for (struct link *l = x->links; l; l = next) {
        next = l->next;
        look_after(x, l, now);
        if (l->over)
            close_link(x, l);
    }
    if (x->listener < 0 && now >= x->listen_at)
        listen_again(x, now);
    dial_who_is_missing(x, now);
}

void peers_begin(struct exchange *x, int64_t now)
{
    for (size_t i = 0; i < x->peer_count; i++) {
        struct peer *p = &x->peers[i];
        p->backoff_ms = DIAL_FIRST_MS;
        p->dial_at = strcmp(x->self, p->id) < 0 ? now : now + DIAL_LATER_MS;
    }
}

void peers_close_all(struct exchange *x)
{
    while (x->links)
        close_link(x, x->links);
    fd_close(&x->listener);
}
