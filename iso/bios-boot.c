#include "iso/bios-boot.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define KERNEL_SECTOR 0x5c /* GRUB_BOOT_MACHINE_KERNEL_SECTOR, 8 bytes */
#define DRIVE_CHECK 0x66   /* …_DRIVE_CHECK: a jump that is for floppies, 2 bytes */
#define CODE_END 0x1b8     /* …_WINDOWS_NT_MAGIC: from there the disk's own */
#define SIGNATURE 0x1fe    /* …_SIGNATURE */
#define LIST \
    (BIOS_SECTOR - 12) /* …_LIST_SIZE: a block list's sector (8), length (2), segment (2) */
#define SEGMENT 0x820  /* …_KERNEL_SEG and the first sector */
#define JUMP 0xeb
#define NOP 0x90

static void put64(unsigned char *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof(value));
}

static uint16_t get16(const unsigned char *at)
{
    return (uint16_t) (at[0] | at[1] << 8);
}

int bios_boot_sector(const unsigned char boot[BIOS_SECTOR], uint64_t core,
                     unsigned char sector[BIOS_SECTOR], struct error *err)
{
    if (get16(boot + SIGNATURE) != 0xaa55 || boot[DRIVE_CHECK] != JUMP)
        return error_set(err, -EBADMSG, "is not GRUB's boot.img");
    memcpy(sector, boot, CODE_END);
    put64(sector + KERNEL_SECTOR, core);
    memset(sector + DRIVE_CHECK, NOP, 2);
    memcpy(sector + SIGNATURE, boot + SIGNATURE, 2);
    return 0;
}

int bios_boot_core(unsigned char *image, size_t len, uint64_t core, struct error *err)
{
    if (len < 2 * BIOS_SECTOR || get16(image + LIST + 10) != SEGMENT ||
        get16(image + LIST + 8) != (len - 1) / BIOS_SECTOR)
        return error_set(err, -EBADMSG, "is not GRUB's core.img");
    put64(image + LIST, core + 1);
    return 0;
}
