#include "iso/install-starts.h"

#include "iso/bios-boot.h"
#include "iso/installed.h"
#include "iso/template.h"
#include "iso/variant.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Of the live root; iso/live/amd64/hooks/customize60.sh puts the first two there. */
#define BOOT_IMG "/usr/lib/bigtop/boot.img"
#define CORE_IMG "/usr/lib/bigtop/core.img"
#define MENU "/usr/lib/bigtop/grub.cfg"

#define LOADER_MAX (16 * 1024 * 1024)
#define MENU_MAX (64 * 1024)
#define ENTRIES_MAX (64 * 1024)
#define PROGRAM_TIMEOUT_MS 60000

static int write_efi(const char *name, const void *data, size_t len, struct error *err)
{
    AUTO_FREE char *path = path_join(INSTALLED_EFI, name);
    AUTO_FREE char *dir = path_dirname(path);
    int r = path_mkdir_p(dir, 0755, err);
    return r < 0 ? r : file_write_atomic(path, data, len, 0644, err);
}

static int copy_loader(const char *from, const char *name, struct error *err)
{
    STRBUF(data, LOADER_MAX);
    AUTO_FREE char *to = path_join("EFI/BOOT", name);
    int r = file_read(from, &data, err);
    return r < 0 ? r : write_efi(to, data.data, data.len, err);
}

static int fill_menu(void *userdata, struct error *err)
{
    const char *const *uuid = userdata;
    STRBUF(text, MENU_MAX);
    STRBUF(menu, MENU_MAX);
    const struct boot_env env = {
        .slots[SLOT_A] = {.filled = true}, .slots[SLOT_B] = {.tries = BOOT_TRIES}, .first = SLOT_A};
    int r = file_read(MENU, &text, err);
    if (r < 0)
        return r;
    iso_template_fill(text.data, "@DISK@", *uuid, &menu);
    r = write_efi(INSTALLED_MENU "/grub.cfg", menu.data, menu.len, err);
    return r < 0 ? r : boot_env_write(INSTALLED_EFI "/" INSTALLED_ENV, &env, err);
}

int install_menu(const struct install_disk *d, const char *uuid, struct error *err)
{
    return installed_with_efi(d->parts[PART_EFI], fill_menu, &uuid, err);
}

/* bigtop/installed/NUMBER: by it the menu of the medium knows that it has been here. */
static int fill_loaders(void *userdata, struct error *err)
{
    const struct install_mark *const *m = userdata;
    const struct iso_variant *v = iso_variant_own();
    AUTO_FREE char *installed = xasprintf("bigtop/installed/%s", (*m)->image);
    int r;
    if ((r = copy_loader(v->signed_grub, v->grub, err)) < 0 ||
        (r = copy_loader(v->signed_shim, v->shim, err)) < 0)
        return r;
    return write_efi(installed, "", 0, err);
}

static int put_first(int fd, const void *data, size_t len, const char *node, struct error *err)
{
    int r = fd_pwrite_all(fd, data, len, 0);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    return r < 0 ? error_errno(err, r, "write what a BIOS starts to %s", node) : 0;
}

static int write_core(const struct install_disk *d, uint64_t sector, struct error *err)
{
    STRBUF(core, LAYOUT_BIOS_OFFSET);
    AUTO_FD fd = open(d->parts[PART_BIOS], O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, -errno, "open %s", d->parts[PART_BIOS]);
    int r = file_read(CORE_IMG, &core, err);
    if (r < 0)
        return r;
    if (bios_boot_core((unsigned char *) core.data, core.len, sector, err) < 0)
        return error_prefix(err, CORE_IMG);
    return put_first(fd, core.data, core.len, d->parts[PART_BIOS], err);
}

static int write_boot_sector(const struct install_disk *d, uint64_t core, struct error *err)
{
    unsigned char sector[BIOS_SECTOR];
    STRBUF(boot, BIOS_SECTOR);
    int r = file_read(BOOT_IMG, &boot, err);
    if (r < 0)
        return r;
    if (boot.len != BIOS_SECTOR)
        return error_set(err, -EBADMSG, BOOT_IMG ": not %d bytes", BIOS_SECTOR);
    if ((r = fd_pread_full(d->fd, sector, sizeof(sector), 0)) < 0)
        return error_errno(err, r, "read the first sector of %s", d->node);
    if (bios_boot_sector((const unsigned char *) boot.data, core, sector, err) < 0)
        return error_prefix(err, BOOT_IMG);
    return put_first(d->fd, sector, sizeof(sector), d->node, err);
}

int install_starts(const struct install_disk *d, const struct install_mark *m, struct error *err)
{
    const uint64_t core = LAYOUT_BIOS_OFFSET / BIOS_SECTOR;
    const bool bios = iso_variant_own()->bios;
    int r = bios ? write_core(d, core, err) : 0;
    if (r < 0 || (r = installed_with_efi(d->parts[PART_EFI], fill_loaders, &m, err)) < 0)
        return r;
    return bios ? write_boot_sector(d, core, err) : 0;
}

void install_firmware_entry(const struct install_disk *d, const char *identity)
{
    STRBUF(entries, ENTRIES_MAX);
    AUTO_FREE char *label = xasprintf("Bigtop %s", identity);
    AUTO_FREE char *efi = xasprintf("%d", PART_EFI);
    AUTO_FREE char *loader = xasprintf("\\EFI\\BOOT\\%s", iso_variant_own()->shim);
    const char *const list[] = {"efibootmgr", NULL};
    const char *const create[] = {"efibootmgr", "--create", "--disk",   d->node, "--part", efi,
                                  "--label",    label,      "--loader", loader,  NULL};
    struct process_options opts = {.out = &entries, .timeout_ms = PROGRAM_TIMEOUT_MS};
    if (access("/sys/firmware/efi", F_OK) < 0 || process_run(list, &opts, NULL, NULL) < 0 ||
        strstr(entries.data, label))
        return;
    opts.out = NULL;
    (void) process_run(create, &opts, NULL, NULL);
}
