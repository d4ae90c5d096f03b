/* An image that machines start from, as bytes: on a stick, in a file, in a slot of a disk. */
#pragma once

#include "lib/digest.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Bytes of the ISO 9660 file system that begins where the descriptor does (ECMA-119 8.4.8: its
 * volume's space). -EBADMSG: there is none. */
int image_file_size(int fd, uint64_t *out, struct error *err);

struct image_copy {
    int from, to;
    uint64_t size;
    const bool *cancel; /* may be NULL */
    /* Every ten percent of "copying", then of "checking". May be NULL. */
    void (*progress)(void *userdata, const char *what, int percent);
    void *userdata;
};
/* Copies from the first byte on, syncs, and reads back what is on the disk. -EIO: it is something
 * else. */
int image_file_copy(const struct image_copy *c, struct error *err);
