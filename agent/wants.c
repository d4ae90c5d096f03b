#include "agent/wants.h"

#include "agent/blobs.h"
#include "lib/json.h"

#include <errno.h>
#include <string.h>

enum want_state {
    WANT_LOOK,   /* nobody has looked yet what is here */
    WANT_CHUNKS, /* its own chunks come */
    WANT_DONE,
};

struct want {
    const char *digest; /* the bundle's */
    enum want_state state;
};

struct wants {
    const struct bundle *bundle;
    const struct chunk_map *map;
    struct chunk_store *store;
    void (*wake)(void *arg);
    void *arg;
    struct want *items;
    size_t count;
    struct chunk_set chunks;
    struct strv done;
    struct strv others; /* what else the bundle has: this host may have it, for its peers */
    size_t others_seen;
};

struct wants *wants_new(const struct bundle *b, const struct chunk_map *map,
                        struct chunk_store *store, void (*wake)(void *arg), void *arg)
{
    struct wants *w = xcalloc(1, sizeof(*w));
    *w = (struct wants){.bundle = b, .map = map, .store = store, .wake = wake, .arg = arg};
    chunk_set_init(&w->chunks, chunk_map_count(map));
    const char *digest;
    json_t *size;
    json_object_foreach(json_object_get(b->json, "blobs"), digest, size)
        strv_add(&w->others, digest);
    return w;
}

static struct want *find(const struct wants *w, const char *digest)
{
    for (size_t i = 0; i < w->count; i++)
        if (strcmp(w->items[i].digest, digest) == 0)
            return &w->items[i];
    return NULL;
}

void wants_free(struct wants **w_ptr, bool drop)
{
    struct wants *w = *w_ptr;
    *w_ptr = NULL;
    if (!w)
        return;
    for (size_t i = 0; drop && i < w->others.count; i++)
        if (!find(w, w->others.items[i]))
            chunk_store_drop(w->store, w->others.items[i]);
    chunk_set_release(&w->chunks);
    strv_release(&w->done);
    strv_release(&w->others);
    free(w->items);
    free(w);
}

/* The bundle's own text of a digest that it lists: it lives long enough. */
static const char *lasting(const struct wants *w, const char *digest)
{
    for (size_t i = 0; i < w->others.count; i++)
        if (strcmp(w->others.items[i], digest) == 0)
            return w->others.items[i];
    return NULL;
}

void wants_add(struct wants *w, const char *digest)
{
    const char *own = lasting(w, digest);
    if (!own || find(w, digest))
        return;
    w->items = xrealloc(w->items, w->count + 1, sizeof(*w->items));
    w->items[w->count++] = (struct want){.digest = own};
}

static void want_range(struct wants *w, const char *digest)
{
    struct chunk_range range = {0, 0};
    chunk_map_find(w->map, digest, &range);
    for (uint32_t i = 0; i < range.count; i++)
        chunk_set_add(&w->chunks, range.first + i);
}

static void set_done(struct wants *w, struct want *want)
{
    want->state = WANT_DONE;
    strv_add(&w->done, want->digest);
}

/* Bytes that still have to be written for everything that is under way. */
static uint64_t bytes_ahead(const struct wants *w)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < w->count; i++) {
        const struct want *want = &w->items[i];
        if (want->state == WANT_CHUNKS)
            bytes += chunk_store_missing(w->store, want->digest);
    }
    return bytes;
}

static int look(struct wants *w, struct want *want, struct error *err)
{
    int r = chunk_store_look(w->store, want->digest, true, err);
    if (r < 0)
        return r;
    if (r == 1) {
        set_done(w, want);
        return 1;
    }
    want->state = WANT_CHUNKS;
    want_range(w, want->digest);
    r = blob_room(bytes_ahead(w), err);
    return r < 0 ? r : 1;
}

static struct want *find_new(const struct wants *w)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->items[i].state == WANT_LOOK)
            return &w->items[i];
    return NULL;
}

int wants_step(struct wants *w, struct error *err)
{
    struct want *want = find_new(w);
    if (want)
        return look(w, want, err);
    if (w->others_seen == w->others.count)
        return 0;
    chunk_store_look(w->store, w->others.items[w->others_seen++], false, NULL);
    return 1;
}

void wants_whole(struct wants *w, const char *digest)
{
    for (size_t i = 0; i < w->count; i++) {
        struct want *want = &w->items[i];
        if (want->state == WANT_CHUNKS && strcmp(want->digest, digest) == 0)
            set_done(w, want);
    }
}

const struct chunk_set *wants_chunks(const struct wants *w)
{
    return &w->chunks;
}

bool wants_range(const struct wants *w, size_t i, struct chunk_range *range)
{
    if (i >= w->count)
        return false;
    const struct want *want = &w->items[i];
    *range = (struct chunk_range){0, 0};
    if (want->state == WANT_CHUNKS)
        chunk_map_find(w->map, want->digest, range);
    return true;
}

const struct strv *wants_done(const struct wants *w)
{
    return &w->done;
}
