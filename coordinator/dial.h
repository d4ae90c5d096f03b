/* A TCP connection with a deadline. */
#pragma once

#include "lib/error.h"

#include <stdbool.h>
#include <stdint.h>

/* A peer that acknowledges nothing for so long is gone: a silent drop ends in an error. */
#define DIAL_SILENCE_MS 20000

/* Connects to the first address that answers. Gives a non-blocking, close-on-exec descriptor with
 * TCP_NODELAY, keepalive and DIAL_SILENCE_MS set. Errors: -ECONNREFUSED, -ETIMEDOUT, -EHOSTUNREACH
 * (also for a name that does not resolve), -ECANCELED (looked at every 200 ms; cancel may be NULL),
 * or another errno. */
int dial_tcp(const char *address, uint16_t port, int64_t deadline_ms, const bool *cancel,
             struct error *err);
