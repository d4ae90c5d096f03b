#include "coordinator/network-pairs.h"

struct network_slice network_slice(size_t nodes, size_t planes, size_t first)
{
    size_t taken = planes < NETWORK_SLICE_MAX / 2 ? planes : NETWORK_SLICE_MAX / 2;
    size_t room = NETWORK_SLICE_MAX - taken, left = nodes - first;
    if (left <= room)
        return (struct network_slice){.planes = taken, .first = first, .count = left};
    return (struct network_slice){
        .planes = taken, .first = first, .count = room, .next = first + room - NETWORK_RING};
}

size_t network_slice_node(const struct network_slice *s, size_t place)
{
    return place < s->planes ? place : s->first + place - s->planes;
}

static bool is_tried(const struct network_slice *s, size_t from, size_t to)
{
    size_t size = network_slice_size(s);
    size_t ahead = (to + size - from) % size;
    return size <= NETWORK_ALL_MAX || ahead <= NETWORK_RING || from < s->planes || to < s->planes;
}

json_t *network_pairs(const struct network_slice *s)
{
    json_t *pairs = json_array();
    size_t size = network_slice_size(s);
    for (size_t from = 0; from < size; from++)
        for (size_t to = 0; to < size; to++)
            if (from != to && is_tried(s, from, to))
                json_array_append_new(pairs,
                                      json_pack("[I, I]", (json_int_t) from, (json_int_t) to));
    return pairs;
}
