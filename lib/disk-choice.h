/* Which disk of a host is meant, and what may be done to it. Pure, and the only judge: the
 * coordinator asks it before anything is changed anywhere, and the agent again with what it sees
 * immediately before it touches the disk.
 *
 * A disk, as lib/disks.h tells of it (texts are the host's, untrusted):
 *   {"name":"sdb", "number":"8:16", "node":"/dev/sdb"|null, "serial":S|null, "wwn":S|null,
 *    "model":S|null, "size":bytes, "rotational":bool, "removable":bool, "read_only":bool,
 *    "links":["/dev/disk/by-id/…",…],       udev's names
 *    "paths":["/dev/disk/by-id/…",…],       those of the wishes that lead here
 *    "partition":bool                       such a path leads to a partition
 *    "signatures":[{"type":"ext4","usage":"filesystem","label":S?,"uuid":S?},…]   absent: it could
 *                                           not be read, "unread":"why"
 *    "partitions":["sdb1",…], "holders":["md0",…], "mounts":["/srv",…], "swaps":["/dev/sdb2",…],
 *    "busy":bool                            some program has claimed it
 *    "begun":"<uuid>"|absent}               a file system of ours, whose making was not ended
 * One that no wish is about has only name, node, number, serial, wwn, model and size.
 *
 * A wish: {"serial"|"wwn"|"path":S, "fs":"ext4"|"xfs", "mount":P, "label":"bigtop-…", "wipe":S?}
 * Or, of a disk that a machine installs itself to: {"id":SERIAL or WWN, "wipe":S?, "size":bytes at
 * least}; there "begun" is what the UUIDs of its unfinished installation begin with. */
#pragma once

#include "lib/error.h"
#include "lib/json.h"
#include "lib/strbuf.h"

#include <stddef.h>

#define DISK_WISHES_MAX 32 /* of a host */
#define DISK_LABEL_PREFIX "bigtop-"
#define DISK_LABEL_MAX 12 /* XFS_LABEL_MAX, linux/fs/xfs/libxfs/xfs_format.h; ext4 has 16 */
#define DISK_SIZE_MIN (300ULL << 20) /* bytes; what mkfs.xfs 5.19 and later asks for at least */
#define DISK_UNKNOWN_DATA "unknown data" /* type of a signature that is none: bytes, not zeroes */

enum disk_fate {
    DISK_ATTACH, /* it carries our label and file system: it is never formatted */
    DISK_FORMAT, /* it is empty */
    DISK_WIPE,   /* what is on it may go, the wish says so */
};

struct disk_choice {
    const json_t *disk; /* borrowed */
    enum disk_fate fate;
};

/* Judges wish number i of the array. -ENODEV: no such disk; -ENOTUNIQ: several, or one that another
 * wish means too; -EBUSY: it is in use; -EEXIST: something is on it; -ENOTSUP, -EROFS, -EIO: it
 * cannot be used; -EPERM: `wipe` is for another disk. Text and remedy are for the user. */
int disk_choose(const json_t *disks, const json_t *wishes, size_t i, struct disk_choice *out,
                struct error *err);
/* -EINVAL unless `wishes` is an array of what is described first above. */
int disk_wishes_check(const json_t *wishes, struct error *err);
/* True when the disk's serial, WWN or one of the wished paths is that of the wish. */
bool disk_matches(const json_t *disk, const json_t *wish);
/* True when nothing is on the disk but the partition table of an installation, or as much of it as
 * a power cut left: one whose UUIDs begin so. */
bool disk_has_installation(const json_t *disk, const char *uuid);
/* "sdb (Samsung SSD 870, serial S5Y1NJ0R, 500.1 GB)" */
void disk_describe(const json_t *disk, struct strbuf *out);
/* What `wipe` has to be for this disk: its serial, else its WWN, else the path it was named by.
 * Borrowed; NULL: it cannot be wiped. */
const char *disk_identity(const json_t *disk, const json_t *wish);
