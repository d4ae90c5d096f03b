/* Which place of an old tar a place of a new one looks like: the same file, as far into it. What is
 * no tar is taken for one file. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct aligned_span {
    uint64_t to, to_len;     /* bytes of the new stream: from one file's header to the next */
    uint64_t from, from_len; /* the file of the same name in the old one */
};

/* Spans in the order of the new stream, from its first byte to its last; the caller frees. A file
 * that the old one has not gets the place behind that of the file before it. */
size_t delta_align(const unsigned char *from, uint64_t from_len, const unsigned char *to,
                   uint64_t to_len, struct aligned_span **out);
/* The place in the old stream that belongs to `at` of the new one. */
uint64_t delta_align_find(const struct aligned_span *spans, size_t count, uint64_t at);
