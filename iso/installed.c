#include "iso/installed.h"

#include "iso/cmdline.h"
#include "iso/disk-layout.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define BY_UUID "/dev/disk/by-partuuid/"
#define ENV INSTALLED_EFI "/" INSTALLED_ENV
#define HEX "0123456789abcdef-"

static bool take_disk(const char *value, struct installed *out)
{
    if (strlen(value) != INSTALL_DISK_LEN || strspn(value, HEX) != INSTALL_DISK_LEN)
        return false;
    memcpy(out->disk, value, sizeof(out->disk));
    return true;
}

static bool take_slot(const char *value, struct installed *out)
{
    out->slot = value[0] == 'A' ? SLOT_A : SLOT_B;
    return strcmp(value, "A") == 0 || strcmp(value, "B") == 0;
}

bool installed_parse(const char *cmdline, struct installed *out)
{
    struct installed found = {0};
    AUTO_FREE char *disk = cmdline_value(cmdline, "bigtop.disk");
    AUTO_FREE char *slot = cmdline_value(cmdline, "bigtop.slot");
    if (!disk || !slot || !take_disk(disk, &found) || !take_slot(slot, &found))
        return false;
    *out = found;
    return true;
}

int installed_read(struct installed *out, struct error *err)
{
    STRBUF(text, ISO_CMDLINE_MAX);
    int r = file_read(ISO_CMDLINE, &text, err);
    if (r < 0)
        return r;
    return installed_parse(text.data, out)
               ? 0
               : error_set(err, -ENOENT,
                           "this machine does not run from a disk that an image was "
                           "installed to");
}

char *installed_partition(const struct installed *m, unsigned number)
{
    return xasprintf(BY_UUID "%s%u", m->disk, number);
}

char installed_slot_name(unsigned slot)
{
    return slot == SLOT_A ? 'A' : 'B';
}

static int mount_efi(const char *device, struct error *err)
{
    int r = path_mkdir_p(INSTALLED_EFI, 0700, err);
    if (r < 0)
        return r;
    if (mount(device, INSTALLED_EFI, "vfat", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME,
              "fmask=0133,dmask=0022") < 0)
        return error_errno(err, -errno, "mount the EFI partition %s", device);
    return 0;
}

int installed_with_efi(const char *device, int (*work)(void *userdata, struct error *err),
                       void *userdata, struct error *err)
{
    int r = mount_efi(device, err);
    if (r < 0)
        return r;
    r = work(userdata, err);
    if (umount(INSTALLED_EFI) < 0 && r >= 0)
        r = error_errno(err, -errno, "unmount the EFI partition %s", device);
    return r;
}

struct change {
    void (*change)(struct boot_env *e, unsigned slot);
    unsigned slot;
};

static int change_env(void *userdata, struct error *err)
{
    const struct change *c = userdata;
    struct boot_env e;
    int r = boot_env_read(ENV, &e, err);
    if (r < 0)
        return r;
    c->change(&e, c->slot);
    return boot_env_write(ENV, &e, err);
}

static int read_env(void *userdata, struct error *err)
{
    return boot_env_read(ENV, userdata, err);
}

int installed_change(const struct installed *m, void (*change)(struct boot_env *e, unsigned slot),
                     unsigned slot, struct error *err)
{
    struct change c = {change, slot};
    AUTO_FREE char *device = installed_partition(m, PART_EFI);
    return installed_with_efi(device, change_env, &c, err);
}

int installed_env(const struct installed *m, struct boot_env *out, struct error *err)
{
    AUTO_FREE char *device = installed_partition(m, PART_EFI);
    return installed_with_efi(device, read_env, out, err);
}
