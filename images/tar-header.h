/* Headers of a bundle in one file: POSIX ustar (IEEE Std 1003.1, pax, "ustar Interchange Format"),
 * and only one for each name and size: a regular file of mode 0644, owner 0, time 0, without
 * names. Sizes of 8 GiB and more are written in base 256, as GNU tar, Go and libarchive do. */
#pragma once

#include <stdint.h>

#define TAR_BLOCK 512
#define TAR_END (2 * TAR_BLOCK) /* bytes of zeroes after the last entry */

/* name: at most 100 bytes. */
void tar_header_make(char block[TAR_BLOCK], const char *name, uint64_t size);
/* The size that a header announces: -EBADMSG when it is not, byte for byte, the one that
 * tar_header_make gives for the name and this size. */
int tar_header_size(const char block[TAR_BLOCK], const char *name, uint64_t *size);
/* Bytes of zeroes after a content of this size. */
uint64_t tar_padding(uint64_t size);
