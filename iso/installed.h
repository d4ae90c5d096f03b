/* A machine that runs from its own disk: which slot it was started from, and what decides which one
 * is next. */
#pragma once

#include "iso/boot-env.h"
#include "iso/install-mark.h"
#include "lib/error.h"

#include <stdbool.h>

#define INSTALLED_MENU "boot/grub" /* on the EFI partition */
#define INSTALLED_ENV INSTALLED_MENU "/grubenv"

struct installed {
    char disk[INSTALL_DISK_LEN + 1]; /* what its partitions' UUIDs begin with */
    unsigned slot;
};

/* Pure. False: the kernel's command line is not that of an installed machine. */
bool installed_parse(const char *cmdline, struct installed *out);
/* Of this machine; -ENOENT when it runs from a medium. */
int installed_read(struct installed *out, struct error *err);
/* The device of one of its partitions (iso/disk-layout.h); the caller frees. */
char *installed_partition(const struct installed *m, unsigned number);
char installed_slot_name(unsigned slot); /* 'A' */

/* The EFI partition is mounted, at INSTALLED_EFI, only while work is done there. What work returns,
 * or what went wrong around it. */
#define INSTALLED_EFI "/run/bigtop/efi"
int installed_with_efi(const char *device, int (*work)(void *userdata, struct error *err),
                       void *userdata, struct error *err);
/* Changes what GRUB will do next, by one of boot_env_begin, _filled and _good. */
int installed_change(const struct installed *m, void (*change)(struct boot_env *e, unsigned slot),
                     unsigned slot, struct error *err);
int installed_env(const struct installed *m, struct boot_env *out, struct error *err);
