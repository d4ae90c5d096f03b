/* TCP services, by name: whether one is there, and what it says. */
#pragma once

#include "lib/error.h"

#include <stdbool.h>

/* Of HOST:PORT or [IPv6]:PORT. */
struct tcp_address {
    char *host;
    const char *port; /* in the memory of `host` */
};
void tcp_address_release(struct tcp_address *a);
#define AUTO_TCP_ADDRESS CLEANUP(tcp_address_release) struct tcp_address

int tcp_address_parse(const char *text, struct tcp_address *out, struct error *err); /* -EINVAL */

/* A connected socket that does not block, or -ENOTCONN and why. Up to two seconds for each address
 * that the name has, and what looking it up takes (resolv.conf). */
int tcp_connect(const struct tcp_address *a, struct error *err);
/* All of them: -ETIMEDOUT after two seconds, -ENODATA when the peer ends before. */
int tcp_read(int fd, void *data, size_t len);

/* Connects and closes: 0, or -ENOTCONN and why. */
int tcp_try(const struct tcp_address *a, struct error *err);

/* Tries again and again, until `seconds` are over or *stop: -ETIMEDOUT, -ECANCELED. */
int tcp_wait(const struct tcp_address *a, long seconds, const bool *stop, struct error *err);

/* Sends `text` and a newline: 0 when the answer (64 KiB, two seconds) has `expected` in it. */
int tcp_ask(const struct tcp_address *a, const char *text, const char *expected,
            struct error *err);
