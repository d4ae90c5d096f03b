/* The exchange of chunks between the agents of one run (lib/protocol.h, "exchange"): one thread
 * that serves and asks its peers over TLS, and takes what the coordinator sends.
 *
 * BETWEEN PEERS  frames as in lib/protocol.h over lib/tls.h, on EXCHANGE_PORT; either may dial, and
 *                of two connections the one that the smaller id (bytewise) dialled is kept.
 *   {"manifest":D,"have":[[first,count],…]}   first, from both
 *   {"have":[[first,count],…]}                more that is here; at most every EXCHANGE_NEWS_MS
 *   {"want":[n,…]}                            asks for chunks, at most EXCHANGE_QUEUE unanswered
 *   'C'                                       a chunk that was asked for
 *   {"lack":[n,…]}                            was asked for, but is not here any more
 * Whoever sends anything else, or wrong bytes, is dropped for the run. Whoever owes a chunk and
 * sends no byte for EXCHANGE_STALL_MS is disconnected and left alone for a while that doubles. */
#pragma once

#include "images/bundle.h"
#include "lib/cleanup.h"
#include "lib/error.h"
#include "lib/json.h"

#include <stddef.h>
#include <stdint.h>

#define EXCHANGE_PEERS_MAX 64
#define EXCHANGE_NEWS_MS 50
#define EXCHANGE_QUEUE 64
#define EXCHANGE_STALL_MS 5000

/* Called by the exchange's thread. */
struct exchange_events {
    /* What is new, for "progress" (lib/protocol.h); taken over. `watch` is of the last
     * exchange_watch that it is for. */
    void (*progress)(void *userdata, uint64_t watch, json_t *progress);
    /* It is over: this host cannot go on (no room, a disk that fails). Comes at most once. */
    void (*failed)(void *userdata, const struct error *err);
    void *userdata;
};

struct exchange;
/* Params are those of the call "exchange"; the bundle is taken over when this succeeds. -EINVAL:
 * malformed params; -EBADMSG: "manifest" is not this bundle. A port that is in use is no error: the
 * exchange then only dials. */
int exchange_start(const json_t *params, struct bundle *bundle,
                   const struct exchange_events *events, struct exchange **out,
                   struct error *err);
/* Ends the thread and closes all connections; what is under way stays in the store. With `drop`,
 * what this host only kept for others is removed. */
void exchange_stop(struct exchange **x, bool drop);

/* These from any thread. */
/* More that this host wants: "want" of params. -EINVAL, -ENOENT: not of the bundle. */
int exchange_want(struct exchange *x, const json_t *params, struct error *err);
/* From now on progress is for `watch`, and the next is all of it. */
void exchange_watch(struct exchange *x, uint64_t watch);
/* A frame 'C' of the coordinator; copied. -EPROTO: malformed, no such chunk, or more than
 * EXCHANGE_WINDOW ahead of what was acknowledged. */
int exchange_chunk(struct exchange *x, const void *payload, size_t len, struct error *err);
