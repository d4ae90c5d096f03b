/* The medium: one file that is a CD and a disk, started by UEFI, and by BIOS where there is one.
 *
 *   /boot/vmlinuz, initrd.img, grub/    the kernel that Debian signed, and the menu
 *   /bigtop/root.squashfs               the live root (iso/root.h)
 *   /bigtop/site.squashfs               what is this image's own over it (iso/site.h)
 *   /bigtop/bundle                      the bundle as one file, read in place
 *   /bigtop/packages.tsv                what of Debian is in it
 *   /bigtop/sha256sums                  of all these files, for an installed machine (docs/iso.md)
 *   /bigtop/NUMBER                      empty; by it the boot loader and the initial file system
 *                                       know this image from any other
 *   second partition                    EFI: Debian's signed shim and GRUB, which find /boot/grub
 */
#pragma once

#include "iso/steps.h"
#include "iso/variant.h"
#include "lib/error.h"
#include "lib/strbuf.h"

#include <stdint.h>

#define ISO_NUMBER_LEN 16 /* hex digits */
#define ISO_SUMS "bigtop/sha256sums" /* as sha256sum(1) writes and checks them */

struct iso_medium {
    const char *live;   /* a folder like iso/live: the menu */
    const char *root;   /* the folder of iso_root_get */
    const char *site;   /* paths of files */
    const char *bundle;
    const char *bundle_digest; /* of its bigtop.json */
    const struct iso_variant *variant;
    int64_t epoch;
};

/* work: an empty folder for what is made on the way. out must not be there yet: -EEXIST. */
int iso_medium_make(const struct iso_steps *s, const struct iso_medium *m, const char *work,
                    const char *out, struct error *err);
