/* The call "put": a blob comes in over a session (lib/protocol.h, CALLS). */
#pragma once

#include "agent/session.h"

#include <stddef.h>

struct put;
/* Starts it in a thread; what follows is told to the session. -EINVAL, -EBUSY. */
int put_start(struct hub *hub, struct put **slot, uint64_t serial, int64_t id, const json_t *params,
              struct error *err);
/* Bytes of a frame. Those that come after a put failed are dropped: they were under way. False: the
 * peer does not keep to the protocol. */
bool put_bytes(struct put *p, const void *data, size_t len);
/* The session goes: the part stays for a resume. */
void put_forget(struct put **slot);
