/* The partitions of a disk that a machine installs itself to. Pure.
 *
 *   1  BIOS boot   1 MiB     GRUB's core.img
 *   2  EFI         256 MiB   shim, GRUB, the menu and which slot is next
 *   3  slot A                an image, byte for byte
 *   4  slot B                the same
 *   5  state       the rest  what stays: /etc, /var and others (scripts/bigtop of the initramfs) */
#pragma once

#include "lib/strbuf.h"

#include <stdint.h>

enum { PART_BIOS = 1, PART_EFI, PART_A, PART_B, PART_STATE };

#define LAYOUT_BIOS_OFFSET (1ULL << 20) /* bytes */
#define LAYOUT_EFI_SIZE (256ULL << 20)
#define LAYOUT_SLOT_MIN (1ULL << 30)
#define LAYOUT_STATE_MIN (2ULL << 30)

/* Bytes of a slot: twice what the image has today, so that later ones find room. */
uint64_t layout_slot_size(uint64_t image);
/* Bytes that the disk has at least. */
uint64_t layout_disk_size(uint64_t image);
/* Appends what sfdisk(8) reads. disk: what the partitions' UUIDs begin with. */
void layout_script(uint64_t image, const char *disk, struct strbuf *out);
