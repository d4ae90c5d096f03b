/* The call "exchange": chunks of the run's bundle come and go (lib/protocol.h, CALLS). One exchange
 * for the host; it belongs to the run, and outlives its sessions for a while. */
#pragma once

#include "agent/session.h"

#include <stddef.h>

#define EXCHANGE_LINGER_MS 60000 /* without a session of its run */

/* Begins the run's exchange in a thread, ending another run's, or attaches the session to it;
 * what follows is told to the session. 1: this took the place of an earlier call of the session.
 * -EINVAL, -ENOENT. */
int session_exchange_start(struct hub *hub, const char *run, uint64_t serial, int64_t id,
                           const json_t *params, struct error *err);
/* A frame 'C'. Those that come after the exchange failed are dropped: they were under way. False:
 * the session does not keep to the protocol. */
bool session_exchange_chunk(struct hub *hub, uint64_t serial, const void *payload, size_t len);
/* The session goes; the exchange stays. */
void session_exchange_forget(struct hub *hub, uint64_t serial);
bool session_exchange_active(const struct hub *hub);
/* Now and then: ends an exchange whose run is gone. */
void session_exchange_turn(struct hub *hub);
/* The service ends: nothing is begun any more. Before the inbox is freed. */
void session_exchange_end(struct hub *hub);
/* After it. */
void session_exchange_free(struct hub *hub);
