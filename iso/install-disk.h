/* The disk that a machine installs itself to: dividing it, and the file systems on it. Used by
 * iso/install.c alone, which has claimed it. */
#pragma once

#include "iso/disk-layout.h"
#include "iso/install-mark.h"
#include "lib/error.h"
#include "lib/json.h"

#include <stdint.h>

struct install_disk {
    int fd; /* the whole disk, for reading and writing; not claimed */
    char *name;                    /* the kernel's, "sda" */
    char *node;                    /* "/dev/sda" */
    char *parts[PART_STATE + 1];   /* "/dev/sda1", by number */
};
#define INSTALL_DISK_INIT {.fd = -1}
void install_disk_release(struct install_disk *d);
#define AUTO_INSTALL_DISK CLEANUP(install_disk_release) struct install_disk

/* disk: of lib/disk-choice.h. claimed: a descriptor of it; *out has one of its own. */
int install_disk_open(const json_t *disk, int claimed, struct install_disk *out, struct error *err);
/* Writes the partition table and has the kernel read it; finds the partitions. */
int install_disk_divide(struct install_disk *d, uint64_t image, const char *uuid,
                        struct error *err);
int install_disk_find_parts(struct install_disk *d, struct error *err);
/* The EFI partition and the state. */
int install_disk_format(const struct install_disk *d, struct error *err);
