/* The chunks of a bundle that this host has. Whole blobs are in the blob store (agent/blobs.h); one
 * that is under way is a sparse file with the suffix ".chunks" beside it, whose chunks were
 * verified before they were written. One that is only kept for others stays such a file when it is
 * complete: so whoever comes after a power cut knows that it was not for this host. Nothing is
 * recorded about it: what a file that was left behind holds is found by hashing it again. One
 * thread's. */
#pragma once

#include "images/bundle.h"
#include "images/chunk-map.h"
#include "images/chunk-set.h"
#include "lib/cleanup.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stdint.h>

#define CHUNKS_SUFFIX ".chunks"
#define PATCHED_SUFFIX ".patched" /* of what a patch is making (agent/wants.h) */
/* Where containerd keeps the same blobs: /<64 hex>. */
#define CONTAINERD_BLOB_DIR "/var/lib/containerd/io.containerd.content.v1.content/blobs/sha256"

struct chunk_store;
/* Bundle and map must outlive it. Removes what was under way of blobs that this bundle does not
 * list, and what a patch left half made. Nothing is known to be here before chunk_store_look. */
int chunk_store_new(const struct bundle *b, const struct chunk_map *map, struct chunk_store **out,
                    struct error *err);
void chunk_store_free(struct chunk_store **s); /* files stay as they are */
#define AUTO_CHUNK_STORE CLEANUP(chunk_store_free) struct chunk_store

/* Finds out what is here of a blob that the bundle lists; slow, as it is hashed. `wanted`: from now
 * on it goes into the blob store once it is complete, and what only containerd's store has of it is
 * copied. 1: the blob is whole, 0: it is not. */
int chunk_store_look(struct chunk_store *s, const char *digest, bool wanted, struct error *err);
/* Verifies and stores; a chunk that is here already is left alone. 1: with it a wanted blob is
 * whole, 0: stored, -EBADMSG: these bytes are not the chunk, -ENOSPC and others: cannot be written.
 */
int chunk_store_add(struct chunk_store *s, uint32_t number, const void *data, size_t len,
                    struct error *err);
/* Chunks that are here. Borrowed, changes with every look and add. */
const struct chunk_set *chunk_store_have(const struct chunk_store *s);
bool chunk_store_whole(const struct chunk_store *s, const char *digest);
/* Bytes of a blob that are not here. */
uint64_t chunk_store_missing(const struct chunk_store *s, const char *digest);
/* A descriptor (the caller's) of the file that has a chunk, and the offset in it; -errno. */
int chunk_store_open(const struct chunk_store *s, uint32_t number, uint64_t *offset,
                     struct error *err);
/* Removes what is under way of a blob, and the whole blob if it came in chunks. */
void chunk_store_drop(struct chunk_store *s, const char *digest);
