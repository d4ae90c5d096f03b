/* A bundle of blobs with made up content, as a host knows it: parsed, without a folder. */
#pragma once

#include "images/bundle.h"
#include "images/chunk-map.h"
#include "lib/digest.h"
#include "tests/unit/unit.h"

#define FIXTURE_BLOBS_MAX 8
#define UNUSED __attribute__((unused))

struct fixture_blob {
    char digest[DIGEST_SIZE];
    char *data;
    size_t size;
};

struct fixture {
    struct fixture_blob blobs[FIXTURE_BLOBS_MAX];
    size_t count;
    json_t *deltas; /* for "deltas" of bigtop.json; NULL: none */
    struct bundle bundle;
    struct chunk_map *map;
};

/* The same seed and size give the same bytes. The caller frees. */
static UNUSED char *fixture_bytes(uint64_t seed, size_t size)
{
    uint64_t x = seed * 0x9e3779b97f4a7c15u + 1;
    char *data = xcalloc(1, size + 8);
    for (size_t i = 0; i < size; i += 8) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        memcpy(data + i, &x, 8);
    }
    return data;
}

/* Takes the bytes over. */
static UNUSED void fixture_add_bytes(struct fixture *f, char *data, size_t size)
{
    struct fixture_blob *b = &f->blobs[f->count++];
    *b = (struct fixture_blob){.size = size, .data = data};
    digest_buffer(data, size, b->digest);
}

static UNUSED void fixture_add(struct fixture *f, uint64_t seed, size_t size)
{
    fixture_add_bytes(f, fixture_bytes(seed, size), size);
}

static UNUSED json_t *fixture_hashes(const struct fixture_blob *b)
{
    json_t *list = json_array();
    for (size_t at = 0; at < b->size; at += CHUNK_SIZE) {
        char digest[DIGEST_SIZE];
        digest_buffer(b->data + at, b->size - at < CHUNK_SIZE ? b->size - at : CHUNK_SIZE, digest);
        json_array_append_new(list, json_string(digest + 7));
    }
    return list;
}

static UNUSED json_t *fixture_json(const struct fixture *f)
{
    json_t *sizes = json_object(), *chunks = json_object();
    for (size_t i = 0; i < f->count; i++) {
        const struct fixture_blob *b = &f->blobs[i];
        json_object_set_new(sizes, b->digest, json_integer((json_int_t) b->size));
        if (b->size > CHUNK_SIZE)
            json_object_set_new(chunks, b->digest, fixture_hashes(b));
    }
    return json_pack("{s:i, s:s, s:s, s:i, s:s, s:[{s:s, s:s, s:s, s:[s], s:s}], s:o, s:o, s:O*}",
                     "schema", BUNDLE_SCHEMA, "product", "bigtop", "architecture", "amd64",
                     "serial", 1, "kubernetes", "v1.34.4", "components", "name", "part", "kind",
                     "files", "version", "1", "roles", "worker", "blob", f->blobs[0].digest,
                     "blobs", sizes, "chunks", chunks, "deltas", f->deltas);
}

/* After the last fixture_add. */
static UNUSED void fixture_parse(struct fixture *f)
{
    struct error err = ERROR_INIT;
    AUTO_JSON *json = fixture_json(f);
    AUTO_FREE char *text = json_canonical(json);
    if (bundle_parse(text, strlen(text), "bigtop.json", &f->bundle, &err) < 0 ||
        chunk_map_new(&f->bundle, &f->map, &err) < 0)
        fail_msg("%s", err.text);
}

static UNUSED void fixture_release(struct fixture *f)
{
    chunk_map_free(&f->map);
    bundle_release(&f->bundle);
    json_decref(f->deltas);
    for (size_t i = 0; i < f->count; i++)
        free(f->blobs[i].data);
    *f = (struct fixture){0};
}

static UNUSED const struct fixture_blob *fixture_blob(const struct fixture *f, const char *digest)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->blobs[i].digest, digest) == 0)
            return &f->blobs[i];
    return NULL;
}

/* The right bytes of a chunk, borrowed. */
static UNUSED const char *fixture_chunk(const struct fixture *f, uint32_t number)
{
    struct chunk chunk = chunk_map_get(f->map, number);
    return fixture_blob(f, chunk.blob)->data + chunk.offset;
}
