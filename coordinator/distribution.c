#include "coordinator/distribution.h"

#include "lib/clock.h"
#include "lib/strbuf.h"

#include <stdio.h>
#include <stdlib.h>

static size_t members(const struct distribution *d)
{
    size_t n = 0;
    for (size_t i = 0; i < d->host_count; i++)
        n += d->hosts[i].address != NULL;
    return n;
}

int distribution_new(const struct bundle *b, const char *run, const struct strv *order,
                     const char *const *addresses, size_t hosts, struct distribution **out,
                     struct error *err)
{
    CLEANUP(distribution_free) struct distribution *d = xcalloc(1, sizeof(*d));
    d->bundle = b;
    d->host_count = hosts;
    d->hosts = xcalloc(hosts + 1, sizeof(*d->hosts));
    for (size_t i = 0; i < hosts; i++)
        d->hosts[i].address = addresses[i];
    pthread_mutex_init(&d->mutex, NULL);
    d->moved_ms = clock_monotonic_ms();
    int r = chunk_map_new(b, &d->map, err);
    if (r == 0)
        r = tls_authority_new(run, &d->authority, err);
    if (r < 0)
        return r;
    chunk_set_init(&d->wanted, chunk_map_count(d->map));
    d->scatter = scatter_new(d->map, order, hosts);
    *out = TAKE_PTR(d);
    return 0;
}

void distribution_free(struct distribution **distribution)
{
    struct distribution *d = *distribution;
    *distribution = NULL;
    if (!d)
        return;
    scatter_free(&d->scatter);
    chunk_set_release(&d->wanted);
    chunk_map_free(&d->map);
    tls_authority_free(&d->authority);
    pthread_mutex_destroy(&d->mutex);
    free(d->hosts);
    free(d);
}

/* Of those who take part. */
static size_t place_of(const struct distribution *d, size_t host)
{
    size_t place = 0;
    for (size_t i = 0; i < host; i++)
        place += d->hosts[i].address != NULL;
    return place;
}

/* The smallest base of which the powers up to DISTRIBUTION_REACH span half of the ring. */
static size_t base_for(size_t members)
{
    size_t base = 2;
    while (base * base * base * base < members / 2)
        base++;
    return base;
}

static bool is_power(size_t distance, size_t base)
{
    size_t power = 1;
    for (int i = 1; i < DISTRIBUTION_REACH && power < distance; i++)
        power *= base;
    return power == distance;
}

json_t *distribution_peers(const struct distribution *d, size_t host)
{
    json_t *peers = json_array();
    size_t n = members(d), own = place_of(d, host), place = 0, base = base_for(n);
    for (size_t i = 0; i < d->host_count; i++) {
        if (!d->hosts[i].address)
            continue;
        size_t ahead = (place + n - own) % n, back = (own + n - place) % n;
        place++;
        if (i == host ||
            (n > DISTRIBUTION_MESH_MAX && !is_power(ahead, base) && !is_power(back, base)))
            continue;
        char id[24];
        snprintf(id, sizeof(id), "%zu", i);
        json_array_append_new(peers,
                              json_pack("{s:s, s:s}", "id", id, "address", d->hosts[i].address));
    }
    return peers;
}

static void set_open(struct distribution *d, size_t host, bool open)
{
    pthread_mutex_lock(&d->mutex);
    if (d->hosts[host].open != open)
        d->open += open ? 1 : (size_t) -1;
    d->hosts[host].open = open;
    pthread_mutex_unlock(&d->mutex);
}

void distribution_open(struct distribution *d, size_t host)
{
    set_open(d, host, true);
}

void distribution_close(struct distribution *d, size_t host)
{
    set_open(d, host, false);
}

void distribution_leave(struct distribution *d, size_t host)
{
    scatter_fail(d->scatter, host, clock_monotonic_ms());
    distribution_close(d, host);
}

bool distribution_settled(struct distribution *d)
{
    pthread_mutex_lock(&d->mutex);
    bool settled = d->open == 0;
    pthread_mutex_unlock(&d->mutex);
    return settled;
}

void distribution_add(struct distribution *d, const char *digest)
{
    struct chunk_range range = {0};
    (void) chunk_map_find(d->map, digest, &range);
    pthread_mutex_lock(&d->mutex);
    for (uint32_t c = range.first; c < range.first + range.count; c++) {
        if (chunk_set_has(&d->wanted, c))
            continue;
        chunk_set_add(&d->wanted, c);
        d->size += chunk_map_get(d->map, c).size;
    }
    pthread_mutex_unlock(&d->mutex);
}

void distribution_moved(struct distribution *d, int64_t now)
{
    pthread_mutex_lock(&d->mutex);
    d->moved_ms = now;
    pthread_mutex_unlock(&d->mutex);
}

int64_t distribution_moved_ms(struct distribution *d)
{
    pthread_mutex_lock(&d->mutex);
    int64_t ms = d->moved_ms;
    pthread_mutex_unlock(&d->mutex);
    return ms;
}
