#include "coordinator/feed.h"

#include "coordinator/link.h"
#include "lib/clock.h"
#include "lib/protocol.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WANTS_AT_ONCE 400 /* digests in one call: what a frame holds beside the rest */
#define PEM_MAX TLS_PEM_MAX
#define DONE_WAIT_MS 200

struct feed {
    struct distribution *d;
    size_t host;
    char id[24];
    feed_warn_fn warn;
    void *userdata;
    struct session_beside beside;
    struct strbuf cert, key;
    json_t *peers;
    struct strv wants; /* digests */
    json_t *there;     /* object: those of `wants` that the host has → true */
    size_t said;       /* of `wants`, on this link */
    /* On this link: whether the first report is complete, and what was in it. */
    bool reported;
    struct chunk_set said_chunks;
    json_t *said_blobs; /* object: digest → true */
    int64_t sent;
    struct error failure;
};

static bool wants(const struct feed *f, const char *digest)
{
    return json_object_get(f->there, digest) != NULL;
}

bool feed_has_all(const struct feed *f)
{
    const char *digest;
    json_t *is_there;
    json_object_foreach(f->there, digest, is_there)
        if (!json_is_true(is_there))
            return false;
    return true;
}

/* --- what we say --- */

static json_t *next_wants(struct feed *f)
{
    json_t *list = json_array();
    for (size_t n = 0; n < WANTS_AT_ONCE && f->said < f->wants.count; n++)
        json_array_append_new(list, json_string(f->wants.items[f->said++]));
    return list;
}

static int64_t begin(void *userdata, struct link *l, struct error *err)
{
    struct feed *f = userdata;
    AUTO_JSON *params = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:O, s:o}", "manifest",
                                  f->d->bundle->digest, "self", f->id, "port", EXCHANGE_PORT, "ca",
                                  tls_authority_pem(f->d->authority), "cert", f->cert.data, "key",
                                  f->key.data, "peers", f->peers, "want", next_wants(f));
    return link_call(l, "exchange", params, err);
}

static int bundle_is_broken(struct feed *f, const char *blob, const char *why, struct error *err)
{
    error_set(&f->failure, -EBADMSG, "blob %s of the bundle in %s: %s", blob, f->d->bundle->path,
              why);
    error_remedy(&f->failure,
                 "find out with `bigtop-bootstrap bundle verify %s`, then build or copy it again",
                 f->d->bundle->path);
    if (err)
        *err = f->failure;
    return -EBADMSG;
}

/* Counted before: a link that breaks has carried a part of it. */
static int send_chunk(struct feed *f, struct link *l, uint32_t number, struct error *err)
{
    AUTO_BLOB_SOURCE blob = BLOB_SOURCE_INIT;
    struct chunk chunk = chunk_map_get(f->d->map, number);
    struct error why = ERROR_INIT;
    int r = bundle_blob_open(f->d->bundle, chunk.blob, &blob, &why);
    if (r == 0) {
        f->sent += chunk.size;
        r = link_send_chunk(l, number, &blob, chunk.offset, chunk.size, &why);
    }
    if (r == -EIO || r == -ENODATA || r == -ENOENT || r == -EBADMSG)
        return bundle_is_broken(f, chunk.blob, why.text, err);
    if (r < 0 && err)
        *err = why;
    return r;
}

static int feed(void *userdata, struct link *l, int *wait_ms, struct error *err)
{
    struct feed *f = userdata;
    uint32_t chunk;
    *wait_ms = DONE_WAIT_MS;
    if (f->failure.code != 0)
        return 0;
    if (f->said < f->wants.count) {
        int r = link_begin_beside(l, &f->beside, err);
        return r < 0 ? r : 1;
    }
    if (!scatter_next(f->d->scatter, f->host, clock_monotonic_ms(), &chunk, wait_ms))
        return 0;
    int r = send_chunk(f, l, chunk, err);
    return r < 0 ? r : 1;
}

/* --- what we hear --- */

static int take_chunks(struct feed *f, const json_t *ranges, bool are_here, struct error *err)
{
    if (!ranges)
        return 0;
    CLEANUP(chunk_set_release) struct chunk_set set;
    int64_t now = clock_monotonic_ms();
    chunk_set_init(&set, chunk_map_count(f->d->map));
    int r = chunk_set_parse(&set, ranges, NULL, err);
    if (r < 0)
        return r;
    if (are_here && !f->reported)
        chunk_set_add_all(&f->said_chunks, &set);
    if (!are_here)
        scatter_want(f->d->scatter, f->host, &set);
    else if (scatter_have(f->d->scatter, f->host, &set, now))
        distribution_moved(f->d, now); /* not by what a link that breaks again and again repeats */
    return 0;
}

static void take_blobs(struct feed *f, const json_t *blobs)
{
    size_t i;
    json_t *digest;
    json_array_foreach(blobs, i, digest) {
        const char *text = json_string_value(digest);
        if (!text || !wants(f, text))
            continue;
        json_object_set_new(f->there, text, json_true());
        if (!f->reported)
            json_object_set_new(f->said_blobs, text, json_true());
    }
    if (feed_has_all(f))
        distribution_close(f->d, f->host);
}

/* The index of a host that is one of this one's peers; SIZE_MAX: none. */
static size_t peer_of(const struct feed *f, const char *id)
{
    size_t i;
    json_t *peer;
    json_array_foreach(f->peers, i, peer) {
        if (id && strcmp(json_get_string(peer, "id", ""), id) == 0)
            return (size_t) strtoull(id, NULL, 10);
    }
    return SIZE_MAX;
}

static void take_peers(struct feed *f, const json_t *peers)
{
    if (!peers)
        return;
    AUTO_FREE size_t *indices = xcalloc(json_array_size(peers) + 1, sizeof(*indices));
    size_t i;
    json_t *id;
    json_array_foreach(peers, i, id)
        indices[i] = peer_of(f, json_string_value(id));
    scatter_peers(f->d->scatter, f->host, indices, json_array_size(peers), clock_monotonic_ms());
}

static void take_dropped(const struct feed *f, const json_t *dropped)
{
    size_t i;
    json_t *item;
    json_array_foreach(dropped, i, item) {
        STRBUF(text, 1024);
        STRBUF(why, 512);
        const char *raw = json_get_string(item, "why", "no reason given");
        size_t peer = peer_of(f, json_get_string(item, "id", NULL));
        strbuf_add_printable(&why, raw, strnlen(raw, 100));
        if (peer == SIZE_MAX)
            continue;
        strbuf_addf(&text, "gets nothing from %s any more: %s", f->d->hosts[peer].address,
                    why.data);
        f->warn(f->userdata, text.data);
    }
}

/* What we sent has other bytes than bigtop.json says: they are no better the next time. */
static void take_damaged(struct feed *f, const json_t *damaged)
{
    const json_t *first = json_array_get(damaged, 0);
    json_int_t number = json_is_integer(first) ? json_integer_value(first) : -1;
    if (number < 0 || number >= chunk_map_count(f->d->map))
        return;
    struct chunk chunk = chunk_map_get(f->d->map, (uint32_t) number);
    STRBUF(why, 128);
    strbuf_addf(&why, "the %" PRIu32 " bytes from %" PRIu64 " on are damaged", chunk.size,
                chunk.offset);
    bundle_is_broken(f, chunk.blob, why.data, NULL);
}

/* What it said on a former link, and does not have any more: its disk may have been put back, or
 * its power cut before it was written. */
static void take_back(struct feed *f)
{
    const char *digest;
    json_t *is_there;
    scatter_reported(f->d->scatter, f->host, &f->said_chunks, clock_monotonic_ms());
    json_object_foreach(f->there, digest, is_there) {
        if (!json_is_true(is_there) || json_object_get(f->said_blobs, digest))
            continue;
        json_object_set_new(f->there, digest, json_false());
        distribution_open(f->d, f->host);
    }
}

static int take_progress(struct feed *f, const json_t *p, struct error *err)
{
    int r = take_chunks(f, json_object_get(p, "have"), true, err);
    if (r == 0)
        r = take_chunks(f, json_object_get(p, "want"), false, err);
    if (r < 0)
        return r;
    take_peers(f, json_object_get(p, "peers"));
    take_blobs(f, json_object_get(p, "blobs"));
    if (!f->reported && !json_get_bool(p, "more", false)) {
        take_back(f);
        f->reported = true;
    }
    take_dropped(f, json_object_get(p, "dropped"));
    take_damaged(f, json_object_get(p, "damaged"));
    return 0;
}

static int take(void *userdata, const json_t *message, struct error *err)
{
    struct feed *f = userdata;
    const json_t *progress = json_object_get(message, "progress");
    const json_t *error = json_object_get(message, "error");
    if (progress)
        return take_progress(f, progress, err);
    if (error)
        error_from_json(error, &f->failure);
    if (f->failure.code >= 0)
        error_set(&f->failure, -EPIPE, "its agent ended the exchange");
    return 0;
}

static void lost(void *userdata)
{
    struct feed *f = userdata;
    f->said = 0;
    f->reported = false;
    chunk_set_remove_all(&f->said_chunks, &f->said_chunks);
    json_object_clear(f->said_blobs);
    scatter_lost(f->d->scatter, f->host, clock_monotonic_ms());
}

/* --- from outside --- */

int feed_new(struct distribution *d, size_t host, feed_warn_fn warn, void *userdata,
             struct feed **out, struct error *err)
{
    CLEANUP(feed_free) struct feed *f = xcalloc(1, sizeof(*f));
    *f = (struct feed){.d = d, .host = host, .warn = warn, .userdata = userdata};
    f->beside = (struct session_beside){begin, take, feed, lost, f};
    snprintf(f->id, sizeof(f->id), "%zu", host);
    strbuf_init(&f->cert, PEM_MAX);
    strbuf_init(&f->key, PEM_MAX);
    f->peers = distribution_peers(d, host);
    f->there = json_object();
    f->said_blobs = json_object();
    chunk_set_init(&f->said_chunks, chunk_map_count(d->map));
    int r = tls_authority_issue(d->authority, f->id, &f->cert, &f->key, err);
    if (r < 0)
        return r;
    *out = TAKE_PTR(f);
    return 0;
}

void feed_free(struct feed **feed)
{
    struct feed *f = *feed;
    *feed = NULL;
    if (!f)
        return;
    strbuf_release(&f->cert);
    strbuf_release_secret(&f->key);
    json_decref(f->peers);
    json_decref(f->there);
    json_decref(f->said_blobs);
    chunk_set_release(&f->said_chunks);
    strv_release(&f->wants);
    free(f);
}

const struct session_beside *feed_beside(const struct feed *f)
{
    return &f->beside;
}

void feed_want(struct feed *f, const char *digest)
{
    if (wants(f, digest))
        return;
    strv_add(&f->wants, digest);
    json_object_set_new(f->there, digest, json_false());
    distribution_add(f->d, digest);
    distribution_open(f->d, f->host);
}

bool feed_has(const struct feed *f, const char *digest)
{
    return json_is_true(json_object_get(f->there, digest));
}

int feed_failure(const struct feed *f, struct error *err)
{
    if (f->failure.code != 0 && err)
        *err = f->failure;
    return f->failure.code;
}

int64_t feed_sent(const struct feed *f)
{
    return f->sent;
}

struct scatter_share feed_share(const struct feed *f)
{
    return scatter_share(f->d->scatter, f->host);
}
