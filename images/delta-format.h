/* The bytes of a patch: see images/delta.h, which says what they mean. */
#pragma once

#include "lib/error.h"

#include <stdint.h>

#define DELTA_HEADER_LEN 32
#define DELTA_SEGMENT_LEN 20
#define DELTA_PLAIN_MAX (16ULL << 30) /* twice what an archive may hold (lib/archive.h) */

struct delta_header {
    uint32_t zstd, level;
    uint64_t size, plain;
};

struct delta_segment {
    uint64_t from;
    uint32_t window, made, packed;
};

void delta_header_put(const struct delta_header *h, unsigned char out[DELTA_HEADER_LEN]);
void delta_segment_put(const struct delta_segment *s, unsigned char out[DELTA_SEGMENT_LEN]);
/* -EBADMSG: no patch; -EOPNOTSUPP: needs another libzstd. */
int delta_header_get(const unsigned char in[DELTA_HEADER_LEN], struct delta_header *out,
                     struct error *err);
/* -EBADMSG: sizes that no patch has. */
int delta_segment_get(const unsigned char in[DELTA_SEGMENT_LEN], struct delta_segment *out,
                      struct error *err);
