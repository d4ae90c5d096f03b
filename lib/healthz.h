/* Servers of this machine, on loopback, and health endpoints among them that have no TLS: the
 * kubelet's and kube-proxy's. */
#pragma once

#include "lib/error.h"

#include <stdbool.h>
#include <stdint.h>

#define HEALTHZ_KUBELET_PORT 10248 /* KubeletConfiguration healthzPort, its default */

/* A connection whose every step takes so long at most; the descriptor is the caller's. -errno:
 * nobody takes it. */
int loopback_dial(uint16_t port, int timeout_ms);
/* True when GET http://127.0.0.1:PORT/healthz gives status 200 within the time. */
bool healthz_ok(uint16_t port, int timeout_ms);
/* Waits until it does; -ETIMEDOUT, -ECANCELED. `what` is named in the error. */
int healthz_wait(const char *what, uint16_t port, const bool *cancel, int timeout_ms,
                 struct error *err);
