#include "agent/exchange-state.h"

#include "lib/clock.h"
#include "lib/fd.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define IDLE_MS 250
#define NEWS_MS 25 /* while somebody waits for news */
#define ORDERS_BYTES_MAX (2 * EXCHANGE_WINDOW)

static void order_free(struct order *o)
{
    strv_release(&o->digests);
    free(o->data);
    free(o);
}

static void wake(void *arg)
{
    const struct exchange *x = arg;
    const uint64_t one = 1;
    (void) !write(x->wake, &one, sizeof one);
}

static void post(struct exchange *x, struct order *o)
{
    pthread_mutex_lock(&x->mutex);
    *x->orders_end = o;
    x->orders_end = &o->next;
    x->orders_bytes += o->len;
    pthread_mutex_unlock(&x->mutex);
    wake(x);
}

static struct order *take_orders(struct exchange *x)
{
    uint64_t count;
    (void) !read(x->wake, &count, sizeof count);
    pthread_mutex_lock(&x->mutex);
    struct order *orders = x->orders;
    x->orders = NULL;
    x->orders_end = &x->orders;
    x->orders_bytes = 0;
    pthread_mutex_unlock(&x->mutex);
    return orders;
}

uint32_t chunk_number(const void *payload, size_t len)
{
    const unsigned char *p = payload;
    if (len < 4)
        return UINT32_MAX;
    return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16 | (uint32_t) p[2] << 8 | p[3];
}

int exchange_chunk(struct exchange *x, const void *payload, size_t len, struct error *err)
{
    uint32_t number = chunk_number(payload, len);
    if (number >= x->count || len == 4)
        return error_set(err, -EPROTO, "a chunk that the bundle does not have");
    pthread_mutex_lock(&x->mutex);
    bool is_full = x->orders_bytes + len > ORDERS_BYTES_MAX;
    pthread_mutex_unlock(&x->mutex);
    if (is_full)
        return error_set(err, -EPROTO, "chunks came faster than they were acknowledged");
    struct order *o = xcalloc(1, sizeof *o);
    *o = (struct order){.kind = ORDER_CHUNK, .number = number, .len = len - 4};
    o->data = xcalloc(1, o->len);
    memcpy(o->data, (const char *) payload + 4, o->len);
    post(x, o);
    return 0;
}

void exchange_watch(struct exchange *x, uint64_t watch)
{
    struct order *o = xcalloc(1, sizeof *o);
    *o = (struct order){.kind = ORDER_WATCH, .watch = watch};
    post(x, o);
}

int exchange_want(struct exchange *x, const json_t *params, struct error *err)
{
    json_t *want = NULL, *item;
    size_t i;
    int r = json_need_array(params, "want", &want, err);
    if (r < 0)
        return r;
    json_array_foreach(want, i, item) {
        const char *digest = json_string_value(item);
        if (!digest || !digest_is_valid(digest))
            return error_set(err, -EINVAL, "\"want\" has something that is no digest");
        if (bundle_blob_size(&x->bundle, digest) < 0)
            return error_set(err, -ENOENT, "the bundle does not list %s", digest);
    }
    struct order *o = xcalloc(1, sizeof *o);
    o->kind = ORDER_WANT;
    json_array_foreach(want, i, item)
        strv_add(&o->digests, json_string_value(item));
    post(x, o);
    return 0;
}

void exchange_fail(struct exchange *x, const struct error *err)
{
    if (x->failed)
        return;
    x->failed = true;
    x->events.failed(x->events.userdata, err);
}

static void tell_all(struct exchange *x, uint32_t number)
{
    chunk_set_add(&x->known, number);
    chunk_set_add(&x->settled, number);
    chunk_set_add(&x->have_news, number);
    for (struct link *l = x->links; l; l = l->next) {
        chunk_set_add(&l->news, number);
        l->has_news = true;
    }
}

static uint32_t first_from(const struct chunk_set *s, const struct chunk_set *without, uint32_t n)
{
    return chunk_set_first(s, s, without, (struct chunk_range){n, s->size - n});
}

void exchange_tell(struct exchange *x)
{
    const struct chunk_set *have = chunk_store_have(x->store);
    const struct chunk_set *wants = wants_chunks(x->wants);
    for (uint32_t n = 0; (n = first_from(have, &x->known, n)) < x->count;)
        tell_all(x, n);
    for (uint32_t n = 0; (n = first_from(wants, &x->want_known, n)) < x->count;) {
        chunk_set_add(&x->want_known, n);
        chunk_set_add(&x->want_news, n);
    }
    x->ask_again = true;
}

int exchange_take(struct exchange *x, uint32_t number, const void *data, size_t len,
                  struct error *err)
{
    struct error why = ERROR_INIT;
    if (chunk_set_has(&x->known, number))
        return 0; /* another was quicker */
    int r = chunk_store_add(x->store, number, data, len, &why);
    if (r == -EBADMSG) {
        *err = why;
        return r;
    }
    if (r < 0) {
        exchange_fail(x, &why);
        return 0;
    }
    tell_all(x, number);
    x->ask_again = true;
    if (r == 1)
        wants_whole(x->wants, chunk_map_get(x->map, number).blob);
    return 0;
}

/* Acknowledged even when a peer was quicker: the coordinator waits for it. */
static void obey_chunk(struct exchange *x, const struct order *o)
{
    struct error err = ERROR_INIT;
    if (exchange_take(x, o->number, o->data, o->len, &err) == -EBADMSG)
        json_array_append_new(x->damaged, json_integer(o->number));
    else
        chunk_set_add(&x->have_news, o->number);
    x->acknowledge += o->len;
}

static void obey(struct exchange *x, const struct order *o)
{
    switch (o->kind) {
    case ORDER_CHUNK:
        obey_chunk(x, o);
        break;
    case ORDER_WANT:
        for (size_t i = 0; i < o->digests.count; i++)
            wants_add(x->wants, o->digests.items[i]);
        break;
    case ORDER_WATCH:
        x->watch = o->watch;
        report_all(x);
        break;
    }
}

static void obey_all(struct exchange *x)
{
    struct order *next;
    for (struct order *o = take_orders(x); o; o = next) {
        next = o->next;
        if (!x->failed)
            obey(x, o);
        order_free(o);
    }
}

/* True: there is more to look at, which must not keep peers waiting for long. */
static bool look_further(struct exchange *x)
{
    struct error err = ERROR_INIT;
    int r = wants_step(x->wants, &err);
    if (r < 0)
        exchange_fail(x, &err);
    if (r != 0)
        exchange_tell(x);
    return r == 1;
}

static bool somebody_waits(const struct exchange *x)
{
    for (const struct link *l = x->links; l; l = l->next)
        if (l->open && l->has_news)
            return true;
    return x->watch != 0 && report_has_news(x);
}

static size_t collect(const struct exchange *x, struct pollfd *polls, struct link **links)
{
    size_t count = 0;
    polls[0] = (struct pollfd){.fd = x->wake, .events = POLLIN};
    polls[1] = (struct pollfd){.fd = x->listener, .events = POLLIN};
    for (struct link *l = x->links; l && count < LINKS_MAX; l = l->next, count++) {
        links[count] = l;
        polls[count + 2] = (struct pollfd){.fd = tls_fd(l->tls), .events = link_events(l)};
    }
    return count;
}

static void turn(struct exchange *x)
{
    struct pollfd polls[LINKS_MAX + 2];
    struct link *links[LINKS_MAX];
    size_t count = collect(x, polls, links);
    int timeout = somebody_waits(x) ? NEWS_MS : IDLE_MS;
    poll(polls, count + 2, x->looking || x->busy ? 0 : timeout);
    int64_t now = clock_monotonic_ms();
    x->busy = false;
    if (polls[0].revents)
        obey_all(x);
    for (size_t i = 0; i < count && !x->failed; i++)
        link_turn(x, links[i], polls[i + 2].revents, now);
    if (polls[1].revents)
        peers_accept(x, now);
    peers_turn(x, now);
    asks_turn(x, now);
    for (struct link *l = x->links; l; l = l->next)
        link_flush(x, l, now);
    report_turn(x, now);
}

static void *exchange_main(void *arg)
{
    struct exchange *x = arg;
    x->looking = true;
    peers_begin(x, clock_monotonic_ms());
    while (!atomic_load(&x->stop) && !x->failed) {
        turn(x);
        x->looking = !x->failed && look_further(x);
        x->looked = x->looked || !x->looking;
    }
    peers_close_all(x);
    return NULL;
}

static void exchange_free(struct exchange *x)
{
    struct order *next;
    for (struct order *o = x->orders; o; o = next) {
        next = o->next;
        order_free(o);
    }
    wants_free(&x->wants, x->drop);
    chunk_store_free(&x->store);
    chunk_set_release(&x->settled);
    chunk_set_release(&x->known);
    chunk_set_release(&x->have_news);
    chunk_set_release(&x->want_news);
    chunk_set_release(&x->want_known);
    free(x->askers);
    json_decref(x->damaged);
    chunk_map_free(&x->map);
    tls_identity_free(&x->identity);
    bundle_release(&x->bundle);
    fd_close(&x->wake);
    pthread_mutex_destroy(&x->mutex);
    free(x);
}

static void prepare_sets(struct exchange *x)
{
    x->count = chunk_map_count(x->map);
    chunk_set_init(&x->settled, x->count);
    chunk_set_init(&x->known, x->count);
    chunk_set_init(&x->have_news, x->count);
    chunk_set_init(&x->want_news, x->count);
    chunk_set_init(&x->want_known, x->count);
    x->askers = xcalloc(x->count + 1, 1);
    x->damaged = json_array();
}

static int prepare(struct exchange *x, const json_t *params, struct error *err)
{
    int r = chunk_map_new(&x->bundle, &x->map, err);
    if (r < 0)
        return r;
    prepare_sets(x);
    r = params_read(x, params, err);
    if (r >= 0)
        r = chunk_store_new(&x->bundle, x->map, &x->store, err);
    if (r < 0)
        return r;
    x->wants = wants_new(&x->bundle, x->map, x->store, wake, x);
    r = exchange_want(x, params, err);
    return r < 0 ? r : 0;
}

static int start_thread(struct exchange *x, struct error *err)
{
    int r = pthread_create(&x->thread, NULL, exchange_main, x);
    return r == 0 ? 0 : error_errno(err, -r, "start a thread");
}

int exchange_start(const json_t *params, struct bundle *bundle,
                   const struct exchange_events *events, struct exchange **out, struct error *err)
{
    struct exchange *x = xcalloc(1, sizeof *x);
    x->bundle = *bundle;
    x->events = *events;
    x->listener = -1;
    x->orders_end = &x->orders;
    pthread_mutex_init(&x->mutex, NULL);
    x->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int r = x->wake < 0 ? error_errno(err, -errno, "make an event") : prepare(x, params, err);
    if (r >= 0)
        r = start_thread(x, err);
    if (r < 0) {
        x->bundle = BUNDLE_INIT; /* still the caller's */
        exchange_free(x);
        return r;
    }
    *bundle = BUNDLE_INIT;
    *out = x;
    return 0;
}

void exchange_stop(struct exchange **x_ptr, bool drop)
{
    struct exchange *x = *x_ptr;
    *x_ptr = NULL;
    if (!x)
        return;
    atomic_store(&x->stop, true);
    wake(x);
    pthread_join(x->thread, NULL);
    x->drop = drop;
    exchange_free(x);
}
