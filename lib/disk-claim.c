#include "lib/disk-claim.h"

#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static bool is_device(int fd, const char *number)
{
    struct stat st;
    char found[24];
    if (fstat(fd, &st) < 0 || !S_ISBLK(st.st_mode))
        return false;
    snprintf(found, sizeof found, "%u:%u", major(st.st_rdev), minor(st.st_rdev));
    return strcmp(found, number) == 0;
}

/* Ours alone from here on: -EBUSY when anybody mounted or claimed it meanwhile. */
static int open_alone(const json_t *disk, int *out, struct error *err)
{
    const char *node = json_get_string(disk, "node", "");
    AUTO_FD fd = open(node, O_RDWR | O_EXCL | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, -errno, "claim %s", node);
    if (!is_device(fd, json_get_string(disk, "number", "")))
        return error_set(err, -ESTALE, "%s is another disk than a moment ago", node);
    *out = TAKE_FD(fd);
    return 0;
}

/* Through the descriptor: the same verdict about the same disk, or none. */
static int judge_again(const struct disks_context *ctx, const json_t *wishes, size_t i,
                       const struct disk_choice *choice, int fd, struct error *err)
{
    const char *name = json_get_string(choice->disk, "name", "");
    const char *before = disk_identity(choice->disk, json_array_get(wishes, i));
    json_t *now = NULL;
    struct disk_choice again;
    int r = disks_look_again(ctx, name, fd, wishes, &now, err);
    AUTO_JSON *list = r < 0 ? NULL : json_pack("[o]", now);
    r = r < 0 ? r : disk_choose(list, wishes, i, &again, err);
    if (r < 0)
        return r;
    const char *after = disk_identity(again.disk, json_array_get(wishes, i));
    if (again.fate == choice->fate && before && after && strcmp(before, after) == 0)
        return 0;
    return error_set(err, -ESTALE, "disk %s changed while it was looked at; run again", name);
}

int disk_claim(const struct disks_context *ctx, const json_t *wishes, size_t i,
               const struct disk_choice *choice, int *out, struct error *err)
{
    AUTO_FD fd = -1;
    int r = open_alone(choice->disk, &fd, err);
    if (r == 0)
        r = judge_again(ctx, wishes, i, choice, fd, err);
    if (r == 0)
        *out = TAKE_FD(fd);
    return r;
}
