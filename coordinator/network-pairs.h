/* Which nodes are to reach which, when the network is tried: a slice of the nodes at a time, as a
 * message and a cluster hold only so much. Pure.
 *
 * Nodes are numbered with the control planes first. A slice has all control planes and the workers
 * from `first` on. Up to NETWORK_ALL_MAX nodes in it, each is tried with each; in a larger one each
 * with the next NETWORK_RING in the order of the slice, which is a ring, and with the control
 * planes, both ways. Slices overlap by NETWORK_RING workers, so that the rings hang together. */
#pragma once

#include "lib/json.h"

#include <stddef.h>

#define NETWORK_ALL_MAX 32
#define NETWORK_RING 8
#define NETWORK_SLICE_MAX 128 /* nodes: their names and pairs fit into a message */

struct network_slice {
    size_t planes;       /* the first so many nodes are control planes */
    size_t first, count; /* workers, as numbers of nodes */
    size_t next;         /* `first` of the next slice; 0: there is none */
};
/* The slice that begins with worker `first` (of the first slice: `planes`). At most
 * NETWORK_SLICE_MAX / 2 of `planes` are taken. */
struct network_slice network_slice(size_t nodes, size_t planes, size_t first);
/* The number of the slice's node at a place in it. */
size_t network_slice_node(const struct network_slice *s, size_t place);
static inline size_t network_slice_size(const struct network_slice *s)
{
    return s->planes + s->count;
}
/* [[from,to],…], places in the slice, each pair once. The caller owns it. */
json_t *network_pairs(const struct network_slice *s);
