#include "iso/variant.h"

#include "lib/architecture.h"
#include "lib/cleanup.h"

#include <string.h>

#define SHIM "/usr/lib/shim/shim"
#define GRUB "/usr/lib/grub/"
#define SIGNED ".efi.signed"

static const struct iso_variant variants[] = {
    {"amd64", true, "BOOTX64.EFI", "grubx64.efi", SHIM "x64" SIGNED,
     GRUB "x86_64-efi-signed/gcdx64" SIGNED},
    {"arm64", false, "BOOTAA64.EFI", "grubaa64.efi", SHIM "aa64" SIGNED,
     GRUB "arm64-efi-signed/gcdaa64" SIGNED},
};

const struct iso_variant *iso_variant_find(const char *architecture)
{
    for (size_t i = 0; i < ARRAY_SIZE(variants); i++)
        if (strcmp(variants[i].architecture, architecture) == 0)
            return &variants[i];
    return NULL;
}

const struct iso_variant *iso_variant_own(void)
{
    return iso_variant_find(OWN_ARCHITECTURE);
}
