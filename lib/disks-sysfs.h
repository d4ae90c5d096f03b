/* What the kernel and udev say of a block device. root: "" for the real /sys, /run and /proc, or a
 * folder with the like of them (tests). Names are the kernel's ("sdb", "sdb1"), numbers
 * "MAJOR:MINOR". */
#pragma once

#include "lib/json.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <stddef.h>

/* Disks that could be used: not RAM disks, optical drives, floppies, empty loop devices. Sorted. */
void sysfs_disks(const char *root, struct strv *names);
/* The partitions of a disk, and what is built on a disk or partition (md, dm). Appended, sorted. */
void sysfs_partitions(const char *root, const char *name, struct strv *out);
void sysfs_holders(const char *root, const char *name, struct strv *out);
/* "8:16", or "" when there is no such device. */
void sysfs_number(const char *root, const char *name, char out[24]);
/* The disk that the number is, or is a partition of (then *partition); NULL: none. The caller
 * frees. */
char *sysfs_disk_of(const char *root, const char *number, bool *partition);
/* serial, wwn, model, size, rotational, removable, read_only and links of lib/disk-choice.h, from
 * udev's database where it has them (systemd's 60-persistent-storage.rules; the order is that of
 * lsblk's SERIAL), else from sysfs. */
void sysfs_describe(const char *root, const char *name, json_t *disk);
