#include "images/contents.h"

#include "lib/strbuf.h"

#include <string.h>

#define SOURCE_WORDS_MAX 512

static void add_blob(json_t *set, const struct bundle *b, const char *digest)
{
    json_object_set_new(set, digest, json_integer((json_int_t) bundle_blob_size(b, digest)));
}

json_t *contents_of(const struct bundle *b, const struct component *c)
{
    json_t *set = json_object();
    add_blob(set, b, c->kind == COMPONENT_IMAGE ? c->manifest : c->blob);
    size_t i;
    json_t *digest;
    json_array_foreach(c->blobs, i, digest)
        add_blob(set, b, json_string_value(digest));
    return set;
}

json_t *contents_needed(const struct bundle *b, unsigned roles)
{
    json_t *set = json_object();
    for (size_t i = 0; i < b->component_count; i++)
        if (b->components[i].roles & roles)
            json_object_update_new(set, contents_of(b, &b->components[i]));
    return set;
}

json_t *contents_shared(const struct bundle *b)
{
    AUTO_JSON *seen = json_object();
    json_t *shared = json_object();
    for (size_t i = 0; i < b->component_count; i++) {
        AUTO_JSON *own = contents_of(b, &b->components[i]);
        const char *digest;
        json_t *size;
        json_object_foreach(own, digest, size)
            json_object_set(json_object_get(seen, digest) ? shared : seen, digest, size);
    }
    return shared;
}

int64_t contents_size(const json_t *blobs)
{
    int64_t total = 0;
    const char *digest;
    json_t *size;
    json_object_foreach((json_t *) blobs, digest, size)
        total += (int64_t) json_integer_value(size);
    return total;
}

/* Bytes of the smallest patch whose old blob is there; -1: there is none. */
static int64_t smallest_patch(const struct bundle *to, const char *digest, const json_t *have)
{
    int64_t best = -1;
    size_t i;
    json_t *delta;
    json_array_foreach(bundle_deltas(to, digest), i, delta) {
        int64_t size = bundle_blob_size(to, json_get_string(delta, "blob", ""));
        if (json_object_get(have, json_get_string(delta, "from", "")) && (best < 0 || size < best))
            best = size;
    }
    return best;
}

void contents_upgrade(const struct bundle *from, const struct bundle *to, unsigned roles,
                      struct contents_upgrade *out)
{
    AUTO_JSON *have = contents_needed(from, roles);
    AUTO_JSON *need = contents_needed(to, roles);
    *out = (struct contents_upgrade){.blobs = json_object()};
    const char *digest;
    json_t *size;
    json_object_foreach(need, digest, size) {
        if (json_object_get(have, digest))
            continue;
        int64_t full = json_integer_value(size), patch = smallest_patch(to, digest, have);
        bool patched = patch >= 0 && patch < full;
        json_object_set(out->blobs, digest, size);
        out->size += full;
        out->delta_size += patched ? patch : full;
        out->delta_count += patched;
    }
}

void contents_upgrade_release(struct contents_upgrade *u)
{
    json_decref(u->blobs);
    u->blobs = NULL;
}

/* The first of an array or object, and how many more. */
static void add_first(struct strbuf *out, const json_t *value)
{
    size_t count = json_is_array(value) ? json_array_size(value) : json_object_size(value);
    const char *first = json_is_array(value)
                            ? json_string_value(json_array_get(value, 0))
                            : json_object_iter_key(json_object_iter((json_t *) value));
    if (json_is_string(value))
        strbuf_addf(out, " %s", json_string_value(value));
    else if (first)
        strbuf_addf(out, " %s", first);
    if (count > 1)
        strbuf_addf(out, " and %zu more", count - 1);
}

/* What names the thing best, in each type of source. */
static void add_source(struct strbuf *out, const json_t *about)
{
    static const char *const keys[] = {"modules",   "module",        "ref",     "url",
                                       "artifacts", "distributions", "packages"};
    strbuf_adds(out, json_get_string(about, "type", "?"));
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const json_t *value = json_object_get(about, keys[i]);
        if (value) {
            add_first(out, value);
            return;
        }
    }
}

char *contents_source(const struct bundle *b, const struct component *c)
{
    STRBUF(words, SOURCE_WORDS_MAX);
    STRBUF(safe, SOURCE_WORDS_MAX);
    size_t i;
    json_t *name;
    json_array_foreach(c->sources, i, name) {
        strbuf_adds(&words, i ? "; " : "");
        add_source(&words,
                   json_object_get(json_object_get(b->json, "sources"), json_string_value(name)));
    }
    strbuf_add_printable(&safe, words.data, words.len);
    return strbuf_steal(&safe);
}
