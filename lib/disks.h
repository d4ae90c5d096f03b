/* The host's disks, as lib/disk-choice.h describes them: the call "disks".
 *
 *   disks {"wanted":[wish,…]} → {"disks":[…],"occupied":["/data",…]}
 *
 * Occupied are the mount points of wishes that hold files, which a disk would hide.
 * Disks that a wish is about are looked at in full, which opens them; of the others only the names.
 * Without "wanted" every one is looked at. Nothing is changed. Loop devices are told of only when
 * the path of a wish leads to them. */
#pragma once

#include "lib/error.h"
#include "lib/json.h"

struct disks_context {
    const char *root;     /* "", or a folder with the like of /sys, /proc and /run (tests) */
    const char *begun;    /* "UUID IDENTITY" of a file system that is being made; may be NULL */
};

/* wanted: an array of wishes, or NULL. The caller owns *out, an array of disks. */
int disks_list(const struct disks_context *ctx, const json_t *wanted, json_t **out,
               struct error *err);
/* The one disk of this name as it is now, through a descriptor that is open on it already. Not
 * looked at whether it is busy: the caller has claimed it. */
int disks_look_again(const struct disks_context *ctx, const char *name, int fd,
                     const json_t *wanted, json_t **out, struct error *err);
