#include "coordinator/scatter.h"

#include "coordinator/scatter-state.h"
#include "lib/protocol.h"

#include <stdlib.h>
#include <string.h>

#define ASK_AGAIN_MS 200
#define ASK_SOON_MS 20 /* before the first chunk: everybody waits for the same moment */
#define ASK_FEWER 4    /* hosts for a millisecond more: hundreds that ask cost more than the wait */
#define MOVES_MS 2000  /* a host to which nothing gets through for so long holds up nobody */
#define SWEEP_MS 500
#define NO_RANK UINT32_MAX

static void rank_range(struct scatter *s, struct chunk_range range, uint32_t *next)
{
    for (uint32_t c = range.first; c < range.first + range.count; c++) {
        if (s->rank[c] != NO_RANK)
            continue;
        s->rank[c] = *next;
        s->order[(*next)++] = c;
    }
}

static void rank_chunks(struct scatter *s, const struct strv *order)
{
    uint32_t next = 0;
    for (uint32_t c = 0; c < s->count; c++)
        s->rank[c] = NO_RANK;
    for (size_t i = 0; i < order->count; i++) {
        struct chunk_range range;
        if (chunk_map_find(s->map, order->items[i], &range) == 0)
            rank_range(s, range, &next);
    }
    rank_range(s, (struct chunk_range){0, s->count}, &next);
}

struct scatter *scatter_new(const struct chunk_map *map, const struct strv *order, size_t hosts)
{
    struct scatter *s = xcalloc(1, sizeof(*s));
    s->map = map;
    s->count = chunk_map_count(map);
    s->order = xcalloc(s->count + 1, sizeof(*s->order));
    s->rank = xcalloc(s->count + 1, sizeof(*s->rank));
    s->sizes = xcalloc(s->count + 1, sizeof(*s->sizes));
    for (uint32_t c = 0; c < s->count; c++)
        s->sizes[c] = chunk_map_get(map, c).size;
    rank_chunks(s, order);
    s->host_count = hosts;
    s->hosts = xcalloc(hosts + 1, sizeof(*s->hosts));
    s->groups = xcalloc(1, sizeof(struct group *));
    s->groups[s->group_count++] = group_new(s, true);
    for (size_t i = 0; i < hosts; i++)
        s->hosts[i].group = s->groups[0];
    s->regroup_ms = INT64_MAX;
    pthread_mutex_init(&s->mutex, NULL);
    return s;
}

void scatter_free(struct scatter **scatter)
{
    struct scatter *s = *scatter;
    *scatter = NULL;
    if (!s)
        return;
    for (size_t i = 0; i < s->host_count; i++) {
        chunk_set_release(&s->hosts[i].want);
        chunk_set_release(&s->hosts[i].have);
        free(s->hosts[i].peers);
    }
    for (size_t i = 0; i < s->group_count; i++)
        group_free(&s->groups[i]);
    free(s->groups);
    free(s->hosts);
    free(s->order);
    free(s->rank);
    free(s->sizes);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

static struct scatter_host *enter(struct scatter *s, size_t host)
{
    struct scatter_host *h = &s->hosts[host];
    pthread_mutex_lock(&s->mutex);
    if (!h->want.words) {
        chunk_set_init(&h->want, s->count);
        chunk_set_init(&h->have, s->count);
    }
    return h;
}

static void leave(struct scatter *s)
{
    pthread_mutex_unlock(&s->mutex);
}

void scatter_expect(struct scatter *s, size_t host)
{
    struct scatter_host *h = enter(s, host);
    if (!h->expected && !h->joined && !h->failed) {
        h->expected = true;
        s->expected++;
    }
    leave(s);
}

/* It has spoken, or never will. */
static void stop_expecting(struct scatter *s, struct scatter_host *h)
{
    s->expected -= h->expected;
    h->expected = false;
}

static uint32_t next_in(const struct chunk_set *set, uint32_t from)
{
    return chunk_set_first(set, set, NULL, (struct chunk_range){from, set->size - from});
}

static bool land(struct scatter *s, struct scatter_host *h, uint32_t chunk)
{
    for (size_t i = 0; i < h->flight_count; i++) {
        if (h->flights[i] != chunk)
            continue;
        h->flights[i] = h->flights[--h->flight_count];
        h->flight_bytes -= s->sizes[chunk];
        if (!h->stuck)
            s->flight_bytes -= s->sizes[chunk];
        if (h->group->tallies)
            h->group->tallies[chunk].flights--;
        return true;
    }
    return false;
}

static void take_chunk(struct scatter *s, struct scatter_host *h, uint32_t chunk)
{
    struct tally *t = h->group->tallies ? &h->group->tallies[chunk] : NULL;
    if (host_lacks(h, chunk)) {
        h->missing--;
        h->share.here += s->sizes[chunk];
        if (t && !h->failed)
            t->missing--;
    }
    chunk_set_add(&h->have, chunk);
    if (t)
        t->holders++;
    if (land(s, h, chunk))
        h->share.own += s->sizes[chunk];
}

bool scatter_have(struct scatter *s, size_t host, const struct chunk_set *chunks, int64_t now)
{
    struct scatter_host *h = enter(s, host);
    bool news = false;
    for (uint32_t c = next_in(chunks, 0); c < s->count; c = next_in(chunks, c + 1)) {
        if (chunk_set_has(&h->have, c))
            continue;
        take_chunk(s, h, c);
        news = true;
    }
    if (h->stuck)
        s->flight_bytes += h->flight_bytes;
    h->stuck = false;
    h->moved_ms = now;
    leave(s);
    return news;
}

static void miss_chunk(struct scatter *s, struct scatter_host *h, uint32_t chunk)
{
    h->missing++;
    if (h->failed)
        return;
    if (h->group->tallies)
        h->group->tallies[chunk].missing++;
    group_reopen(h->group, s->rank[chunk]);
}

void scatter_want(struct scatter *s, size_t host, const struct chunk_set *chunks)
{
    struct scatter_host *h = enter(s, host);
    for (uint32_t c = next_in(chunks, 0); c < s->count; c = next_in(chunks, c + 1)) {
        if (chunk_set_has(&h->want, c))
            continue;
        chunk_set_add(&h->want, c);
        h->share.wanted += s->sizes[c];
        if (chunk_set_has(&h->have, c))
            h->share.here += s->sizes[c];
        else
            miss_chunk(s, h, c);
    }
    leave(s);
}

void scatter_peers(struct scatter *s, size_t host, const size_t *peers, size_t count, int64_t now)
{
    struct scatter_host *h = enter(s, host);
    free(h->peers);
    h->peers = xcalloc(count + 1, sizeof(*h->peers));
    h->peer_count = 0;
    for (size_t i = 0; i < count; i++)
        if (peers[i] < s->host_count && peers[i] != host)
            h->peers[h->peer_count++] = peers[i];
    h->at = 0; /* it may carry for others than before */
    groups_changed(s, now);
    leave(s);
}

static void lose_chunk(struct scatter *s, struct scatter_host *h, uint32_t chunk)
{
    chunk_set_remove(&h->have, chunk);
    if (h->group->tallies)
        h->group->tallies[chunk].holders--;
    if (host_lacks(h, chunk)) {
        h->share.here -= s->sizes[chunk];
        miss_chunk(s, h, chunk);
    }
    group_reopen(h->group, s->rank[chunk]);
}

void scatter_reported(struct scatter *s, size_t host, const struct chunk_set *all, int64_t now)
{
    struct scatter_host *h = enter(s, host);
    stop_expecting(s, h);
    groups_give_back(s, h);
    for (uint32_t c = next_in(&h->have, 0); c < s->count; c = next_in(&h->have, c + 1))
        if (!chunk_set_has(all, c))
            lose_chunk(s, h, c);
    if (!h->joined)
        h->share.before = h->share.here;
    s->attached += !h->attached;
    h->joined = h->attached = true;
    h->moved_ms = now;
    if (s->first_report_ms == 0)
        s->first_report_ms = now;
    groups_changed(s, now);
    leave(s);
}

void scatter_lost(struct scatter *s, size_t host, int64_t now)
{
    struct scatter_host *h = enter(s, host);
    s->attached -= h->attached;
    h->attached = false;
    groups_changed(s, now);
    leave(s);
}

void scatter_fail(struct scatter *s, size_t host, int64_t now)
{
    struct scatter_host *h = enter(s, host);
    stop_expecting(s, h);
    groups_give_back(s, h);
    for (uint32_t c = 0; h->group->tallies && !h->failed && c < s->count; c++)
        h->group->tallies[c].missing -= host_lacks(h, c);
    s->attached -= h->attached;
    h->attached = false;
    h->failed = true;
    groups_changed(s, now);
    leave(s);
}

static bool flies(const struct scatter_host *h, uint32_t chunk)
{
    for (size_t i = 0; i < h->flight_count; i++)
        if (h->flights[i] == chunk)
            return true;
    return false;
}

static bool is_free(const struct scatter_host *h, uint32_t chunk)
{
    if (!h->group->tallies)
        return host_lacks(h, chunk) && !flies(h, chunk);
    const struct tally *t = &h->group->tallies[chunk];
    return t->missing > 0 && t->holders == 0 && t->flights == 0;
}

/* It wants the chunk itself, or is connected to one that does: agents do not relay what neither of
 * the two wants. */
static bool may_carry(const struct scatter *s, const struct scatter_host *h, uint32_t chunk)
{
    if (host_lacks(h, chunk))
        return true;
    for (size_t i = 0; i < h->peer_count; i++) {
        const struct scatter_host *peer = &s->hosts[h->peers[i]];
        if (peer->joined && !peer->failed && peer->group == h->group && host_lacks(peer, chunk))
            return true;
    }
    return false;
}

/* Each host passes each chunk once for every time that one became free again. */
static bool find_free(const struct scatter *s, struct scatter_host *h, uint32_t *chunk)
{
    struct group *g = h->group;
    if (h->epoch != g->epoch || h->at < g->first)
        h->at = g->first;
    h->epoch = g->epoch;
    for (; h->at < s->count; h->at++) {
        bool can_go = is_free(h, s->order[h->at]);
        if (!can_go && g->first == h->at)
            g->first++;
        *chunk = s->order[h->at];
        if (can_go && may_carry(s, h, *chunk))
            return true;
    }
    return false;
}

/* With many hosts each gets little at a time, and more of them get some. */
static int64_t window(const struct scatter *s)
{
    int64_t share = SCATTER_FLIGHT_MAX / (int64_t) (s->attached > 0 ? s->attached : 1);
    return share < CHUNK_SIZE ? CHUNK_SIZE : share < EXCHANGE_WINDOW ? share : EXCHANGE_WINDOW;
}

static bool has_room(const struct scatter *s, const struct scatter_host *h, int64_t bytes)
{
    return h->flight_bytes + bytes <= window(s) && h->flight_count < SCATTER_FLIGHTS_MAX &&
           (h->stuck || s->flight_bytes + bytes <= SCATTER_FLIGHT_MAX);
}

static void take_off(struct scatter *s, struct scatter_host *h, uint32_t chunk, int64_t now)
{
    if (h->flight_count == 0)
        h->moved_ms = now;
    h->flights[h->flight_count++] = chunk;
    h->flight_bytes += s->sizes[chunk];
    if (!h->stuck)
        s->flight_bytes += s->sizes[chunk];
    if (h->group->tallies)
        h->group->tallies[chunk].flights++;
}

static void sweep(struct scatter *s, int64_t now)
{
    if (now - s->swept_ms < SWEEP_MS)
        return;
    s->swept_ms = now;
    for (size_t i = 0; i < s->host_count; i++) {
        struct scatter_host *h = &s->hosts[i];
        if (h->flight_count == 0 || h->stuck || now - h->moved_ms < MOVES_MS)
            continue;
        h->stuck = true;
        s->flight_bytes -= h->flight_bytes;
    }
}

static bool others_have_what_it_lacks(const struct scatter *s, const struct scatter_host *h)
{
    for (uint32_t c = 0; h->group->tallies && c < s->count; c++)
        if (host_lacks(h, c) && h->group->tallies[c].holders > 0)
            return true;
    return false;
}

/* They have it and are connected, but nothing comes. */
static void doubt_peers(struct scatter *s, struct scatter_host *h, int64_t now)
{
    if (h->missing == 0 || h->flight_count > 0 || now - h->moved_ms < SCATTER_STALL_MS)
        return;
    h->moved_ms = now;
    if (!others_have_what_it_lacks(s, h))
        return;
    h->alone_until = now + SCATTER_ALONE_MS;
    s->regroup_ms = now;
}

static bool others_are_served(const struct scatter *s, int64_t now)
{
    for (size_t i = 0; i < s->host_count; i++)
        if (s->hosts[i].flight_count > 0 && !s->hosts[i].crawls)
            return false;
    return now - s->sent_ms >= MOVES_MS;
}

static void watch_pace(const struct scatter *s, struct scatter_host *h, int64_t now)
{
    bool is_due = h->pace_ms != 0 && now - h->pace_ms >= SCATTER_CRAWL_MS;
    if (h->pace_ms != 0 && !is_due)
        return;
    h->crawls = is_due && h->missing > 0 && h->share.here - h->pace_here < SCATTER_CRAWL_BYTES &&
                others_are_served(s, now);
    h->pace_ms = now;
    h->pace_here = h->share.here;
}

/* What the host lacks and waits for in vain. */
static bool find_withheld(const struct scatter *s, const struct scatter_host *h, uint32_t *chunk)
{
    const struct tally *t = h->group->tallies;
    for (uint32_t at = 0; h->crawls && t && at < s->count; at++) {
        *chunk = s->order[at];
        if (host_lacks(h, *chunk) && t[*chunk].holders == 1 && t[*chunk].flights == 0)
            return true;
    }
    return false;
}

static bool find_next(struct scatter *s, struct scatter_host *h, uint32_t *chunk, int64_t now)
{
    if (find_free(s, h, chunk)) {
        h->crawls = false;
        h->pace_ms = 0;
        s->sent_ms = now;
        return true;
    }
    watch_pace(s, h, now);
    return find_withheld(s, h, chunk);
}

static bool all_reported(const struct scatter *s, int64_t now)
{
    return s->expected == 0 || now - s->first_report_ms >= SCATTER_GRACE_MS;
}

bool scatter_next(struct scatter *s, size_t host, int64_t now, uint32_t *chunk, int *wait_ms)
{
    struct scatter_host *h = enter(s, host);
    bool begun = h->attached && all_reported(s, now);
    bool found = false;
    *wait_ms = (begun ? ASK_AGAIN_MS : ASK_SOON_MS) + (int) (s->host_count / ASK_FEWER);
    groups_tend(s, now);
    sweep(s, now);
    if (begun && has_room(s, h, 0) && find_next(s, h, chunk, now))
        found = has_room(s, h, s->sizes[*chunk]);
    else if (begun)
        doubt_peers(s, h, now);
    if (found)
        take_off(s, h, *chunk, now);
    leave(s);
    return found;
}

struct scatter_share scatter_share(struct scatter *s, size_t host)
{
    struct scatter_share share = enter(s, host)->share;
    leave(s);
    return share;
}
