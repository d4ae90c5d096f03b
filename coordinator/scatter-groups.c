/* Who reaches whom, and so who shares what is sent. */
#include "coordinator/scatter-state.h"

#include <stdlib.h>
#include <string.h>

struct group *group_new(const struct scatter *s, bool tallied)
{
    struct group *g = xcalloc(1, sizeof(*g));
    if (tallied)
        g->tallies = xcalloc(s->count + 1, sizeof(*g->tallies));
    return g;
}

void group_free(struct group **g)
{
    if (*g)
        free((*g)->tallies);
    free(*g);
    *g = NULL;
}

void group_reopen(struct group *g, uint32_t rank)
{
    if (rank < g->first)
        g->first = rank;
    g->epoch++;
}

void groups_give_back(struct scatter *s, struct scatter_host *h)
{
    for (size_t i = 0; i < h->flight_count; i++) {
        uint32_t chunk = h->flights[i];
        if (h->group->tallies)
            h->group->tallies[chunk].flights--;
        group_reopen(h->group, s->rank[chunk]);
    }
    if (!h->stuck)
        s->flight_bytes -= h->flight_bytes;
    h->flight_count = 0;
    h->flight_bytes = 0;
    h->stuck = false;
}

void groups_changed(struct scatter *s, int64_t now)
{
    if (s->dirty_ms == 0)
        s->dirty_ms = now;
    s->changed_ms = now;
}

static size_t root_of(size_t *parent, size_t i)
{
    while (parent[i] != i)
        i = parent[i] = parent[parent[i]];
    return i;
}

static bool says_peer(const struct scatter_host *h, size_t peer)
{
    for (size_t i = 0; i < h->peer_count; i++)
        if (h->peers[i] == peer)
            return true;
    return false;
}

/* A host whose link is gone cannot take back what it said: then the other one's word counts. */
static bool linked(const struct scatter *s, size_t a, size_t b, int64_t now)
{
    const struct scatter_host *ha = &s->hosts[a], *hb = &s->hosts[b];
    if (!ha->joined || !hb->joined || ha->alone_until > now || hb->alone_until > now)
        return false;
    return (!ha->attached || says_peer(ha, b)) && (!hb->attached || says_peer(hb, a)) &&
           (ha->attached || hb->attached);
}

static void join_linked(const struct scatter *s, size_t *parent, int64_t now)
{
    for (size_t i = 0; i < s->host_count; i++)
        parent[i] = i;
    for (size_t i = 0; i < s->host_count; i++) {
        const struct scatter_host *h = &s->hosts[i];
        for (size_t k = 0; h->attached && k < h->peer_count; k++)
            if (linked(s, i, h->peers[k], now))
                parent[root_of(parent, i)] = root_of(parent, h->peers[k]);
    }
}

static void count_host(const struct scatter *s, const struct scatter_host *h)
{
    struct tally *t = h->group->tallies;
    for (uint32_t c = 0; t && h->want.words && c < s->count; c++) {
        if (chunk_set_has(&h->have, c))
            t[c].holders++;
        else if (!h->failed && chunk_set_has(&h->want, c))
            t[c].missing++;
    }
    for (size_t i = 0; t && i < h->flight_count; i++)
        t[h->flights[i]].flights++;
}

/* The largest group of those who can be fed comes first: newcomers most likely belong to it. */
static size_t largest(const struct scatter *s, const size_t *members, size_t *parent)
{
    size_t best = s->host_count;
    for (size_t i = 0; i < s->host_count; i++)
        if (s->hosts[i].joined && root_of(parent, i) == i &&
            (best == s->host_count || members[i] > members[best]))
            best = i;
    return best;
}

static bool same_groups(const struct scatter *s, size_t *parent)
{
    AUTO_FREE struct group **of = xcalloc(s->host_count + 1, sizeof(struct group *));
    size_t roots = 0;
    for (size_t i = 0; i < s->host_count; i++) {
        size_t root = root_of(parent, i);
        if (!s->hosts[i].joined)
            continue;
        roots += root == i;
        if (of[root] && of[root] != s->hosts[i].group)
            return false;
        of[root] = s->hosts[i].group;
    }
    return roots == s->group_count;
}

static void drop_groups(struct scatter *s)
{
    for (size_t i = 0; i < s->group_count; i++)
        group_free(&s->groups[i]);
    s->group_count = 0;
}

static struct group *add_group(struct scatter *s, bool tallied)
{
    s->groups = xrealloc(s->groups, s->group_count + 1, sizeof(struct group *));
    s->groups[s->group_count] = group_new(s, tallied);
    return s->groups[s->group_count++];
}

static void make_groups(struct scatter *s, size_t *parent)
{
    AUTO_FREE size_t *members = xcalloc(s->host_count + 1, sizeof(*members));
    AUTO_FREE struct group **of = xcalloc(s->host_count + 1, sizeof(struct group *));
    for (size_t i = 0; i < s->host_count; i++)
        members[root_of(parent, i)] += s->hosts[i].joined;
    drop_groups(s);
    of[largest(s, members, parent)] = add_group(s, true);
    for (size_t i = 0; i < s->host_count; i++) {
        struct scatter_host *h = &s->hosts[i];
        size_t root = root_of(parent, i);
        h->epoch = 0;
        h->at = 0;
        if (h->joined && !of[root])
            of[root] = add_group(s, members[root] > 1);
        h->group = h->joined ? of[root] : s->groups[0];
        count_host(s, h);
    }
}

/* When the first who is fed alone is to try its peers again. */
static int64_t next_trial(const struct scatter *s, int64_t now)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < s->host_count; i++) {
        int64_t until = s->hosts[i].alone_until;
        if (until > now && until < next)
            next = until;
    }
    return next;
}

static void regroup(struct scatter *s, int64_t now)
{
    AUTO_FREE size_t *parent = xcalloc(s->host_count + 1, sizeof(*parent));
    s->dirty_ms = 0;
    s->regroup_ms = next_trial(s, now);
    for (size_t i = 0; i < s->host_count; i++)
        if (!s->hosts[i].attached)
            groups_give_back(s, &s->hosts[i]);
    join_linked(s, parent, now);
    if (!same_groups(s, parent))
        make_groups(s, parent);
}

void groups_tend(struct scatter *s, int64_t now)
{
    int64_t longer = (int64_t) s->host_count * SCATTER_SETTLE_EACH_MS;
    bool settled = s->dirty_ms != 0 && (now - s->changed_ms >= SCATTER_SETTLE_MS + longer ||
                                        now - s->dirty_ms >= SCATTER_SETTLE_MAX_MS + 4 * longer);
    if (settled || now >= s->regroup_ms)
        regroup(s, now);
}
