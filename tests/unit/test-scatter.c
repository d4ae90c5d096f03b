/* Hosts as a simulation: what is sent arrives a tick later, and hosts fetch what they want from
 * those they are connected to. */
#include "coordinator/scatter.h"
#include "lib/clock.h"
#include "lib/protocol.h"
#include "lib/strbuf.h"
#include "tests/unit/unit.h"

#include <time.h>

#define TICK_MS 50
#define FETCHES 8    /* chunks that a host gets from its peers in a tick */
#define SLOW_MS 5000 /* a chunk each: below SCATTER_CRAWL_BYTES in SCATTER_CRAWL_MS */
#define SIM_MAX 500
#define DEGREE_MAX 20

struct sim_host {
    bool dead, mute; /* dead: neither fetches nor serves; mute: serves nobody, says nothing of it */
    bool slow;       /* serves one chunk in SLOW_MS */
    bool *have, *want, *told_have;
    size_t peers[DEGREE_MAX], peer_count;
    uint32_t flights[64];
    size_t flight_count;
    uint32_t missing;
};

struct sim {
    struct bundle bundle;
    struct chunk_map *map;
    struct scatter *scatter;
    struct sim_host *hosts;
    size_t host_count;
    uint32_t count;
    unsigned *sent;                 /* by chunk */
    uint32_t *sequence, sent_count; /* chunks in the order in which they were sent */
    int64_t now, bytes;
};

static char *digest_of(size_t i)
{
    return xasprintf("sha256:%064zx", i);
}

static void make_bundle(struct sim *m, size_t blobs, size_t chunks_each)
{
    json_t *sizes = json_object(), *lists = json_object();
    for (size_t i = 0; i < blobs; i++) {
        AUTO_FREE char *digest = digest_of(i);
        json_object_set_new(sizes, digest, json_integer((json_int_t) (chunks_each * CHUNK_SIZE)));
        json_t *hashes = json_array();
        for (size_t k = 0; k < chunks_each; k++)
            json_array_append_new(hashes, json_string(digest + 7));
        if (chunks_each > 1)
            json_object_set_new(lists, digest, hashes);
        else
            json_decref(hashes);
    }
    m->bundle.json = json_pack("{s:o, s:o}", "blobs", sizes, "chunks", lists);
    assert_int_equal(chunk_map_new(&m->bundle, &m->map, NULL), 0);
}

static struct sim *sim_new(size_t hosts, size_t blobs, size_t chunks_each, const struct strv *order)
{
    struct sim *m = xcalloc(1, sizeof(*m));
    make_bundle(m, blobs, chunks_each);
    m->count = chunk_map_count(m->map);
    m->host_count = hosts;
    m->now = 1000;
    m->scatter = scatter_new(m->map, order, hosts);
    m->sent = xcalloc(m->count, sizeof(*m->sent));
    m->sequence = xcalloc((size_t) m->count * 64, sizeof(*m->sequence));
    m->hosts = xcalloc(hosts, sizeof(*m->hosts));
    for (size_t i = 0; i < hosts; i++) {
        m->hosts[i].have = xcalloc(m->count, 1);
        m->hosts[i].want = xcalloc(m->count, 1);
        m->hosts[i].told_have = xcalloc(m->count, 1);
    }
    return m;
}

static void sim_free(struct sim **sim)
{
    struct sim *m = *sim;
    for (size_t i = 0; i < m->host_count; i++) {
        free(m->hosts[i].have);
        free(m->hosts[i].want);
        free(m->hosts[i].told_have);
    }
    scatter_free(&m->scatter);
    chunk_map_free(&m->map);
    bundle_release(&m->bundle);
    free(m->hosts);
    free(m->sent);
    free(m->sequence);
    free(m);
}
#define AUTO_SIM CLEANUP(sim_free) struct sim
#define SIM(name, hosts, blobs, each) AUTO_SIM *name = sim_new(hosts, blobs, each, &STRV_INIT)

static void want(struct sim *m, size_t host, uint32_t first, uint32_t count)
{
    struct sim_host *h = &m->hosts[host];
    CLEANUP(chunk_set_release) struct chunk_set set;
    chunk_set_init(&set, m->count);
    for (uint32_t c = first; c < first + count; c++) {
        h->missing += !h->want[c] && !h->have[c];
        h->want[c] = true;
        chunk_set_add(&set, c);
    }
    scatter_want(m->scatter, host, &set);
}

static void want_all(struct sim *m)
{
    for (size_t i = 0; i < m->host_count; i++)
        want(m, i, 0, m->count);
}

static void give(struct sim *m, size_t host, uint32_t chunk)
{
    struct sim_host *h = &m->hosts[host];
    h->missing -= h->want[chunk] && !h->have[chunk];
    h->have[chunk] = true;
}

static void report(struct sim *m, size_t host)
{
    struct sim_host *h = &m->hosts[host];
    CLEANUP(chunk_set_release) struct chunk_set news;
    chunk_set_init(&news, m->count);
    for (uint32_t c = 0; c < m->count; c++) {
        if (!h->have[c] || h->told_have[c])
            continue;
        h->told_have[c] = true;
        chunk_set_add(&news, c);
    }
    if (!chunk_set_empty(&news))
        scatter_have(m->scatter, host, &news, m->now);
}

static void report_first(struct sim *m, size_t host)
{
    CLEANUP(chunk_set_release) struct chunk_set all;
    chunk_set_init(&all, m->count);
    for (uint32_t c = 0; c < m->count; c++)
        if (m->hosts[host].have[c])
            chunk_set_add(&all, c);
    memset(m->hosts[host].told_have, 0, m->count);
    report(m, host);
    scatter_reported(m->scatter, host, &all, m->now);
}

static void all_report(struct sim *m)
{
    for (size_t i = 0; i < m->host_count; i++)
        if (!m->hosts[i].dead)
            report_first(m, i);
}

static bool are_peers(const struct sim *m, size_t a, size_t b)
{
    for (size_t i = 0; i < m->hosts[a].peer_count; i++)
        if (m->hosts[a].peers[i] == b)
            return true;
    return false;
}

static void connect_pair(struct sim *m, size_t a, size_t b)
{
    if (a == b || are_peers(m, a, b))
        return;
    m->hosts[a].peers[m->hosts[a].peer_count++] = b;
    m->hosts[b].peers[m->hosts[b].peer_count++] = a;
}

static void cut(struct sim *m, size_t host)
{
    for (size_t i = 0; i < m->host_count; i++) {
        struct sim_host *h = &m->hosts[i];
        size_t kept = 0;
        for (size_t k = 0; k < h->peer_count; k++)
            if (h->peers[k] != host && i != host)
                h->peers[kept++] = h->peers[k];
        h->peer_count = kept;
    }
}

static void say_peers(struct sim *m)
{
    for (size_t i = 0; i < m->host_count; i++)
        if (!m->hosts[i].dead)
            scatter_peers(m->scatter, i, m->hosts[i].peers, m->hosts[i].peer_count, m->now);
}

static void full_mesh(struct sim *m)
{
    for (size_t a = 0; a < m->host_count; a++)
        for (size_t b = 0; b < a; b++)
            connect_pair(m, a, b);
    say_peers(m);
}

static void send_to(struct sim *m, size_t host)
{
    struct sim_host *h = &m->hosts[host];
    uint32_t chunk;
    int wait_ms;
    int64_t flying = (int64_t) h->flight_count * CHUNK_SIZE;
    while (scatter_next(m->scatter, host, m->now, &chunk, &wait_ms)) {
        flying += CHUNK_SIZE;
        assert_true(flying <= EXCHANGE_WINDOW);
        h->flights[h->flight_count++] = chunk;
        m->sent[chunk]++;
        m->sequence[m->sent_count++] = chunk;
        m->bytes += CHUNK_SIZE;
    }
    assert_in_range(wait_ms, 1, 1000);
}

static void fetch(struct sim *m, size_t host)
{
    struct sim_host *h = &m->hosts[host];
    int left = FETCHES;
    for (uint32_t c = 0; c < m->count && left > 0 && h->missing > 0; c++) {
        if (!h->want[c] || h->have[c])
            continue;
        for (size_t k = 0; k < h->peer_count && !h->have[c]; k++) {
            const struct sim_host *peer = &m->hosts[h->peers[k]];
            /* told_have: what it had at the end of the last tick */
            bool serves = !peer->dead && !peer->mute &&
                          (!peer->slow || (m->now % SLOW_MS == 0 && left == FETCHES));
            if (serves && peer->told_have[c])
                give(m, host, c);
        }
        left -= h->have[c];
    }
}

static void tick(struct sim *m)
{
    for (size_t i = 0; i < m->host_count; i++) {
        struct sim_host *h = &m->hosts[i];
        for (size_t k = 0; k < h->flight_count && !h->dead; k++)
            give(m, i, h->flights[k]);
        h->flight_count = h->dead ? h->flight_count : 0;
        if (!h->dead)
            fetch(m, i);
    }
    for (size_t i = 0; i < m->host_count; i++)
        if (!m->hosts[i].dead)
            report(m, i);
    for (size_t i = 0; i < m->host_count; i++)
        if (!m->hosts[i].dead)
            send_to(m, i);
    m->now += TICK_MS;
}

static bool complete(const struct sim *m)
{
    for (size_t i = 0; i < m->host_count; i++)
        if (!m->hosts[i].dead && m->hosts[i].missing > 0)
            return false;
    return true;
}

static void run(struct sim *m, int64_t seconds)
{
    int64_t end = m->now + seconds * 1000;
    while (!complete(m) && m->now < end)
        tick(m);
    if (!complete(m))
        fail_msg("not complete after %lld s", (long long) seconds);
}

static void run_for(struct sim *m, int64_t ms)
{
    for (int64_t end = m->now + ms; m->now < end;)
        tick(m);
}

static unsigned sent_most(const struct sim *m)
{
    unsigned most = 0;
    for (uint32_t c = 0; c < m->count; c++)
        most = m->sent[c] > most ? m->sent[c] : most;
    return most;
}

static void every_chunk_leaves_once(void **state)
{
    (void) state;
    SIM(m, 8, 4, 50);
    want_all(m);
    all_report(m);
    full_mesh(m);
    run(m, 60);
    assert_int_equal(m->bytes, (int64_t) m->count * CHUNK_SIZE);
    assert_int_equal(sent_most(m), 1);
    for (size_t i = 0; i < 8; i++) {
        struct scatter_share share = scatter_share(m->scatter, i);
        assert_int_equal(share.wanted, m->bytes);
        assert_int_equal(share.here, m->bytes);
        assert_true(share.own > 0 && share.own < m->bytes);
    }
}

static void single_host_gets_all(void **state)
{
    (void) state;
    SIM(m, 1, 3, 40);
    want_all(m);
    all_report(m);
    run(m, 60);
    assert_int_equal(sent_most(m), 1);
    assert_int_equal(scatter_share(m->scatter, 0).own, 120 * CHUNK_SIZE);
}

/* The last blob is the most urgent, and only host 0 wants it: all carry it for that host. */
static void urgent_goes_first(void **state)
{
    STRV(order);
    (void) state;
    AUTO_FREE char *last = digest_of(3), *second = digest_of(1);
    strv_add(&order, last);
    strv_add(&order, "sha256:unknown");
    strv_add(&order, second);
    AUTO_SIM *m = sim_new(4, 4, 20, &order);
    want(m, 0, 60, 20);
    for (size_t i = 0; i < 4; i++)
        want(m, i, 0, 60);
    all_report(m);
    full_mesh(m);
    run(m, 60);
    assert_int_equal(sent_most(m), 1);
    for (uint32_t i = 0; i < 80; i++) {
        uint32_t expected = i < 20 ? 60 + i : i < 40 ? i : i < 60 ? i - 40 : i - 20;
        assert_int_equal(m->sequence[i], expected);
    }
    assert_true(scatter_share(m->scatter, 0).own < 80 * CHUNK_SIZE / 2);
}

/* Not connected to who wants it, it must not be given what nobody would fetch. */
static void carries_for_neighbours_only(void **state)
{
    (void) state;
    SIM(m, 3, 1, 10);
    want(m, 0, 0, 10);
    connect_pair(m, 0, 1);
    connect_pair(m, 1, 2);
    all_report(m);
    say_peers(m);
    run(m, 60);
    assert_int_equal(sent_most(m), 1);
    assert_true(scatter_share(m->scatter, 1).own > 0);
    assert_int_equal(scatter_share(m->scatter, 2).own, 0);
}

static void what_a_host_has_is_not_sent(void **state)
{
    (void) state;
    SIM(m, 4, 2, 20);
    want_all(m);
    for (uint32_t c = 0; c < 30; c++)
        give(m, 3, c);
    for (size_t i = 0; i < 4; i++)
        scatter_expect(m->scatter, i);
    full_mesh(m);
    for (size_t i = 0; i < 3; i++)
        report_first(m, i);
    run_for(m, 1000);
    assert_int_equal(m->bytes, 0); /* the fourth has not said yet what it has */
    report_first(m, 3);
    run(m, 60);
    assert_int_equal(m->bytes, 10 * CHUNK_SIZE);
}

static void nobody_waits_for_ever(void **state)
{
    (void) state;
    SIM(m, 3, 1, 10);
    want_all(m);
    for (size_t i = 0; i < 3; i++)
        scatter_expect(m->scatter, i);
    m->hosts[2].dead = true;
    report_first(m, 0);
    report_first(m, 1);
    connect_pair(m, 0, 1);
    say_peers(m);
    run_for(m, SCATTER_GRACE_MS - TICK_MS);
    assert_int_equal(m->bytes, 0);
    run(m, 5);
    /* One that is known to have failed is not waited for at all. */
    SIM(n, 3, 1, 10);
    want_all(n);
    for (size_t i = 0; i < 3; i++)
        scatter_expect(n->scatter, i);
    n->hosts[2].dead = true;
    scatter_fail(n->scatter, 2, n->now);
    all_report(n);
    connect_pair(n, 0, 1);
    say_peers(n);
    run(n, 2);
}

static void lose(struct sim *m, size_t host, uint32_t chunk)
{
    struct sim_host *h = &m->hosts[host];
    h->missing += h->want[chunk] && h->have[chunk];
    h->have[chunk] = h->told_have[chunk] = false;
}

/* It comes back with less than it had said: what another has comes from there, the rest from us. */
static void lost_what_it_had(void **state)
{
    (void) state;
    SIM(m, 2, 1, 40);
    want(m, 0, 0, 40);
    want(m, 1, 0, 30);
    all_report(m);
    full_mesh(m);
    run(m, 60);
    assert_int_equal(m->bytes, 40 * CHUNK_SIZE);
    assert_int_equal(scatter_share(m->scatter, 0).here, 40 * CHUNK_SIZE);
    for (uint32_t c = 20; c < 40; c++)
        lose(m, 0, c);
    for (uint32_t c = 30; c < 40; c++)
        lose(m, 1, c); /* what it carried, if any of that */
    scatter_lost(m->scatter, 0, m->now);
    scatter_lost(m->scatter, 1, m->now);
    all_report(m);
    assert_int_equal(scatter_share(m->scatter, 0).here, 20 * CHUNK_SIZE);
    run(m, 60);
    assert_int_equal(m->bytes, 50 * CHUNK_SIZE);
    assert_int_equal(scatter_share(m->scatter, 0).here, 40 * CHUNK_SIZE);
}

/* It has said it has them, and goes down with them and with what was on its way to it. */
static void dead_holder(void **state)
{
    (void) state;
    SIM(m, 4, 1, 200);
    want_all(m);
    all_report(m);
    full_mesh(m);
    for (size_t i = 0; i < 4; i++)
        m->hosts[i].mute = true; /* nobody has got anything from it yet */
    run_for(m, 3 * TICK_MS);
    m->hosts[2].dead = true;
    for (size_t i = 0; i < 4; i++)
        m->hosts[i].mute = false;
    run_for(m, 1000);
    int64_t lost = scatter_share(m->scatter, 2).own / CHUNK_SIZE;
    assert_true(lost > 0);
    cut(m, 2);
    say_peers(m);
    scatter_lost(m->scatter, 2, m->now);
    run(m, 20);
    assert_in_range(m->bytes / CHUNK_SIZE, 200 + lost, 200 + lost + 4);
    assert_int_equal(sent_most(m), 2);
}

static void failed_host_keeps_serving(void **state)
{
    (void) state;
    SIM(m, 3, 1, 60);
    want_all(m);
    all_report(m);
    full_mesh(m);
    run_for(m, 3 * TICK_MS);
    scatter_fail(m->scatter, 2, m->now);
    m->hosts[2].flight_count = 0;
    run_for(m, 30000);
    assert_int_equal(m->hosts[0].missing + m->hosts[1].missing, 0);
    assert_in_range(m->bytes / CHUNK_SIZE, 60, 64);
}

static void isolated_host_is_fed_in_full(void **state)
{
    (void) state;
    SIM(m, 4, 1, 400);
    want_all(m);
    all_report(m);
    full_mesh(m);
    cut(m, 3);
    say_peers(m);
    run(m, 120);
    assert_int_equal(sent_most(m), 2);
    assert_int_equal(scatter_share(m->scatter, 3).own, 400 * CHUNK_SIZE);
    assert_in_range(m->bytes / CHUNK_SIZE, 800, 800);
}

static void nobody_reaches_anybody(void **state)
{
    (void) state;
    SIM(m, 3, 1, 50);
    want_all(m);
    all_report(m);
    run(m, 60);
    assert_int_equal(m->bytes, 3 * 50 * CHUNK_SIZE);
}

static void two_halves(void **state)
{
    (void) state;
    SIM(m, 4, 1, 100);
    want_all(m);
    all_report(m);
    connect_pair(m, 0, 1);
    connect_pair(m, 2, 3);
    say_peers(m);
    run(m, 60);
    assert_int_equal(m->bytes, 2 * 100 * CHUNK_SIZE);
    /* When they find each other nothing more is sent. */
    SIM(n, 4, 1, 100);
    want_all(n);
    all_report(n);
    connect_pair(n, 0, 1);
    connect_pair(n, 2, 3);
    say_peers(n);
    run_for(n, 1000);
    connect_pair(n, 1, 2);
    say_peers(n);
    run(n, 60);
    assert_int_equal(n->bytes, 100 * CHUNK_SIZE);
}

/* One says they are connected, the other knows better. */
static void stale_word_of_a_peer(void **state)
{
    (void) state;
    SIM(m, 2, 1, 30);
    want_all(m);
    all_report(m);
    const size_t other = 1;
    scatter_peers(m->scatter, 0, &other, 1, m->now);
    scatter_peers(m->scatter, 1, NULL, 0, m->now);
    run(m, 30);
    assert_int_equal(m->bytes, 2 * 30 * CHUNK_SIZE);
}

/* Connected, and say they have them, but serve nothing. */
static void mute_peers(void **state)
{
    (void) state;
    SIM(m, 3, 1, 40);
    want_all(m);
    for (uint32_t c = 0; c < m->count; c++) {
        give(m, 1, c);
        give(m, 2, c);
    }
    all_report(m);
    full_mesh(m);
    m->hosts[1].mute = m->hosts[2].mute = true;
    run_for(m, SCATTER_STALL_MS);
    assert_int_equal(m->bytes, 0);
    run(m, 20);
    assert_int_equal(m->bytes, 40 * CHUNK_SIZE);
}

/* One that serves, but next to nothing: what only it has goes to another as well, once. */
static void slow_peer(void **state)
{
    (void) state;
    SIM(m, 4, 1, 400);
    want_all(m);
    full_mesh(m);
    all_report(m);
    m->hosts[1].slow = true;
    run_for(m, 2 * SCATTER_CRAWL_MS - 100);
    assert_int_equal(m->sent_count, m->count);
    uint32_t missing = m->hosts[0].missing;
    assert_true(missing > 20);
    run_for(m, 2 * SCATTER_CRAWL_MS);
    assert_int_equal(m->hosts[0].missing + m->hosts[2].missing + m->hosts[3].missing, 0);
    assert_in_range(m->sent_count, m->count + missing / 2, m->count + missing);
    for (uint32_t c = 0; c < m->count; c++)
        assert_in_range(m->sent[c], 1, 2);
}

static void lost_link_resumes(void **state)
{
    (void) state;
    SIM(m, 2, 1, 40);
    want_all(m);
    all_report(m);
    full_mesh(m);
    send_to(m, 0);
    assert_int_equal(m->sent_count, 4);
    m->hosts[0].flight_count = 0;
    give(m, 0, 0);
    give(m, 0, 1);
    scatter_lost(m->scatter, 0, m->now);
    uint32_t chunk;
    int wait_ms;
    assert_false(scatter_next(m->scatter, 0, m->now, &chunk, &wait_ms));
    report_first(m, 0);
    run(m, 30);
    assert_int_equal(m->bytes, 42 * CHUNK_SIZE); /* two of the four had not arrived */
}

static void window_is_shared(void **state)
{
    (void) state;
    SIM(m, 64, 1, 1000);
    want_all(m);
    all_report(m);
    for (size_t i = 0; i < 64; i++)
        send_to(m, i);
    assert_int_equal(m->bytes, SCATTER_FLIGHT_MAX);
    for (size_t i = 0; i < 64; i++)
        assert_true(m->hosts[i].flight_count <= 1);
    /* Those to which nothing gets through do not stop the others. */
    for (size_t i = 0; i < 64; i++)
        m->hosts[i].dead = m->hosts[i].flight_count > 0;
    run_for(m, 3000);
    assert_true(m->bytes > SCATTER_FLIGHT_MAX);
}

static void ignores_peers_that_are_none(void **state)
{
    (void) state;
    SIM(m, 2, 1, 10);
    const size_t nobody[] = {0, 7, SIZE_MAX, 1};
    want_all(m);
    all_report(m);
    scatter_peers(m->scatter, 0, nobody, 4, m->now);
    scatter_peers(m->scatter, 1, nobody, 1, m->now);
    connect_pair(m, 0, 1);
    run(m, 30);
    assert_int_equal(sent_most(m), 1);
}

static void wants_twice_counts_once(void **state)
{
    (void) state;
    SIM(m, 2, 1, 10);
    want(m, 0, 8, 1);
    want(m, 0, 8, 2);
    assert_int_equal(scatter_share(m->scatter, 0).wanted, 2 * CHUNK_SIZE);
    assert_int_equal(scatter_share(m->scatter, 0).here, 0);
    give(m, 0, 9);
    report(m, 0);
    report_first(m, 0);
    assert_int_equal(scatter_share(m->scatter, 0).here, CHUNK_SIZE);
    assert_int_equal(scatter_share(m->scatter, 0).own, 0);
}

static void added_wants(void **state)
{
    (void) state;
    SIM(m, 2, 2, 10);
    for (size_t i = 0; i < 2; i++)
        want(m, i, 10, 10);
    all_report(m);
    full_mesh(m);
    run(m, 30);
    assert_int_equal(m->bytes, 10 * CHUNK_SIZE);
    want(m, 1, 0, 20);
    run(m, 30);
    assert_int_equal(m->bytes, 20 * CHUNK_SIZE);
    assert_int_equal(sent_most(m), 1);
}

/* Rings of distances 1, 2, 4, …: everybody gets everything, sent once. */
static void partial_mesh(void **state)
{
    (void) state;
    SIM(m, 60, 4, 100);
    want_all(m);
    all_report(m);
    for (size_t i = 0; i < 60; i++)
        for (size_t d = 1; d <= 16; d *= 2)
            connect_pair(m, i, (i + d) % 60);
    say_peers(m);
    run(m, 300);
    assert_int_equal(sent_most(m), 1);
    assert_int_equal(m->bytes, 400 * CHUNK_SIZE);
}

static double cpu_seconds(void)
{
    return (double) clock() / CLOCKS_PER_SEC;
}

/* Only the scatter: 500 hosts that say what they have, 2,500,000 times. */
static void five_hundred_hosts(void **state)
{
    (void) state;
    SIM(m, SIM_MAX, 50, 100);
    double began = cpu_seconds();
    want_all(m);
    all_report(m);
    for (size_t i = 0; i < SIM_MAX; i++)
        for (size_t d = 1; d < SIM_MAX / 2; d *= 2)
            if (m->hosts[i].peer_count < DEGREE_MAX - 2)
                connect_pair(m, i, (i + d) % SIM_MAX);
    say_peers(m);
    uint32_t chunk, sent = 0;
    int wait_ms;
    CLEANUP(chunk_set_release) struct chunk_set news;
    chunk_set_init(&news, m->count);
    for (size_t i = 0; sent < m->count; i = (i + 1) % SIM_MAX) {
        if (!scatter_next(m->scatter, i, m->now, &chunk, &wait_ms))
            continue;
        sent++;
        assert_int_equal(m->sent[chunk]++, 0);
        chunk_set_add(&news, chunk);
        for (size_t k = 0; k < SIM_MAX; k++)
            scatter_have(m->scatter, k, &news, m->now);
        chunk_set_remove(&news, chunk);
        m->now++;
    }
    assert_false(scatter_next(m->scatter, 0, m->now, &chunk, &wait_ms));
    double seconds = cpu_seconds() - began;
    if (seconds > 10)
        fail_msg("it took %.1f s of CPU", seconds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_chunk_leaves_once),
        cmocka_unit_test(single_host_gets_all),
        cmocka_unit_test(urgent_goes_first),
        cmocka_unit_test(carries_for_neighbours_only),
        cmocka_unit_test(what_a_host_has_is_not_sent),
        cmocka_unit_test(nobody_waits_for_ever),
        cmocka_unit_test(lost_what_it_had),
        cmocka_unit_test(dead_holder),
        cmocka_unit_test(failed_host_keeps_serving),
        cmocka_unit_test(isolated_host_is_fed_in_full),
        cmocka_unit_test(nobody_reaches_anybody),
        cmocka_unit_test(two_halves),
        cmocka_unit_test(stale_word_of_a_peer),
        cmocka_unit_test(mute_peers),
        cmocka_unit_test(slow_peer),
        cmocka_unit_test(lost_link_resumes),
        cmocka_unit_test(window_is_shared),
        cmocka_unit_test(ignores_peers_that_are_none),
        cmocka_unit_test(wants_twice_counts_once),
        cmocka_unit_test(added_wants),
        cmocka_unit_test(partial_mesh),
        cmocka_unit_test(five_hundred_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
