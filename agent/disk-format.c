#include "agent/disk-format.h"

#include "agent/program.h"
#include "lib/digest.h"
#include "lib/disk-claim.h"
#include "lib/disk-probe.h"
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MKFS_TIMEOUT_MS (10 * 60 * 1000) /* discards all of it first */

struct disks_context disk_format_context(const struct ledger *l)
{
    return (struct disks_context){.root = "", .begun = ledger_get(l, DISK_BEGUN)};
}

const char *disk_format_program(const char *fs)
{
    return strcmp(fs, "xfs") == 0 ? "mkfs.xfs" : "mkfs.ext4";
}

static int wipe(const struct step_context *ctx, const struct disk_choice *choice, int fd,
                struct error *err)
{
    STRBUF(name, 256);
    if (choice->fate != DISK_WIPE)
        return 0;
    disk_describe(choice->disk, &name);
    step_progress(ctx, 0, 0, "wiping %s", name.data);
    return disk_wipe(fd, err);
}

static int make(const struct step_context *ctx, const json_t *wish, const char *uuid, int fd,
                struct error *err)
{
    const char *fs = json_get_string(wish, "fs", "ext4");
    bool xfs = strcmp(fs, "xfs") == 0;
    /* By the open descriptor: no name can be led elsewhere in between. */
    AUTO_FREE char *target = xasprintf("/proc/%d/fd/%d", (int) getpid(), fd);
    STRV(argv);
    strv_add(&argv, disk_format_program(fs));
    strv_add(&argv, "-q");
    strv_add(&argv, "-L");
    strv_add(&argv, json_get_string(wish, "label", ""));
    if (xfs) {
        strv_add(&argv, "-m");
        strv_addf(&argv, "uuid=%s", uuid);
    } else {
        /* -F: a whole disk is meant. In use it refuses all the same. */
        strv_add_all(&argv, (const char *const[]){"-F", "-m", "1", "-U", uuid, NULL});
    }
    strv_add(&argv, target);
    struct process_options options = program_options(ctx->cancel, MKFS_TIMEOUT_MS);
    step_progress(ctx, 0, 0, "making %s for %s", fs, json_get_string(wish, "mount", "?"));
    return process_runv(&argv, &options, NULL, err);
}

/* mkfs wants to claim the disk itself, so our claim ends where its own begins. */
static int format_claimed(const struct step_context *ctx, const json_t *wish,
                          const struct disk_choice *choice, const char *uuid, int *claimed,
                          int *device, struct error *err)
{
    AUTO_FREE char *begun = xasprintf("%s %s", uuid, disk_identity(choice->disk, wish));
    AUTO_FREE char *by_fd = xasprintf("/proc/self/fd/%d", *claimed);
    AUTO_FD fd = open(by_fd, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, -errno, "open the disk");
    int r = ledger_set(ctx->ledger, DISK_BEGUN, begun, err);
    r = r < 0 ? r : wipe(ctx, choice, *claimed, err);
    fd_close(claimed);
    r = r < 0 ? r : make(ctx, wish, uuid, fd, err);
    if (r == 0)
        *device = TAKE_FD(fd);
    return r;
}

int disk_format(const struct step_context *ctx, const json_t *wishes, size_t i,
                const struct disk_choice *choice, char uuid[UUID_SIZE], int *device,
                struct error *err)
{
    AUTO_FD claimed = -1;
    const struct disks_context disks = disk_format_context(ctx->ledger);
    int r = disk_claim(&disks, wishes, i, choice, &claimed, err);
    if (r < 0)
        return r;
    random_uuid(uuid);
    return format_claimed(ctx, json_array_get(wishes, i), choice, uuid, &claimed, device, err);
}
