/* What a host wants of a bundle, in order, and how it gets there: chunks of the blob itself, or of
 * a patch that makes it of a blob that is here. One thread's, except that patches are applied in
 * threads of their own. */
#pragma once

#include "agent/chunk-store.h"
#include "images/chunk-set.h"
#include "lib/cleanup.h"
#include "lib/strv.h"

struct wants;
/* `wake` is called by another thread when wants_step has something to do again. All must outlive
 * it. */
struct wants *wants_new(const struct bundle *b, const struct chunk_map *map,
                        struct chunk_store *store, void (*wake)(void *arg), void *arg);
/* Waits for a patch that is being applied. With `drop`, everything that is here and was never
 * wanted is removed, as far as it came by the exchange. */
void wants_free(struct wants **w, bool drop);

/* Adds a blob of the bundle behind the others; one that is wanted already stays where it is. */
void wants_add(struct wants *w, const char *digest);
/* Does one slow thing, such as hashing a blob. 1: there is more to do, 0: not now, -errno: this
 * host cannot have what it wants. */
int wants_step(struct wants *w, struct error *err);
/* A blob became whole (chunk_store_add). */
void wants_whole(struct wants *w, const char *digest);

/* Chunks that are wanted, here or not. Never shrinks. Borrowed. */
const struct chunk_set *wants_chunks(const struct wants *w);
/* The chunks of the i-th wanted blob, or of its patch, in the order of wants_add. False behind the
 * last. *range is empty for one that is whole. */
bool wants_range(const struct wants *w, size_t i, struct chunk_range *range);
/* Of the wanted blobs, those that are whole, in the order in which they became so. Borrowed. */
const struct strv *wants_done(const struct wants *w);
