/* The inside of scatter.c and scatter-groups.c, under the one lock. */
#pragma once

#include "coordinator/scatter.h"

#include <pthread.h>

#define SCATTER_FLIGHTS_MAX 32 /* chunks on their way to a host */

/* How a chunk stands in a group. */
struct tally {
    uint16_t missing; /* hosts that want it and do not have it */
    uint16_t holders;
    uint16_t flights;
};

struct group {
    struct tally *tallies; /* by chunk; NULL: a single host, whose own bits tell */
    uint32_t first;        /* rank: none before it is free */
    unsigned epoch;        /* grows whenever a chunk may have become free again */
};

struct scatter_host {
    bool joined;   /* has reported at least once */
    bool expected; /* and has neither reported nor failed */
    bool attached; /* has a link and has reported on it */
    bool failed;
    bool stuck;          /* does not move: its flights do not count for the others */
    struct chunk_set want, have;
    uint32_t missing;    /* chunks wanted and not there */
    size_t *peers;       /* that it says it is connected to */
    size_t peer_count;
    uint32_t flights[SCATTER_FLIGHTS_MAX];
    size_t flight_count;
    int64_t flight_bytes;
    int64_t moved_ms;    /* something arrived, or the first flight began */
    bool crawls;         /* what it gets it gets in place of a slow peer */
    int64_t pace_ms;     /* when it was last looked at whether it crawls; 0: not yet */
    int64_t pace_here;   /* its share then */
    int64_t alone_until; /* its peers are not relied on before; 0: they are */
    struct group *group;
    uint32_t at;    /* rank: what is free before it is not for this host … */
    unsigned epoch; /* … as long as the group's is this */
    struct scatter_share share;
};

struct scatter {
    pthread_mutex_t mutex;
    const struct chunk_map *map;
    uint32_t count;
    uint32_t *order, *rank; /* chunk by rank, rank by chunk */
    uint32_t *sizes;        /* bytes, by chunk */
    struct scatter_host *hosts;
    size_t host_count, expected, attached;
    struct group **groups; /* the first takes those who join */
    size_t group_count;
    int64_t first_report_ms;        /* 0: none yet */
    int64_t changed_ms, dirty_ms;   /* of connections: the last, the first since groups were made */
    int64_t regroup_ms, swept_ms;   /* next time at the latest; last look at who is stuck */
    int64_t flight_bytes;           /* of hosts that move */
    int64_t sent_ms;                /* when a chunk was last sent that nobody had */
};

static inline bool host_lacks(const struct scatter_host *h, uint32_t chunk)
{
    return chunk_set_has(&h->want, chunk) && !chunk_set_has(&h->have, chunk);
}

/* scatter-groups.c */
struct group *group_new(const struct scatter *s, bool tallied);
void group_free(struct group **g);
/* A chunk of the group may be free again. */
void group_reopen(struct group *g, uint32_t rank);
/* Takes back what is on its way to the host. */
void groups_give_back(struct scatter *s, struct scatter_host *h);
void groups_changed(struct scatter *s, int64_t now);
/* Makes the groups anew when that is due. */
void groups_tend(struct scatter *s, int64_t now);
