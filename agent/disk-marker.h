/* What tells a disk of ours from one that merely has such a label: an extended attribute of the
 * file system's topmost folder. Not a file: /var/lib/etcd has to be empty for kubeadm. */
#pragma once

#include "lib/digest.h"
#include "lib/error.h"

#include <stdbool.h>

#define DISK_MARKER "trusted.bigtop.disk" /* JSON: {"host","label","uuid"} */

/* Mounts the file system of the open device where nobody else sees it (a mount namespace of its
 * own, which ends with the call or the process), and writes the marker. Without `fresh` a file
 * system without a marker must be empty: -EEXIST, with words. */
int disk_marker_ensure(int device, const char *fs, const char *label, const char *uuid, bool fresh,
                       struct error *err);
/* The UUID in the marker of the file system mounted there; -ENODATA: none. */
int disk_marker_read(const char *mount, char uuid[UUID_SIZE]);
