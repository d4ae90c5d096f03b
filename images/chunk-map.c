#include "images/chunk-map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct blob_chunks {
    const char *digest;
    const json_t *hashes; /* NULL: one chunk, whose hash is the blob's */
    uint64_t size;
    struct chunk_range range;
};

struct chunk_map {
    struct blob_chunks *blobs; /* sorted by digest */
    size_t blob_count;
    uint32_t count;
};

void chunk_map_free(struct chunk_map **map)
{
    if (*map)
        free((*map)->blobs);
    free(*map);
    *map = NULL;
}

static int by_digest(const void *a, const void *b)
{
    return strcmp(((const struct blob_chunks *) a)->digest,
                  ((const struct blob_chunks *) b)->digest);
}

static bool is_hash(const json_t *value)
{
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    return strlen(text) == SHA256_HEX_LEN && strspn(text, "0123456789abcdef") == SHA256_HEX_LEN;
}

static int check_hashes(const struct blob_chunks *b, struct error *err)
{
    uint64_t wanted = (b->size + CHUNK_SIZE - 1) / CHUNK_SIZE;
    if (!b->hashes && wanted <= 1)
        return 0;
    if (!json_is_array(b->hashes) || wanted <= 1 || json_array_size(b->hashes) != wanted)
        return error_set(err, -EBADMSG, "\"chunks\" does not have the %llu hashes of blob %s",
                         (unsigned long long) wanted, b->digest);
    size_t i;
    json_t *item;
    json_array_foreach(b->hashes, i, item)
        if (!is_hash(item))
            return error_set(err, -EBADMSG, "a hash of a chunk of blob %s is malformed", b->digest);
    return 0;
}

static int number_chunks(struct chunk_map *map, struct error *err)
{
    for (size_t i = 0; i < map->blob_count; i++) {
        struct blob_chunks *b = &map->blobs[i];
        int r = check_hashes(b, err);
        if (r < 0)
            return r;
        uint64_t count = (b->size + CHUNK_SIZE - 1) / CHUNK_SIZE;
        if (count > CHUNKS_MAX - map->count)
            return error_set(err, -EBADMSG, "more than %u chunks", CHUNKS_MAX);
        b->range = (struct chunk_range){map->count, (uint32_t) count};
        map->count += (uint32_t) count;
    }
    return 0;
}

static int check_known(const struct bundle *b, const json_t *hashes, struct error *err)
{
    const char *digest;
    json_t *value;
    json_object_foreach((json_t *) hashes, digest, value)
        if (bundle_blob_size(b, digest) < 0)
            return error_set(err, -EBADMSG, "\"chunks\" names a blob that \"blobs\" does not list");
    return 0;
}

int chunk_map_new(const struct bundle *b, struct chunk_map **out, struct error *err)
{
    AUTO_CHUNK_MAP *map = xcalloc(1, sizeof(*map));
    json_t *blobs = json_object_get(b->json, "blobs");
    json_t *hashes = json_object_get(b->json, "chunks");
    if (hashes && !json_is_object(hashes))
        return error_set(err, -EBADMSG, "\"chunks\" is not an object");
    int r = check_known(b, hashes, err);
    if (r < 0)
        return r;
    map->blobs = xcalloc(json_object_size(blobs) + 1, sizeof(*map->blobs));
    const char *digest;
    json_t *size;
    json_object_foreach(blobs, digest, size)
        map->blobs[map->blob_count++] = (struct blob_chunks){
            .digest = digest,
            .hashes = json_object_get(hashes, digest),
            .size = (uint64_t) json_integer_value(size),
        };
    qsort(map->blobs, map->blob_count, sizeof(*map->blobs), by_digest);
    r = number_chunks(map, err);
    if (r == 0)
        *out = TAKE_PTR(map);
    return r;
}

uint32_t chunk_map_count(const struct chunk_map *map)
{
    return map->count;
}

/* The last blob that begins at or before the number, and is not empty. */
static const struct blob_chunks *blob_of(const struct chunk_map *map, uint32_t number)
{
    size_t low = 0, high = map->blob_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (map->blobs[middle].range.first <= number)
            low = middle;
        else
            high = middle;
    }
    return &map->blobs[low];
}

struct chunk chunk_map_get(const struct chunk_map *map, uint32_t number)
{
    const struct blob_chunks *b = blob_of(map, number);
    uint32_t index = number - b->range.first;
    uint64_t offset = (uint64_t) index * CHUNK_SIZE, left = b->size - offset;
    const char *own = b->digest + strlen("sha256:");
    return (struct chunk){
        .blob = b->digest,
        .offset = offset,
        .size = left < CHUNK_SIZE ? (uint32_t) left : CHUNK_SIZE,
        .hash = b->hashes ? json_string_value(json_array_get(b->hashes, index)) : own,
    };
}

int chunk_map_find(const struct chunk_map *map, const char *digest, struct chunk_range *out)
{
    const struct blob_chunks key = {.digest = digest};
    const struct blob_chunks *found = bsearch(&key, map->blobs, map->blob_count,
                                              sizeof(*map->blobs), by_digest);
    if (!found)
        return -ENOENT;
    *out = found->range;
    return 0;
}

bool chunk_matches(const struct chunk *chunk, const void *data, size_t len)
{
    char found[DIGEST_SIZE];
    if (len != chunk->size)
        return false;
    digest_buffer(data, len, found);
    return strcmp(found + strlen("sha256:"), chunk->hash) == 0;
}

int chunk_hashes(const struct blob_source *blob, json_t **out, struct error *err)
{
    if (blob->size <= CHUNK_SIZE) {
        *out = NULL;
        return 0;
    }
    AUTO_FREE char *buffer = xcalloc(1, CHUNK_SIZE);
    AUTO_JSON *list = json_array();
    for (uint64_t at = 0; at < blob->size; at += CHUNK_SIZE) {
        uint64_t left = blob->size - at;
        size_t want = left < CHUNK_SIZE ? (size_t) left : CHUNK_SIZE;
        char digest[DIGEST_SIZE];
        int r = blob_source_read(blob, at, buffer, want, err);
        if (r < 0)
            return r;
        digest_buffer(buffer, want, digest);
        json_array_append_new(list, json_string(digest + strlen("sha256:")));
    }
    *out = TAKE_PTR(list);
    return 0;
}
