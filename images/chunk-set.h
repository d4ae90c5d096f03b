/* Sets of chunks by number (images/chunk-map.h), and the ranges that stand for them on the wire:
 * [[first,count],…]. */
#pragma once

#include "images/chunk-map.h"
#include "lib/cleanup.h"
#include "lib/error.h"
#include "lib/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk_set {
    uint64_t *words;
    uint32_t size; /* numbers are below it */
};

/* Empty, for the numbers 0 to size - 1. */
void chunk_set_init(struct chunk_set *s, uint32_t size);
void chunk_set_release(struct chunk_set *s);

bool chunk_set_has(const struct chunk_set *s, uint32_t number);
void chunk_set_add(struct chunk_set *s, uint32_t number);
void chunk_set_remove(struct chunk_set *s, uint32_t number);
/* Sets of the same size. */
void chunk_set_add_all(struct chunk_set *s, const struct chunk_set *other);
void chunk_set_remove_all(struct chunk_set *s, const struct chunk_set *other);
bool chunk_set_empty(const struct chunk_set *s);
/* The first number of the range that is in both sets and not in `without` (which may be NULL), or
 * the number behind the range. */
uint32_t chunk_set_first(const struct chunk_set *a, const struct chunk_set *b,
                         const struct chunk_set *without, struct chunk_range range);

/* Takes the lowest numbers out of the set: at most max ranges of them. An array; the caller owns
 * it. */
json_t *chunk_set_take(struct chunk_set *s, size_t max);
/* Adds the ranges to the set; *added (may be NULL) counts their numbers. -EPROTO, nothing added:
 * not of this form or out of the set. */
int chunk_set_parse(struct chunk_set *s, const json_t *ranges, uint64_t *added, struct error *err);
