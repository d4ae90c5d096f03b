/* What is written on a disk, by libblkid (disk-probe.c is the only user of its header). Opens
 * nothing: the descriptor is the caller's, and stays the disk that it was opened as. */
#pragma once

#include "lib/error.h"
#include "lib/json.h"

#define DISK_SAMPLE_SIZE (64 * 1024) /* bytes at the front that are looked at for unknown data */

/* Everything that is found, not only what fits best: file systems, RAID, LVM, ZFS, crypto, swap,
 * partition tables with their copies. "signatures" of lib/disk-choice.h; the caller owns *out. A
 * disk that has none, but whose first DISK_SAMPLE_SIZE bytes are at least a quarter something else
 * than zeroes (encrypted without a header, a raw database), has DISK_UNKNOWN_DATA. */
int disk_probe(int fd, json_t **out, struct error *err);
/* Erases every signature; fd is open for writing. Data between them stays. */
int disk_wipe(int fd, struct error *err);
