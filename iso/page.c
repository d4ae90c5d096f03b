#include "iso/page.h"

#include "iso/lines.h"
#include "lib/clock.h"
#include "lib/fd.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 4096
#define PAGE_MAX (4 * 1024 * 1024) /* every character may become an entity */
#define CLIENT_MS 2000 /* for a request and its answer: one at a time, and the next one waits */

static const char head[] = "<!DOCTYPE html><html lang=en><meta charset=utf-8>"
                           "<meta http-equiv=refresh content=2><title>Bigtop coordinator</title>"
                           "<pre>\n";

struct iso_page {
    pthread_t thread;
    pthread_mutex_t lock; /* of lines */
    struct iso_lines lines;
    int listening, stop;
    uint16_t port;
};

static void add_escaped(struct strbuf *out, const char *text)
{
    for (; *text; text++)
        if (*text == '&')
            strbuf_adds(out, "&amp;");
        else if (*text == '<')
            strbuf_adds(out, "&lt;");
        else if (*text == '>')
            strbuf_adds(out, "&gt;");
        else
            strbuf_addc(out, *text);
}

static void make_page(struct iso_page *page, struct strbuf *out)
{
    STRBUF(text, PAGE_MAX);
    pthread_mutex_lock(&page->lock);
    iso_lines_text(&page->lines, &text);
    pthread_mutex_unlock(&page->lock);
    strbuf_adds(out, head);
    add_escaped(out, text.data);
}

static void make_answer(struct iso_page *page, const char *request, struct strbuf *out)
{
    STRBUF(body, PAGE_MAX);
    const char *status = "200 OK";
    bool wanted = strncmp(request, "GET / ", 6) == 0;
    if (wanted)
        make_page(page, &body);
    else
        status = strncmp(request, "GET ", 4) == 0 ? "404 Not Found" : "405 Method Not Allowed";
    strbuf_addf(out,
                "HTTP/1.1 %s\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %zu\r\n"
                "Cache-Control: no-store\r\nContent-Security-Policy: default-src 'none'\r\n"
                "Connection: close\r\n\r\n%s",
                status, body.len, body.data);
}

/* Until there is something to do with fd, it is time, or all ends; true: the first. */
static bool ready(const struct iso_page *page, int fd, short events, int ms)
{
    struct pollfd polled[] = {{.fd = page->stop, .events = POLLIN}, {.fd = fd, .events = events}};
    return poll(polled, ARRAY_SIZE(polled), ms) > 0 && !polled[0].revents && polled[1].revents;
}

static bool read_request(const struct iso_page *page, int fd, int64_t until, struct strbuf *request)
{
    char buffer[REQUEST_MAX];
    while (!strstr(request->data, "\r\n\r\n")) {
        if (!ready(page, fd, POLLIN, clock_left_ms(until)))
            return false;
        ssize_t n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
        if (n <= 0 || strbuf_add(request, buffer, (size_t) n) < 0)
            return false;
    }
    return true;
}

static void send_answer(const struct iso_page *page, int fd, int64_t until,
                        const struct strbuf *answer)
{
    for (size_t sent = 0; sent < answer->len;) {
        if (!ready(page, fd, POLLOUT, clock_left_ms(until)))
            return;
        ssize_t n = send(fd, answer->data + sent, answer->len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return;
        sent += n > 0 ? (size_t) n : 0;
    }
}

static void serve(struct iso_page *page, int fd)
{
    STRBUF(request, REQUEST_MAX);
    STRBUF(answer, PAGE_MAX + REQUEST_MAX);
    int64_t until = clock_monotonic_ms() + CLIENT_MS;
    if (!read_request(page, fd, until, &request))
        return;
    make_answer(page, request.data, &answer);
    send_answer(page, fd, until, &answer);
}

static bool stopped(const struct iso_page *page)
{
    struct pollfd polled = {.fd = page->stop, .events = POLLIN};
    return poll(&polled, 1, 0) > 0;
}

static void *run(void *userdata)
{
    struct iso_page *page = userdata;
    while (!stopped(page)) {
        if (!ready(page, page->listening, POLLIN, -1))
            continue;
        AUTO_FD fd = accept4(page->listening, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            serve(page, fd);
    }
    return NULL;
}

static int listen_on(uint16_t port, int *out, uint16_t *got)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    socklen_t len = sizeof(at);
    const int yes = 1, no = 0;
    AUTO_FD fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
        bind(fd, (const struct sockaddr *) &at, sizeof(at)) < 0 || listen(fd, SOMAXCONN) < 0 ||
        getsockname(fd, (struct sockaddr *) &at, &len) < 0)
        return -errno;
    *got = ntohs(at.sin6_port);
    *out = TAKE_FD(fd);
    return 0;
}

static void free_page(struct iso_page *page)
{
    fd_close(&page->listening);
    fd_close(&page->stop);
    iso_lines_release(&page->lines);
    pthread_mutex_destroy(&page->lock);
    free(page);
}

int iso_page_open(uint16_t port, struct iso_page **out, struct error *err)
{
    struct iso_page *page = xcalloc(1, sizeof(*page));
    page->listening = -1;
    page->stop = eventfd(0, EFD_CLOEXEC);
    pthread_mutex_init(&page->lock, NULL);
    int r = page->stop < 0 ? -errno : listen_on(port, &page->listening, &page->port);
    if (r == 0)
        r = -pthread_create(&page->thread, NULL, run, page);
    if (r < 0) {
        free_page(page);
        return error_errno(err, r, "serve a web page on port %u", port);
    }
    *out = page;
    return 0;
}

void iso_page_close(struct iso_page **page)
{
    if (!*page)
        return;
    (void) eventfd_write((*page)->stop, 1);
    pthread_join((*page)->thread, NULL);
    free_page(*page);
    *page = NULL;
}

uint16_t iso_page_port(const struct iso_page *page)
{
    return page->port;
}

void iso_page_write(struct iso_page *page, const void *data, size_t len)
{
    pthread_mutex_lock(&page->lock);
    iso_lines_write(&page->lines, data, len);
    pthread_mutex_unlock(&page->lock);
}
