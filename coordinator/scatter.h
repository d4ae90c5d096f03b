/* Which chunk goes to which host: what the threads of a run share of a distribution. It does no
 * I/O: told what hosts have, want and reach, it says what to send next.
 *
 * A chunk leaves for one host only, whichever has room first, in the order of priority; from there
 * the hosts fetch it from each other. It is free to be sent when somebody wants it, nobody has it
 * and it is on its way to nobody. All of this holds within a group: hosts that reach each other,
 * directly or through others. Everybody is taken for one group until their connections say
 * otherwise for SCATTER_SETTLE_MS; then each group gets its own copy of what it lacks. So a host
 * that is cut off is fed in full, and what a dead one took along is sent again.
 *
 * From any thread. Hosts are indices below the number given to scatter_new; chunks are numbers of
 * the map; times are monotonic milliseconds. */
#pragma once

#include "images/chunk-map.h"
#include "images/chunk-set.h"
#include "lib/cleanup.h"
#include "lib/protocol.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCATTER_GRACE_MS 5000       /* how long the first to report waits for the others */
#define SCATTER_SETTLE_MS 3000      /* connections that are gone for so long are gone */
#define SCATTER_SETTLE_MAX_MS 15000 /* … also when other connections come and go all the time */
#define SCATTER_SETTLE_EACH_MS 20   /* longer for each host: many take longer to connect */
#define SCATTER_STALL_MS 30000      /* its peers gave it nothing for so long: it is fed alone */
/* Next to nothing from its peers in so long, while nothing else is to be sent: it gets from us what
 * only one of them has, and passes that on. */
#define SCATTER_CRAWL_MS 10000
#define SCATTER_CRAWL_BYTES EXCHANGE_WINDOW
#define SCATTER_ALONE_MS 60000 /* for so long, then they are tried again */
/* Bytes on their way to all hosts together. More would only wait in buffers: with hundreds of hosts
 * on a thin uplink for longer than a silent link lives. */
#define SCATTER_FLIGHT_MAX (16 * 1024 * 1024)

struct scatter;
/* order: blobs, the most urgent first; what it does not name comes after. The map must outlive it.
 */
struct scatter *scatter_new(const struct chunk_map *map, const struct strv *order, size_t hosts);
void scatter_free(struct scatter **s);
#define AUTO_SCATTER CLEANUP(scatter_free) struct scatter

/* The host will report: nothing is sent before all expected ones have (or failed, or the grace is
 * over), as it may have what the others want. */
void scatter_expect(struct scatter *s, size_t host);
/* What a host says is there, or wanted; sets of the map's size. */
/* True when one of them is news. */
bool scatter_have(struct scatter *s, size_t host, const struct chunk_set *chunks, int64_t now);
void scatter_want(struct scatter *s, size_t host, const struct chunk_set *chunks);
void scatter_peers(struct scatter *s, size_t host, const size_t *peers, size_t count, int64_t now);
/* The first report on a link is complete, `all` that is there: what was sent before and is not
 * among it got lost, and so did what the host had. */
void scatter_reported(struct scatter *s, size_t host, const struct chunk_set *all, int64_t now);
/* Its link is gone, and may come back. */
void scatter_lost(struct scatter *s, size_t host, int64_t now);
/* It wants nothing any more and gets nothing. Others may still fetch what it has. */
void scatter_fail(struct scatter *s, size_t host, int64_t now);

/* True and *chunk: send it to this host now; it counts as on its way until the host has it. False:
 * nothing now, ask again after *wait_ms at the latest. */
bool scatter_next(struct scatter *s, size_t host, int64_t now, uint32_t *chunk, int *wait_ms);

/* Bytes. */
struct scatter_share {
    int64_t wanted; /* chunks that the host wants or wanted */
    int64_t here;   /* those of them that it has */
    int64_t before; /* of `here`: was so at its first report */
    int64_t own;    /* what came from us and arrived */
};
struct scatter_share scatter_share(struct scatter *s, size_t host);
