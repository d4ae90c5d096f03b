/* The program of the image with which a cluster's network is tried (agent/step-netcheck.c). Static,
 * of libc alone, without privileges.
 *
 *   netcheck serve PORT
 *       answers on PORT, TCP and UDP, until SIGTERM.
 *   netcheck probe MILLISECONDS PORT NAME ADDRESS...
 *       tries each IPv4 address, all at once: TCP there and back, and UDP datagrams that may not be
 *       fragmented, there and back, of several sizes up to what the interface takes (bytes of the
 *       IP packet). Several tries each. One line an address:
 *       {"address":"10.244.1.2","tcp":"ok","passed":[100,1400,1450],"lost":[],"udp":"ok"}
 *       "tcp" and "udp" are ok or say what the kernel said last; "no answer": nothing.
 *       Then asks the first name server of /etc/resolv.conf for the IPv4 address of NAME ("-": asks
 *       nothing), which may take as long again. One line:
 *       {"name":"x.y","server":"10.96.0.10","address":"10.96.3.4"}, or "error" for "address".
 *
 * Exit codes: 0 tried, the lines say what came of it; 1 could not try; 2 wrong arguments. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define TARGETS_MAX 512
#define MILLISECONDS_MAX 60000
#define CALLERS_MAX 128  /* TCP connections at a time; the longest there gives way */
#define TRY_AGAIN_MS 250 /* doubled from try to try */
#define HEADERS 28       /* IPv4 and UDP */
#define SIZES_MAX 16
#define DATAGRAM_MAX 65507
#define GREETING_LEN 64  /* bytes there and back over TCP */
#define NAME_MAX_LEN 253 /* RFC 1035 */
#define DNS_PORT 53
#define DNS_HEADER 12
#define DNS_SIZE 512
#define DNS_AGAIN_MS 500

/* A datagram: one of these, then the number of who asked. A server answers questions alone, so that
 * two of them never talk to each other without end. */
#define QUESTION "bigtop-net?"
#define ANSWER "bigtop-net!"
#define MARK_LEN (sizeof(QUESTION) - 1)
#define NONCE_LEN 8

static volatile sig_atomic_t ended;

static void on_term(int number)
{
    (void) number;
    ended = 1;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int fail(const char *what)
{
    fprintf(stderr, "netcheck: %s: %s\n", what, strerror(errno));
    return 1;
}

static int usage(const char *what)
{
    fprintf(stderr,
            "netcheck: %s\n"
            "usage: netcheck serve PORT | netcheck probe MILLISECONDS PORT NAME ADDRESS...\n",
            what);
    return 2;
}

/* Digits only; 0 for anything else, which no caller accepts. */
static unsigned number(const char *text, unsigned max)
{
    char *end;
    if (strspn(text, "0123456789") != strlen(text) || !*text)
        return 0;
    errno = 0;
    unsigned long n = strtoul(text, &end, 10);
    return errno == 0 && n <= max ? (unsigned) n : 0;
}

/* Packets keep their size, whatever the kernel believes of the path: it shall be tried. */
static int never_fragment(int fd)
{
    int probe = IP_PMTUDISC_PROBE;
    return setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof(probe));
}

static int open_socket(int type, in_addr_t address, uint16_t port,
                       int (*attach)(int, const struct sockaddr *, socklen_t))
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = address;
    int on = 1, fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if ((type == SOCK_DGRAM && never_fragment(fd) < 0) ||
        (attach(fd, (struct sockaddr *) &at, sizeof(at)) < 0 && errno != EINPROGRESS)) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

/* --- serve */

struct server {
    int udp, tcp;
    int callers[CALLERS_MAX]; /* oldest first */
    size_t caller_count;
};

static void answer_datagrams(int fd)
{
    static char data[DATAGRAM_MAX];
    struct sockaddr_in from;
    socklen_t len = sizeof(from);
    ssize_t n;
    while ((n = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *) &from, &len)) >= 0) {
        if ((size_t) n < MARK_LEN + NONCE_LEN || memcmp(data, QUESTION, MARK_LEN) != 0)
            continue;
        memcpy(data, ANSWER, MARK_LEN);
        (void) sendto(fd, data, (size_t) n, 0, (struct sockaddr *) &from, len);
        len = sizeof(from);
    }
}

static void drop_caller(struct server *s, size_t i)
{
    close(s->callers[i]);
    memmove(&s->callers[i], &s->callers[i + 1], (--s->caller_count - i) * sizeof(s->callers[0]));
}

static void take_callers(struct server *s)
{
    int fd;
    while ((fd = accept4(s->tcp, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        if (s->caller_count == CALLERS_MAX)
            drop_caller(s, 0);
        s->callers[s->caller_count++] = fd;
    }
}

/* False when the caller has gone, or takes nothing back. */
static bool echo(int fd)
{
    char data[GREETING_LEN];
    ssize_t n = read(fd, data, sizeof(data));
    return n < 0 ? errno == EAGAIN || errno == EINTR
                 : n > 0 && send(fd, data, (size_t) n, MSG_NOSIGNAL) == n;
}

static void serve_once(struct server *s)
{
    struct pollfd polled[2 + CALLERS_MAX] = {{.fd = s->udp, .events = POLLIN},
                                             {.fd = s->tcp, .events = POLLIN}};
    size_t count = s->caller_count;
    for (size_t i = 0; i < count; i++)
        polled[2 + i] = (struct pollfd){.fd = s->callers[i], .events = POLLIN};
    if (poll(polled, 2 + count, -1) < 0)
        return;
    for (size_t i = count; i-- > 0;)
        if (polled[2 + i].revents && !echo(s->callers[i]))
            drop_caller(s, i);
    if (polled[0].revents)
        answer_datagrams(s->udp);
    if (polled[1].revents)
        take_callers(s);
}

static int serve(uint16_t port)
{
    struct sigaction term = {.sa_handler = on_term};
    struct server s = {.udp = open_socket(SOCK_DGRAM, INADDR_ANY, port, bind),
                       .tcp = open_socket(SOCK_STREAM, INADDR_ANY, port, bind)};
    /* The first process of a pod gets only the signals that it asked for. */
    sigaction(SIGTERM, &term, NULL);
    sigaction(SIGINT, &term, NULL);
    if (s.udp < 0 || s.tcp < 0 || listen(s.tcp, CALLERS_MAX) < 0)
        return fail("listen");
    while (!ended)
        serve_once(&s);
    return 0;
}

/* --- probe */

struct target {
    const char *address;
    size_t size_count;
    in_addr_t at;
    int udp, tcp;
    int udp_error, tcp_error;  /* errno, the last; 0: none */
    unsigned sizes[SIZES_MAX]; /* of IP packets, bytes */
    bool passed[SIZES_MAX];
    uint16_t port;
    bool greeted, tcp_done;
};

static char nonce[NONCE_LEN], greeting[GREETING_LEN];

/* Of the interface that the socket's packets leave by. */
static unsigned interface_mtu(int fd)
{
    struct sockaddr_in own = {0};
    socklen_t len = sizeof(own);
    struct ifaddrs *all = NULL;
    struct ifreq request = {0};
    if (getsockname(fd, (struct sockaddr *) &own, &len) < 0 || getifaddrs(&all) < 0)
        return 0;
    for (const struct ifaddrs *a = all; a; a = a->ifa_next)
        if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET &&
            ((struct sockaddr_in *) a->ifa_addr)->sin_addr.s_addr == own.sin_addr.s_addr)
            snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", a->ifa_name);
    freeifaddrs(all);
    return ioctl(fd, SIOCGIFMTU, &request) < 0 ? 0 : (unsigned) request.ifr_mtu;
}

/* How large packets may be is told as closely as this. */
static const unsigned sizes[] = {100, 600, 1000, 1200, 1300, 1350, 1400, 1450, 4000, 8000};

static void choose_sizes(struct target *t)
{
    unsigned mtu = interface_mtu(t->udp);
    if (mtu > DATAGRAM_MAX + HEADERS)
        mtu = DATAGRAM_MAX + HEADERS;
    for (size_t i = 0; i < ARRAY_SIZE(sizes) && (i == 0 || sizes[i] < mtu); i++)
        t->sizes[t->size_count++] = sizes[i];
    if (mtu > sizes[0])
        t->sizes[t->size_count++] = mtu;
}

static void open_tcp(struct target *t)
{
    t->tcp = open_socket(SOCK_STREAM, t->at, t->port, connect);
    t->tcp_error = t->tcp < 0 ? errno : 0;
    t->tcp_done = t->tcp < 0;
    t->greeted = false;
}

static void open_target(struct target *t, const char *address, in_addr_t at, uint16_t port)
{
    *t = (struct target){.address = address, .at = at, .port = port};
    t->udp = open_socket(SOCK_DGRAM, at, port, connect);
    t->udp_error = t->udp < 0 ? errno : 0;
    open_tcp(t);
    choose_sizes(t);
}

static void ask(struct target *t)
{
    static char data[DATAGRAM_MAX];
    if (t->tcp_done && t->tcp_error) {
        if (t->tcp >= 0)
            close(t->tcp);
        open_tcp(t);
    }
    memcpy(data, QUESTION, MARK_LEN);
    memcpy(data + MARK_LEN, nonce, NONCE_LEN);
    for (size_t i = 0; t->udp >= 0 && i < t->size_count; i++)
        if (!t->passed[i] && send(t->udp, data, t->sizes[i] - HEADERS, 0) < 0)
            t->udp_error = errno;
}

static void take_answers(struct target *t)
{
    static char data[DATAGRAM_MAX];
    for (;;) {
        ssize_t n = recv(t->udp, data, sizeof(data), 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n < 0) {
            t->udp_error = errno; /* what an ICMP message said; the socket goes on */
            return;
        }
        if ((size_t) n < MARK_LEN + NONCE_LEN || memcmp(data, ANSWER, MARK_LEN) != 0 ||
            memcmp(data + MARK_LEN, nonce, NONCE_LEN) != 0)
            continue;
        for (size_t i = 0; i < t->size_count; i++)
            t->passed[i] = t->passed[i] || (size_t) n + HEADERS == t->sizes[i];
    }
}

static void end_tcp(struct target *t, int error)
{
    t->tcp_error = error;
    t->tcp_done = true;
}

static void go_on_tcp(struct target *t)
{
    int error = 0;
    socklen_t len = sizeof(error);
    char data[GREETING_LEN];
    getsockopt(t->tcp, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error) {
        end_tcp(t, error);
    } else if (!t->greeted) {
        t->greeted = true;
        if (send(t->tcp, greeting, sizeof(greeting), MSG_NOSIGNAL) != sizeof(greeting))
            end_tcp(t, EPIPE);
    } else {
        ssize_t n = recv(t->tcp, data, sizeof(data), MSG_PEEK);
        if (n == (ssize_t) sizeof(data))
            end_tcp(t, memcmp(data, greeting, sizeof(data)) == 0 ? 0 : EBADMSG);
        else if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            end_tcp(t, n == 0 ? ECONNRESET : errno);
    }
}

static bool all_passed(const struct target *t)
{
    for (size_t i = 0; i < t->size_count; i++)
        if (!t->passed[i])
            return false;
    return true;
}

static bool is_done(const struct target *t)
{
    return t->tcp_done && t->tcp_error == 0 && all_passed(t);
}

/* Waits for one answer at most until `until`; false when nothing is left to wait for. */
static bool probe_once(struct target *targets, size_t count, int64_t until)
{
    static struct pollfd polled[2 * TARGETS_MAX];
    bool waits = false;
    for (size_t i = 0; i < count; i++) {
        struct target *t = &targets[i];
        short tcp_events = t->greeted ? POLLIN : POLLOUT;
        polled[2 * i] = (struct pollfd){.fd = all_passed(t) ? -1 : t->udp, .events = POLLIN};
        polled[2 * i + 1] = (struct pollfd){.fd = t->tcp_done ? -1 : t->tcp, .events = tcp_events};
        waits = waits || !is_done(t);
    }
    int64_t left = until - now_ms();
    if (!waits || poll(polled, 2 * count, left > 0 ? (int) left : 0) < 0)
        return waits;
    for (size_t i = 0; i < count; i++) {
        if (polled[2 * i].revents)
            take_answers(&targets[i]);
        if (polled[2 * i + 1].revents)
            go_on_tcp(&targets[i]);
    }
    return true;
}

static void probe_until(struct target *targets, size_t count, int64_t deadline)
{
    int64_t pause = TRY_AGAIN_MS;
    bool waits = true;
    while (waits && now_ms() < deadline) {
        int64_t next = now_ms() + pause;
        pause *= 2;
        for (size_t i = 0; i < count; i++)
            ask(&targets[i]);
        while (waits && now_ms() < next && now_ms() < deadline)
            waits = probe_once(targets, count, next < deadline ? next : deadline);
    }
}

static void print_sizes(const struct target *t, const char *key, bool passed)
{
    printf(",\"%s\":[", key);
    for (size_t i = 0, n = 0; i < t->size_count; i++)
        if (t->passed[i] == passed)
            printf("%s%u", n++ ? "," : "", t->sizes[i]);
    printf("]");
}

static const char *outcome(bool ok, int error)
{
    return ok ? "ok" : error ? strerror(error) : "no answer";
}

static void print_target(const struct target *t)
{
    printf("{\"address\":\"%s\",\"tcp\":\"%s\"", t->address,
           outcome(t->tcp_done && t->tcp_error == 0, t->tcp_error));
    print_sizes(t, "passed", true);
    print_sizes(t, "lost", false);
    printf(",\"udp\":\"%s\"}\n", outcome(all_passed(t), t->udp_error));
}

static void probe(unsigned ms, uint16_t port, char *addresses[], const struct in_addr *at,
                  size_t count)
{
    static struct target targets[TARGETS_MAX];
    int64_t deadline = now_ms() + ms;
    for (size_t i = 0; i < count; i++)
        open_target(&targets[i], addresses[i], at[i].s_addr, port);
    probe_until(targets, count, deadline);
    for (size_t i = 0; i < count; i++)
        print_target(&targets[i]);
}

/* --- resolve; the wire of RFC 1035 */

static bool read_name_server(char out[INET_ADDRSTRLEN])
{
    char line[256];
    struct in_addr unused;
    bool found = false;
    FILE *f = fopen("/etc/resolv.conf", "re");
    while (f && !found && fgets(line, sizeof(line), f))
        found = sscanf(line, " nameserver %15s", out) == 1 && inet_pton(AF_INET, out, &unused) == 1;
    if (f)
        fclose(f);
    return found;
}

/* Letters, digits and dashes in labels of 1 to 63. */
static bool is_name(const char *name)
{
    size_t len = strlen(name), label = 0;
    for (size_t i = 0; i <= len; i++) {
        bool ends = name[i] == '.' || name[i] == '\0';
        if ((ends && label == 0) || label > 63 ||
            (!ends && !strchr("abcdefghijklmnopqrstuvwxyz0123456789-", name[i])))
            return false;
        label = ends ? 0 : label + 1;
    }
    return len > 0 && len <= NAME_MAX_LEN;
}

static size_t write_question(const char *name, unsigned char out[DNS_SIZE])
{
    static const unsigned char flags[] = {1, 0, 0, 1};   /* recursion desired; one question */
    static const unsigned char type[] = {0, 0, 1, 0, 1}; /* end of the name, A, IN */
    memset(out, 0, DNS_HEADER);
    memcpy(out, nonce, 2);
    memcpy(out + 2, flags, sizeof(flags));
    size_t at = DNS_HEADER;
    for (const char *label = name; *label;) {
        size_t len = strcspn(label, ".");
        out[at++] = (unsigned char) len;
        memcpy(out + at, label, len);
        at += len;
        label += len + (label[len] == '.');
    }
    memcpy(out + at, type, sizeof(type));
    return at + sizeof(type);
}

/* Behind the name that begins at `at`; past `len` when it does not end. */
static size_t skip_name(const unsigned char *data, size_t len, size_t at)
{
    while (at < len && data[at] != 0 && (data[at] & 0xC0) == 0)
        at += 1 + (size_t) data[at];
    return at < len ? at + (data[at] == 0 ? 1 : 2) : len + 1;
}

static unsigned u16_at(const unsigned char *data)
{
    return (unsigned) data[0] << 8 | data[1];
}

/* The first A record behind `at`. */
static const char *find_address(const unsigned char *data, size_t len, size_t at, char out[])
{
    for (unsigned left = u16_at(data + 6); left > 0; left--) {
        at = skip_name(data, len, at);
        if (at > len || len - at < 10)
            return "a malformed answer";
        size_t size = u16_at(data + at + 8);
        bool is_a = u16_at(data + at) == 1 && u16_at(data + at + 2) == 1 && size == 4;
        at += 10;
        if (size > len - at)
            return "a malformed answer";
        if (is_a)
            return inet_ntop(AF_INET, data + at, out, INET_ADDRSTRLEN) ? NULL : "no address";
        at += size;
    }
    return "no address";
}

/* NULL and out filled, or what was wrong. */
static const char *read_answer(const unsigned char *data, size_t len, size_t question, char out[])
{
    static const char *const codes[] = {NULL,       "FORMERR", "SERVFAIL",
                                        "NXDOMAIN", "NOTIMP",  "REFUSED"};
    if (len < question || !(data[2] & 0x80))
        return "a malformed answer";
    unsigned code = data[3] & 0xFu;
    if (code > 0)
        return code < ARRAY_SIZE(codes) ? codes[code] : "an unknown error";
    return find_address(data, len, question, out);
}

/* Asks once and waits; what came of it, NULL when `out` has the address. */
static const char *resolve_once(int fd, const unsigned char *query, size_t query_len, int wait_ms,
                                char out[])
{
    unsigned char data[DNS_SIZE];
    int64_t until = now_ms() + wait_ms;
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    if (send(fd, query, query_len, 0) < 0)
        return strerror(errno);
    for (int64_t left = wait_ms; left > 0; left = until - now_ms()) {
        if (poll(&polled, 1, (int) left) <= 0)
            continue;
        ssize_t n = recv(fd, data, sizeof(data), 0);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return strerror(errno);
        if (n >= DNS_HEADER && memcmp(data, query, 2) == 0)
            return read_answer(data, (size_t) n, query_len, out);
    }
    return "no answer";
}

static void pause_until(int64_t until)
{
    int64_t left = until - now_ms();
    if (left > 0)
        poll(NULL, 0, (int) left);
}

static int resolve(unsigned ms, const char *name)
{
    unsigned char query[DNS_SIZE];
    char server[INET_ADDRSTRLEN], address[INET_ADDRSTRLEN];
    struct in_addr at;
    errno = ENOENT;
    if (!read_name_server(server) || inet_pton(AF_INET, server, &at) != 1)
        return fail("no IPv4 name server in /etc/resolv.conf");
    size_t len = write_question(name, query);
    int fd = open_socket(SOCK_DGRAM, at.s_addr, DNS_PORT, connect);
    const char *error = fd < 0 ? strerror(errno) : "no answer";
    int64_t deadline = now_ms() + ms;
    for (int64_t left = ms; fd >= 0 && error && left > 0; left = deadline - now_ms()) {
        int64_t next = now_ms() + (left < DNS_AGAIN_MS ? left : DNS_AGAIN_MS);
        error = resolve_once(fd, query, len, (int) (next - now_ms()), address);
        if (error)
            pause_until(next); /* a service that was just made may be unknown for a moment */
    }
    printf("{\"name\":\"%s\",\"server\":\"%s\",\"%s\":\"%s\"}\n", name, server,
           error ? "error" : "address", error ? error : address);
    return 0;
}

static int try_all(unsigned ms, uint16_t port, const char *name, char *addresses[], size_t count)
{
    struct in_addr at[TARGETS_MAX];
    bool asks = strcmp(name, "-") != 0;
    if (asks && !is_name(name))
        return usage("a name has lower-case letters, digits, dashes and dots");
    if (count > TARGETS_MAX || (count == 0 && !asks))
        return usage("a name, or from 1 to 512 addresses, or both");
    for (size_t i = 0; i < count; i++)
        if (inet_pton(AF_INET, addresses[i], &at[i]) != 1)
            return usage("an address is not IPv4");
    if (getrandom(nonce, sizeof(nonce), 0) != sizeof(nonce) ||
        getrandom(greeting, sizeof(greeting), 0) != sizeof(greeting))
        return fail("random numbers");
    probe(ms, port, addresses, at, count);
    int code = asks ? resolve(ms, name) : 0;
    return fflush(stdout) == 0 ? code : fail("output");
}

int main(int argc, char *argv[])
{
    const char *verb = argc > 1 ? argv[1] : "";
    if (strcmp(verb, "serve") == 0) {
        unsigned port = argc == 3 ? number(argv[2], UINT16_MAX) : 0;
        return port ? serve((uint16_t) port) : usage("serve takes a port from 1 to 65535");
    }
    if (strcmp(verb, "probe") != 0)
        return usage("no such command");
    unsigned ms = argc > 4 ? number(argv[2], MILLISECONDS_MAX) : 0;
    unsigned port = argc > 4 ? number(argv[3], UINT16_MAX) : 0;
    if (!ms || !port)
        return usage("probe takes milliseconds up to 60000, a port and a name");
    return try_all(ms, (uint16_t) port, argv[4], argv + 5, (size_t) argc - 5);
}
