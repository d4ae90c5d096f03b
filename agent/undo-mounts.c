/* Mounts that programs of ours made. */
#include "agent/ledger-kinds.h"
#include "agent/mounts.h"
#include "lib/path.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/* The folder may be a mount point itself: kubelet makes its own one when "/" is not shared. */
static bool is_below(const char *mount_point, const char *name)
{
    size_t len = strlen(name);
    if (len > 0 && name[len - 1] == '*')
        return name_matches(name, mount_point);
    return path_is_at_or_below(mount_point, name);
}

static int find_mounts(const char *name, struct strv *out, struct error *err)
{
    STRV(all);
    int r = mounts_list(&all, err);
    for (size_t i = 0; i < all.count; i++)
        if (is_below(all.items[i], name))
            strv_add(out, all.items[i]);
    return r;
}

static int end_mount(const char *mount_point, bool is_prefix, struct error *err)
{
    if (umount2(mount_point, UMOUNT_NOFOLLOW) < 0 &&
        umount2(mount_point, UMOUNT_NOFOLLOW | MNT_DETACH) < 0 && errno != EINVAL &&
        errno != ENOENT)
        return error_errno(err, -errno, "unmount %s", mount_point);
    if (is_prefix && unlink(mount_point) < 0 && rmdir(mount_point) < 0 && errno != ENOENT)
        return error_errno(err, -errno, "remove the mount point %s", mount_point);
    return 0;
}

int undo_mounts_below(const char *name, struct error *err)
{
    STRV(mounts);
    int result = find_mounts(name, &mounts, err);
    bool is_prefix = *name && name[strlen(name) - 1] == '*';
    for (size_t i = mounts.count; i-- > 0;) {
        int r = end_mount(mounts.items[i], is_prefix, result < 0 ? NULL : err);
        if (r < 0 && result >= 0)
            result = r;
    }
    return result;
}
