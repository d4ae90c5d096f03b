/* One connection to the service: frames in, calls out to threads and jobs, frames back. Belongs to
 * the service's thread; threads reach it through the inbox, by its serial number. */
#pragma once

#include "agent/calls.h"
#include "agent/inbox.h"
#include "agent/lock.h"
#include "lib/protocol.h"

#include <stdbool.h>
#include <stdint.h>

#define SESSIONS_MAX 16
#define SESSION_CALLS_MAX 32              /* under way at a time */
#define SESSION_OUT_MAX (8 * 1024 * 1024) /* bytes; a peer that does not read them is cut off */

/* What all sessions share. */
struct hub {
    struct call_context ctx;
    struct inbox *inbox;
    struct host_lock lock;
    const char *version; /* "sha256:…" of the agent */
    struct session *sessions;
    size_t session_count;
    uint64_t next_serial;
    struct seat *seat; /* session-exchange.c's */
};

/* Takes the descriptor over, makes it non-blocking and adds the session to the hub. */
void session_add(struct hub *hub, int fd);
/* Removes it: releases the lock, keeps the part of a put, leaves jobs alone. */
void session_remove(struct hub *hub, struct session *s);
struct session *session_next(const struct session *s);
struct session *session_by_serial(const struct hub *hub, uint64_t serial); /* NULL: gone */

int session_fd(const struct session *s);
const char *session_run(const struct session *s); /* "" before hello */
short session_poll_events(const struct session *s);
/* Reads, writes, answers. False: the session is over. */
bool session_on_ready(struct session *s, short revents);
bool session_is_silent(const struct session *s); /* for longer than PROTOCOL_SILENCE_MS */
bool session_has_output(const struct session *s);

/* Gives the lock to who waits for it, once it is free; refuses who waited in vain. */
void sessions_turn(struct hub *hub);

/* Queues a frame; message is taken over. last: it ends a call. */
void session_send(struct session *s, json_t *message, bool last);
/* The same from any thread; dropped when the session is gone meanwhile. */
void session_post(struct hub *hub, uint64_t serial, json_t *message, bool last);
