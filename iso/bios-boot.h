/* What a BIOS starts a disk by: GRUB's boot.img in its first sector, which reads core.img from the
 * BIOS boot partition. Where that is, is written into both, as grub-bios-setup(8) does; the places
 * are those of GRUB's include/grub/i386/pc/boot.h. Pure. */
#pragma once

#include "lib/error.h"

#include <stddef.h>
#include <stdint.h>

#define BIOS_SECTOR 512 /* bytes */

/* Puts boot.img into the disk's first sector, around the partition table that is there. core: the
 * sector where core.img begins. -EBADMSG: not a boot.img. */
int bios_boot_sector(const unsigned char boot[BIOS_SECTOR], uint64_t core,
                     unsigned char sector[BIOS_SECTOR], struct error *err);
/* Tells core.img, which will begin there, where its second sector is. -EBADMSG: not a core.img. */
int bios_boot_core(unsigned char *image, size_t len, uint64_t core, struct error *err);
