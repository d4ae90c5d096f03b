/* The systemd mount unit of a data disk (systemd.mount(5)). Pure. */
#pragma once

#include "lib/strbuf.h"

#include <stdbool.h>

#define DISK_DEVICE_TIMEOUT_S 30 /* so long a boot waits for a disk that may not come */

/* How systemd.unit(5) writes a path as a name, "STRING ESCAPING …": "/var/lib/a-b" with the suffix
 * ".mount" is "var-lib-a\x2db.mount". The caller frees. */
char *unit_name_from_path(const char *path, const char *suffix);

struct disk_mount {
    const char *label, *uuid, *fs, *mount;
    const char *path; /* of the disk, where there is no udev to make links by UUID; else NULL */
};
/* The unit file. A disk that is missing does not stop the boot: nothing requires it. */
void disk_unit_render(const struct disk_mount *m, struct strbuf *out);
/* What the unit mounts: "/dev/disk/by-uuid/…" or the path. The caller frees. */
char *disk_unit_source(const struct disk_mount *m);
/* How long systemd waits for the device of a source: a drop-in for its unit. */
void disk_unit_render_timeout(struct strbuf *out);
