/* Chunks: the pieces in which blobs travel, each verified by its own hash. A blob is cut every
 * CHUNK_SIZE bytes; bigtop.json has the hash of each piece, and so they are as trusted as it is.
 * Everybody who has the same bigtop.json gives the chunks the same numbers: from 0 on, blob after
 * blob in the bytewise order of their digests. An empty blob has no chunk. */
#pragma once

#include "images/bundle.h"
#include "lib/cleanup.h"
#include "lib/digest.h"
#include "lib/error.h"
#include "lib/json.h"

#include <stdint.h>

/* Bytes. Small enough that a broken link loses little and that many hosts share a blob evenly,
 * large enough that the hashes are a hundredth of a percent of the bundle. */
#define CHUNK_SIZE (512 * 1024)
#define CHUNKS_MAX (1u << 20) /* of a bundle: 512 GiB */

struct chunk {
    const char *blob; /* digest, borrowed from the bundle */
    uint64_t offset;  /* in the blob, bytes */
    uint32_t size;    /* bytes, 1 to CHUNK_SIZE */
    const char *hash; /* 64 hex digits, borrowed */
};

/* The chunks of one blob. */
struct chunk_range {
    uint32_t first, count;
};

struct chunk_map;
/* The bundle must outlive the map. -EBADMSG when "chunks" and "blobs" do not fit together. */
int chunk_map_new(const struct bundle *b, struct chunk_map **out, struct error *err);
void chunk_map_free(struct chunk_map **map);
#define AUTO_CHUNK_MAP CLEANUP(chunk_map_free) struct chunk_map

uint32_t chunk_map_count(const struct chunk_map *map);
struct chunk chunk_map_get(const struct chunk_map *map, uint32_t number);
/* -ENOENT when the bundle does not list the blob. */
int chunk_map_find(const struct chunk_map *map, const char *digest, struct chunk_range *out);
/* Whether these bytes are the chunk. */
bool chunk_matches(const struct chunk *chunk, const void *data, size_t len);

/* "chunks" of bigtop.json for one blob: an array of hashes, or *out NULL when it has only one chunk
 * or none. The caller owns *out. */
int chunk_hashes(const struct blob_source *blob, json_t **out, struct error *err);
