/* Making a file system on a disk: the one place where a disk loses what it had. */
#pragma once

#include "agent/disk-marker.h"
#include "agent/step.h"
#include "lib/disk-choice.h"
#include "lib/disks.h"

#define DISK_BEGUN "disk-begun" /* ledger key: disks_context.begun */

/* What this host's disks are looked at with (lib/disks.h); texts are borrowed of the ledger. */
struct disks_context disk_format_context(const struct ledger *l);

/* Opens the disk for us alone (O_EXCL), looks at it once more through that descriptor, has it
 * judged again, and only then wipes (where the wish says so) and formats it: whatever its names
 * lead to meanwhile. The new file system's UUID goes to uuid, and *device is a descriptor of it
 * (the caller's). -EBUSY, -ESTALE: it is not what it was; nothing was changed. */
int disk_format(const struct step_context *ctx, const json_t *wishes, size_t i,
                const struct disk_choice *choice, char uuid[UUID_SIZE], int *device,
                struct error *err);
/* The program that makes a file system of this type. */
const char *disk_format_program(const char *fs);
