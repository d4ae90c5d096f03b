#include "agent/wants.h"

#include "agent/blobs.h"
#include "images/delta.h"
#include "lib/fd.h"
#include "lib/json.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum want_state {
    WANT_LOOK,     /* nobody has looked yet what is here */
    WANT_CHUNKS,   /* its own chunks come */
    WANT_PATCH,    /* those of a patch come */
    WANT_APPLY,    /* the patch is here */
    WANT_APPLYING, /* by the thread */
    WANT_DONE,
};

struct want {
    const char *digest; /* the bundle's */
    enum want_state state;
    const char *from, *patch; /* what makes it, the bundle's */
    bool no_patch;            /* one failed */
};

/* A patch that is being applied. The thread owns all but `finished`. */
struct patching {
    struct wants *wants;
    const char *digest, *from, *patch;
    uint64_t size;
    bool cancel;
    atomic_bool finished;
    struct error err;
    int result;
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
    struct patching patching;
    pthread_t thread;
    bool is_patching;
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

static void join_patching(struct wants *w)
{
    if (w->is_patching)
        pthread_join(w->thread, NULL);
    w->is_patching = false;
}

void wants_free(struct wants **w_ptr, bool drop)
{
    struct wants *w = *w_ptr;
    *w_ptr = NULL;
    if (!w)
        return;
    __atomic_store_n(&w->patching.cancel, true, __ATOMIC_RELAXED);
    join_patching(w);
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
        if (want->state == WANT_PATCH)
            bytes += chunk_store_missing(w->store, want->patch);
        if (want->state != WANT_LOOK && want->state != WANT_DONE)
            bytes += chunk_store_missing(w->store, want->digest);
    }
    return bytes;
}

/* The first patch of the bundle whose base is here and that is less to send. */
static bool choose_patch(const struct wants *w, struct want *want)
{
    json_t *deltas = bundle_deltas(w->bundle, want->digest), *delta;
    size_t i;
    json_array_foreach(deltas, i, delta) {
        const char *from = json_get_string(delta, "from", "");
        const char *patch = lasting(w, json_get_string(delta, "blob", ""));
        if (want->no_patch || !patch || blob_have(from, NULL) != 1)
            continue;
        int r = chunk_store_look(w->store, patch, true, NULL);
        if (r < 0 ||
            chunk_store_missing(w->store, patch) >= chunk_store_missing(w->store, want->digest))
            continue;
        want->from = from;
        want->patch = patch;
        want->state = r == 1 ? WANT_APPLY : WANT_PATCH;
        return true;
    }
    return false;
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
    if (choose_patch(w, want)) {
        want_range(w, want->patch);
    } else {
        want->state = WANT_CHUNKS;
        want_range(w, want->digest);
    }
    r = blob_room(bytes_ahead(w), err);
    return r < 0 ? r : 1;
}

static int open_blob(const char *digest, struct blob_source *out, struct error *err)
{
    struct stat st;
    out->fd = blob_open(digest, err);
    if (out->fd < 0)
        return out->fd;
    if (fstat(out->fd, &st) < 0)
        return error_errno(err, -errno, "look at %s", digest);
    out->size = (uint64_t) st.st_size;
    return 0;
}

static int make_blob(struct patching *p, const char *path, struct error *err)
{
    AUTO_BLOB_SOURCE from = BLOB_SOURCE_INIT;
    AUTO_BLOB_SOURCE patch = BLOB_SOURCE_INIT;
    AUTO_FD out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (out < 0)
        return error_errno(err, -errno, "create %s", path);
    int r = open_blob(p->from, &from, err);
    if (r >= 0)
        r = open_blob(p->patch, &patch, err);
    return r < 0 ? r : delta_apply(&from, &patch, p->size, out, &p->cancel, err);
}

static int make_and_verify(struct patching *p, const char *path, struct error *err)
{
    char digest[DIGEST_SIZE];
    int r = make_blob(p, path, err);
    if (r >= 0)
        r = digest_file(path, digest, NULL, err);
    if (r >= 0 && strcmp(digest, p->digest) != 0)
        r = error_set(err, -EBADMSG, "the patch %s made %s", p->patch, digest);
    return r < 0 ? r : blob_adopt(p->digest, path, err);
}

static void *patch_in_thread(void *arg)
{
    struct patching *p = arg;
    AUTO_FREE char *blob = blob_path(p->digest);
    AUTO_FREE char *path = xasprintf("%s" PATCHED_SUFFIX, blob);
    p->result = make_and_verify(p, path, &p->err);
    if (p->result < 0)
        unlink(path);
    atomic_store(&p->finished, true);
    p->wants->wake(p->wants->arg);
    return NULL;
}

static void start_patching(struct wants *w, struct want *want)
{
    struct patching *p = &w->patching;
    *p = (struct patching){.wants = w, .digest = want->digest, .from = want->from};
    p->patch = want->patch;
    p->size = (uint64_t) bundle_blob_size(w->bundle, want->digest);
    w->is_patching = pthread_create(&w->thread, NULL, patch_in_thread, p) == 0;
    if (w->is_patching)
        want->state = WANT_APPLYING;
}

/* A patch that does not do it costs nothing but time: the blob itself is wanted then. */
static void finish_patching(struct wants *w)
{
    struct want *want = find(w, w->patching.digest);
    join_patching(w);
    want->no_patch = w->patching.result < 0;
    want->state = WANT_LOOK;
}

static struct want *find_state(const struct wants *w, enum want_state state)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->items[i].state == state)
            return &w->items[i];
    return NULL;
}

int wants_step(struct wants *w, struct error *err)
{
    if (w->is_patching && atomic_load(&w->patching.finished))
        finish_patching(w);
    struct want *ready = find_state(w, WANT_APPLY);
    if (ready && !w->is_patching)
        start_patching(w, ready);
    struct want *want = find_state(w, WANT_LOOK);
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
        if (want->state == WANT_PATCH && strcmp(want->patch, digest) == 0)
            want->state = WANT_APPLY;
        else if ((want->state == WANT_CHUNKS || want->state == WANT_PATCH) &&
                 strcmp(want->digest, digest) == 0)
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
    if (want->state == WANT_CHUNKS || want->state == WANT_PATCH)
        chunk_map_find(w->map, want->state == WANT_PATCH ? want->patch : want->digest, range);
    return true;
}

const struct strv *wants_done(const struct wants *w)
{
    return &w->done;
}
