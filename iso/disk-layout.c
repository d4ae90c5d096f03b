#include "iso/disk-layout.h"

#include "lib/cleanup.h"

#include <inttypes.h>

#define MIB (1ULL << 20)
#define TABLES (2 * MIB) /* before the first partition, and the table's copy at the end */

/* UEFI specification 5.3.3, GRUB's manual, and systemd's discoverable partitions for "Linux". */
#define TYPE_BIOS "21686148-6449-6E6F-744E-656564454649"
#define TYPE_EFI "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
#define TYPE_LINUX "0FC63DAF-8483-4772-8E79-3D69D8477DE4"

uint64_t layout_slot_size(uint64_t image)
{
    uint64_t size = (2 * image + MIB - 1) / MIB * MIB;
    return size < LAYOUT_SLOT_MIN ? LAYOUT_SLOT_MIN : size;
}

uint64_t layout_disk_size(uint64_t image)
{
    return TABLES + MIB + LAYOUT_EFI_SIZE + 2 * layout_slot_size(image) + LAYOUT_STATE_MIN;
}

void layout_script(uint64_t image, const char *disk, struct strbuf *out)
{
    const struct {
        const char *name, *type;
        uint64_t size; /* 0: the rest */
    } parts[] = {
        {"bios", TYPE_BIOS, MIB},
        {"efi", TYPE_EFI, LAYOUT_EFI_SIZE},
        {"A", TYPE_LINUX, layout_slot_size(image)},
        {"B", TYPE_LINUX, layout_slot_size(image)},
        {"state", TYPE_LINUX, 0},
    };
    strbuf_addf(out, "label: gpt\nlabel-id: %s0\n", disk);
    for (unsigned i = 0; i < ARRAY_SIZE(parts); i++) {
        strbuf_addf(out, "name=bigtop-%s, uuid=%s%u, type=%s", parts[i].name, disk, i + 1,
                    parts[i].type);
        if (i == 0)
            strbuf_addf(out, ", start=%lluMiB", LAYOUT_BIOS_OFFSET / MIB);
        if (parts[i].size)
            strbuf_addf(out, ", size=%" PRIu64 "MiB", (uint64_t) (parts[i].size / MIB));
        strbuf_addc(out, '\n');
    }
}
