/* What differs between the images of one architecture and another. What their roots are made of is
 * in iso/live, the part that is an architecture's own in the folder of its name. */
#pragma once

#include <stdbool.h>

struct iso_variant {
    const char *architecture; /* as in bigtop.json */
    bool bios;                /* such machines may have one */
    /* Under EFI/BOOT on the partition: what the firmware starts, and what that one starts. */
    const char *shim, *grub;
    /* The same as Debian signed them, in the live root. */
    const char *signed_shim, *signed_grub;
};

/* NULL: there are no images for it. */
const struct iso_variant *iso_variant_find(const char *architecture);
/* Of the machine that this program runs on. */
const struct iso_variant *iso_variant_own(void);
