/* How a bundle's blobs come to all hosts of a run: what the hosts' feeds (feed.h) share. From any
 * thread. */
#pragma once

#include "coordinator/scatter.h"
#include "images/bundle.h"
#include "images/chunk-map.h"
#include "lib/cleanup.h"
#include "lib/digest.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/strv.h"
#include "lib/tls.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One host of the inventory. */
struct distribution_host {
    const char *address; /* of its agent, for the others; borrowed; NULL: takes no part */
    bool open;           /* wants something still, as far as we know */
};

struct distribution {
    const struct bundle *bundle; /* borrowed */
    struct chunk_map *map;
    struct scatter *scatter;
    struct tls_authority *authority;
    pthread_mutex_t mutex; /* for what follows */
    struct distribution_host *hosts;
    size_t host_count;
    size_t open;
    int64_t moved_ms;        /* monotonic: when anything arrived anywhere */
    struct chunk_set wanted; /* of blobs that any host is to have, there or not */
    int64_t size;            /* bytes of them */
};

/* run: its id. order: blobs, the most urgent first. addresses: one for each host, NULL for those
 * who take no part; borrowed. */
int distribution_new(const struct bundle *b, const char *run, const struct strv *order,
                     const char *const *addresses, size_t hosts, struct distribution **out,
                     struct error *err);
void distribution_free(struct distribution **d);

/* The ids ("0", "1", …) and addresses of those this host shall connect to, as the call "exchange"
 * has them: all of them when they are few. Of more than DISTRIBUTION_MESH_MAX those on a ring at
 * DISTRIBUTION_REACH distances either way, powers of a base that grows with the ring: each costs
 * handshakes, whose number so grows as the hosts do, and still nobody is more than a few steps
 * away. A connects to B when B connects to A. The caller owns it. */
#define DISTRIBUTION_MESH_MAX 16
#define DISTRIBUTION_REACH 4
json_t *distribution_peers(const struct distribution *d, size_t host);

/* The host wants something, or is going to. */
void distribution_open(struct distribution *d, size_t host);
/* A blob that some host is to have. */
void distribution_add(struct distribution *d, const char *digest);
/* It has all that it wants, or gave up. */
void distribution_close(struct distribution *d, size_t host);
/* It takes no part any more; nobody waits for it. */
void distribution_leave(struct distribution *d, size_t host);
/* Everybody has what they want, or gave up. */
bool distribution_settled(struct distribution *d);
/* Something arrived at a host. */
void distribution_moved(struct distribution *d, int64_t now);
int64_t distribution_moved_ms(struct distribution *d);
