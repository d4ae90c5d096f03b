/* Having a disk for oneself, before anything on it is changed. */
#pragma once

#include "lib/disk-choice.h"
#include "lib/disks.h"
#include "lib/error.h"
#include "lib/json.h"

/* Opens the chosen disk of wish number i for us alone (O_EXCL), looks at it once more through that
 * descriptor and has it judged again: whatever its names lead to meanwhile, it is the same verdict
 * about the same disk. The descriptor, for reading and writing, goes to *out (the caller's).
 * -EBUSY, -ESTALE: it is not what it was. Nothing is changed. */
int disk_claim(const struct disks_context *ctx, const json_t *wishes, size_t i,
               const struct disk_choice *choice, int *out, struct error *err);
