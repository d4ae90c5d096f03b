#include "iso/install-disk.h"

#include "lib/clock.h"
#include "lib/disks-sysfs.h"
#include "lib/fd.h"
#include "lib/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define SCRIPT_MAX 4096
#define PROGRAM_TIMEOUT_MS (10 * 60 * 1000) /* mkfs discards all of it first */
#define TABLE_TIMEOUT_MS 30000
#define POLL_MS 200
#define NUMBER_MAX 16

void install_disk_release(struct install_disk *d)
{
    fd_close(&d->fd);
    free(d->name);
    free(d->node);
    for (size_t i = 0; i < ARRAY_SIZE(d->parts); i++)
        free(d->parts[i]);
    *d = (struct install_disk) INSTALL_DISK_INIT;
}

int install_disk_open(const json_t *disk, int claimed, struct install_disk *out, struct error *err)
{
    AUTO_FREE char *by_fd = xasprintf("/proc/self/fd/%d", claimed);
    out->fd = open(by_fd, O_RDWR | O_CLOEXEC);
    if (out->fd < 0)
        return error_errno(err, -errno, "open the disk");
    out->name = xstrdup(json_get_string(disk, "name", ""));
    out->node = xstrdup(json_get_string(disk, "node", ""));
    return 0;
}

/* udev looks at a disk that was written to: busy for a moment. */
static int read_table(const struct install_disk *d, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + TABLE_TIMEOUT_MS;
    while (ioctl(d->fd, BLKRRPART) < 0) {
        if (errno != EBUSY || clock_left_ms(deadline) == 0)
            return error_errno(err, -errno, "have the kernel read the partitions of %s", d->node);
        (void) nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    }
    return 0;
}

static unsigned long number_of(const struct install_disk *d, const char *partition)
{
    STRBUF(text, NUMBER_MAX);
    AUTO_FREE char *path = xasprintf("/sys/class/block/%s/%s/partition", d->name, partition);
    return file_read(path, &text, NULL) < 0 ? 0 : strtoul(text.data, NULL, 10);
}

int install_disk_find_parts(struct install_disk *d, struct error *err)
{
    STRV(names);
    sysfs_partitions("", d->name, &names);
    for (size_t i = 0; i < names.count; i++) {
        unsigned long number = number_of(d, names.items[i]);
        if (number < PART_BIOS || number > PART_STATE || d->parts[number])
            continue;
        d->parts[number] = xasprintf("/dev/%s", names.items[i]);
    }
    for (size_t i = PART_BIOS; i <= PART_STATE; i++)
        if (!d->parts[i])
            return error_set(err, -ENODEV, "%s has no partition %zu", d->node, i);
    return 0;
}

int install_disk_divide(struct install_disk *d, uint64_t image, const char *uuid, struct error *err)
{
    STRBUF(script, SCRIPT_MAX);
    /* By the open descriptor: no name can be led elsewhere in between. */
    AUTO_FREE char *target = xasprintf("/proc/%d/fd/%d", (int) getpid(), d->fd);
    const char *const argv[] = {"sfdisk",        "--quiet",
                                "--no-reread",   "--no-tell-kernel",
                                "--wipe=always", "--wipe-partitions=always",
                                target,          NULL};
    layout_script(image, uuid, &script);
    const struct process_options opts = {.stdin_data = script.data,
                                         .stdin_len = script.len,
                                         .timeout_ms = PROGRAM_TIMEOUT_MS,
                                         .die_with_parent = true};
    int r = process_run(argv, &opts, NULL, err);
    if (r == 0 && fsync(d->fd) < 0)
        r = error_errno(err, -errno, "sync %s", d->node);
    if (r < 0 || (r = read_table(d, err)) < 0)
        return r;
    return install_disk_find_parts(d, err);
}

int install_disk_format(const struct install_disk *d, struct error *err)
{
    const char *const efi[] = {"mkfs.vfat",        "-F", "32", "-n", "BIGTOP-EFI",
                               d->parts[PART_EFI], NULL};
    const char *const state[] = {"mkfs.ext4",          "-q", "-F", "-m", "1", "-L", "bigtop-state",
                                 d->parts[PART_STATE], NULL};
    const struct process_options opts = {.timeout_ms = PROGRAM_TIMEOUT_MS, .die_with_parent = true};
    int r = process_run(efi, &opts, NULL, err);
    return r < 0 ? r : process_run(state, &opts, NULL, err);
}
