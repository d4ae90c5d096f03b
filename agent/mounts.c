#include "agent/mounts.h"

#include "lib/disks-use.h"
#include "lib/fd.h"
#include "lib/proc-text.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#define MOUNTINFO "/proc/self/mountinfo"
#define BPF_MOUNT "/sys/fs/bpf"

/* "36 35 98:0 /root /mount/point rw,noatime shared:1 master:2 - ext4 …" */
static void look_at(const char *line, struct strv *points)
{
    STRV(fields);
    strv_split(&fields, line, ' ');
    for (size_t i = 6; i < fields.count; i++) {
        if (strncmp(fields.items[i], "shared:", 7) == 0) {
            return;
        }
        if (strcmp(fields.items[i], "-") == 0) {
            proc_unescape(fields.items[4]);
            strv_add(points, fields.items[4]);
            return;
        }
    }
}

void mounts_not_shared(const char *mountinfo, struct strv *points)
{
    STRV(lines);
    strv_split(&lines, mountinfo, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        look_at(lines.items[i], points);
    }
}

void mounts_points(const char *mountinfo, struct strv *points)
{
    STRV(lines);
    strv_split(&lines, mountinfo, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        STRV(fields);
        strv_split(&fields, lines.items[i], ' ');
        if (fields.count < 5) {
            continue;
        }
        proc_unescape(fields.items[4]);
        strv_add(points, fields.items[4]);
    }
}

static int read_points(void (*take)(const char *mountinfo, struct strv *points),
                       struct strv *points, struct error *err)
{
    STRBUF(text, MOUNTINFO_MAX);
    int r = file_read(MOUNTINFO, &text, err);
    if (r >= 0) {
        take(text.data, points);
    }
    return r;
}

int mounts_list(struct strv *points, struct error *err)
{
    return read_points(mounts_points, points, err);
}

bool mounts_root_shared(void)
{
    STRV(points);
    return read_points(mounts_not_shared, &points, NULL) >= 0 && !strv_contains(&points, "/");
}

int mounts_share_root(struct ledger *ledger, struct error *err)
{
    STRV(points);
    int r = read_points(mounts_not_shared, &points, err);
    for (size_t i = 0; r >= 0 && i < points.count; i++) {
        r = ledger_will_appear(ledger, "shared-mount", points.items[i], err);
    }
    if (r < 0) {
        return r;
    }
    if (mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0) {
        return error_errno(err, -errno, "make / shared");
    }
    return 0;
}

bool mounts_have_bpf(void)
{
    struct statfs st;
    return statfs(BPF_MOUNT, &st) == 0 && st.f_type == BPF_FS_MAGIC;
}

int mounts_bpf(struct ledger *ledger, struct error *err)
{
    int r = ledger_will_appear(ledger, "mount-below", BPF_MOUNT, err);
    if (r < 0)
        return r;
    if (mount("bpf", BPF_MOUNT, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") == 0)
        return 0;
    error_errno(err, -errno, "mount the BPF file system on " BPF_MOUNT);
    return error_remedy(err, "boot a kernel that has BPF (CONFIG_BPF_SYSCALL), or set `network: "
                             "flannel` in hosts.yaml");
}
