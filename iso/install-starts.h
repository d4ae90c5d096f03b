/* What starts an installed disk: the menu on its EFI partition, the loaders for UEFI and BIOS, and
 * the firmware's own list. */
#pragma once

#include "iso/install-disk.h"
#include "iso/install-mark.h"
#include "lib/error.h"

/* The menu, and that slot A comes first. Nothing starts the disk yet. */
int install_menu(const struct install_disk *d, const char *uuid, struct error *err);
/* The loaders; on the disk when it returns 0. Can be done again. */
int install_starts(const struct install_disk *d, const struct install_mark *m, struct error *err);
/* Puts the disk first in the list of a UEFI firmware, unless it is there. Firmware that does not
 * take it starts the disk by EFI/BOOT all the same. */
void install_firmware_entry(const struct install_disk *d, const char *identity);
