/* What block devices are used for: mounts and swap. */
#pragma once

#include "lib/json.h"
#include "lib/strv.h"

#define MOUNTINFO_MAX (16u << 20) /* bytes; thousands of pods' mounts */

/* [{"number":"8:17","at":"/srv"},…] of the text of /proc/self/mountinfo, in its order. File systems
 * that have no number of their own (btrfs) are told by their source, as far as that is a device. */
json_t *disks_mounts(const char *mountinfo);
/* The same of /proc/swaps, at: the device. */
json_t *disks_swaps(const char *swaps);
/* "at" of those whose number is listed, each once, appended to an array. */
void disks_used_at(const json_t *uses, const struct strv *numbers, json_t *out);
/* "8:17" of a block device, -ENOTBLK, or another -errno. */
int disks_number_of(const char *path, char out[24]);
