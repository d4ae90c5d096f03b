/* Mounts that programs of ours made. */
#include "agent/ledger-kinds.h"
#include "lib/fd.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define MOUNTINFO_MAX (16u << 20) /* bytes; thousands of pods' mounts */

/* proc(5): space, tab, newline and backslash are written as \ooo. */
static char *unescape(const char *text)
{
    char *out = xstrdup(text);
    char *to = out;
    for (const char *from = text; *from; to++) {
        if (from[0] == '\\' && from[1] && from[2] && from[3]) {
            *to = (char) (((from[1] - '0') << 6) | ((from[2] - '0') << 3) | (from[3] - '0'));
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
    return out;
}

/* The folder may be a mount point itself: kubelet makes its own one when "/" is not shared. */
static bool is_below(const char *mount_point, const char *name)
{
    size_t len = strlen(name);
    if (len > 0 && name[len - 1] == '*')
        return name_matches(name, mount_point);
    return strncmp(mount_point, name, len) == 0 && (mount_point[len] == '/' || !mount_point[len]);
}

static int find_mounts(const char *name, struct strv *out, struct error *err)
{
    STRBUF(text, MOUNTINFO_MAX);
    STRV(lines);
    int r = file_read("/proc/self/mountinfo", &text, err);
    if (r < 0)
        return r;
    strv_split(&lines, text.data, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        STRV(fields);
        strv_split(&fields, lines.items[i], ' ');
        if (fields.count < 5)
            continue;
        AUTO_FREE char *mount_point = unescape(fields.items[4]);
        if (is_below(mount_point, name))
            strv_add(out, mount_point);
    }
    return 0;
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
