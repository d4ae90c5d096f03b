/* A small HTTP server on loopback for tests: one thread, one connection after another; a function
 * of the test answers each request. */
#pragma once

#include "lib/fd.h"
#include "lib/strbuf.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HTTP_REQUEST_MAX 16384
#define HTTP_REQUESTS_MAX 64

struct http_server;
/* nth counts from 1. The connection is closed afterwards. */
typedef void (*http_handler)(struct http_server *s, int fd, const char *request, int nth);

struct http_server {
    int fd;
    unsigned port;
    http_handler handler;
    void *data; /* the test's own */
    pthread_t thread;
    int count;
    char *requests[HTTP_REQUESTS_MAX + 1];
};

static inline void http_send(int fd, const char *text)
{
    (void) !send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* A whole answer with a body and its length; headers: lines that end with \r\n. */
static inline void http_answer(int fd, const char *status, const char *headers, const char *body)
{
    AUTO_FREE char *text =
        xasprintf("HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n%s", status,
                  strlen(body), headers, body);
    http_send(fd, text);
}

static inline void http_serve_one(struct http_server *s, int fd)
{
    char request[HTTP_REQUEST_MAX] = "";
    size_t len = 0;
    while (len < sizeof(request) - 1 && !strstr(request, "\r\n\r\n")) {
        ssize_t n = read(fd, request + len, sizeof(request) - 1 - len);
        if (n <= 0)
            return;
        len += (size_t) n;
        request[len] = '\0';
    }
    if (s->count < HTTP_REQUESTS_MAX)
        s->requests[s->count] = xstrdup(request);
    s->count++;
    s->handler(s, fd, request, s->count);
}

static inline void *http_serve(void *userdata)
{
    struct http_server *s = userdata;
    for (int fd; (fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0; close(fd))
        http_serve_one(s, fd);
    return NULL;
}

static inline void http_start(struct http_server *s, http_handler handler, void *data)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    *s = (struct http_server){.handler = handler, .data = data};
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || bind(s->fd, (struct sockaddr *) &a, len) < 0 || listen(s->fd, 16) < 0 ||
        getsockname(s->fd, (struct sockaddr *) &a, &len) < 0 ||
        pthread_create(&s->thread, NULL, http_serve, s) != 0)
        abort();
    s->port = ntohs(a.sin_port);
}

/* After this the requests may be looked at. */
static inline void http_stop(struct http_server *s)
{
    if (s->fd < 0)
        return;
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    fd_close(&s->fd);
}

static inline void http_release(struct http_server *s)
{
    http_stop(s);
    for (int i = 0; i < HTTP_REQUESTS_MAX; i++)
        free(s->requests[i]);
}
