/* One connection to an agent, from the TCP handshake to the answered hello; session.c makes a new
 * one when it is lost. */
#pragma once

#include "coordinator/session.h"
#include "lib/strbuf.h"

#include <stdint.h>

struct link;

/* Connects, pushes the agent when needed, says hello. sudo_password keeps what was asked for. */
int link_open(const struct host *host, const struct session_options *options,
              struct strbuf *sudo_password, int timeout_ms, struct link **out, struct error *err);
void link_close(struct link **l);
#define AUTO_LINK CLEANUP(link_close) struct link

/* Sends {"id":<new>,"call":…,"params":…} (params borrowed, NULL: {}). The id, or -E2BIG, -EPIPE,
 * -ECANCELED. */
int64_t link_call(struct link *l, const char *call, json_t *params, struct error *err);
/* Sends one 'B' frame of at most PROTOCOL_BYTES_MAX bytes; buffer has PROTOCOL_HEADER bytes of room
 * in front of data, which are overwritten. */
int link_send_bytes(struct link *l, unsigned char *data, size_t len, struct error *err);
/* Sends one 'C' frame: the chunk's number, then `size` bytes of the blob from `offset` on, read and
 * written piece by piece. -EIO, -ENODATA: of the blob; the link is no use any more. */
int link_send_chunk(struct link *l, uint32_t number, const struct blob_source *blob,
                    uint64_t offset, uint32_t size, struct error *err);
/* Begins the conversation beside the calls, or begins it anew; borrowed while the link is. */
int link_begin_beside(struct link *l, const struct session_beside *beside, struct error *err);
/* Waits for the next message that carries the id and keeps the link alive with pings meanwhile, and
 * the conversation beside going. Messages of others are dropped. 0 and *message (the caller's),
 * -EAGAIN at the deadline, -EPIPE when the link is gone or silent, -EPROTO, -ECANCELED. */
int link_receive(struct link *l, int64_t id, int64_t deadline_ms, json_t **message,
                 struct error *err);
/* Hands a "progress" of the agent on, its text cut and made printable. */
void link_tell_progress(const struct session_options *options, const json_t *progress);
