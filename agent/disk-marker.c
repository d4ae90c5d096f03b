#include "agent/disk-marker.h"

#include "agent/paths.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/path.h"
#include "lib/protocol.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MARKER_MAX 512
#define LOST_FOUND "lost+found" /* mke2fs makes it, and e2fsck when it needs it */

struct task {
    int device;
    const char *fs, *label, *uuid, *folder;
    bool fresh;
    int result;
    struct error error;
};

int disk_marker_read(const char *mount, char uuid[UUID_SIZE])
{
    char text[MARKER_MAX];
    ssize_t len = lgetxattr(mount, DISK_MARKER, text, sizeof text);
    if (len < 0)
        return -errno;
    AUTO_JSON *marker = json_parse(text, (size_t) len, "marker", NULL);
    const char *value = json_get_string(marker, "uuid", NULL);
    if (!value || strlen(value) >= UUID_SIZE)
        return -ENODATA;
    snprintf(uuid, UUID_SIZE, "%s", value);
    return 0;
}

static int write_marker(const struct task *t, struct error *err)
{
    STRBUF(host, 64);
    file_read("/etc/machine-id", &host, NULL);
    host.data[strcspn(host.data, "\n")] = '\0';
    AUTO_JSON *marker = json_pack("{s:s, s:s, s:s}", "host", host.data, "label", t->label, "uuid",
                                  t->uuid);
    AUTO_FREE char *text = json_canonical(marker);
    if (lsetxattr(t->folder, DISK_MARKER, text, strlen(text), 0) < 0)
        return error_errno(err, -errno, "write our marker");
    AUTO_FD fd = open(t->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || syncfs(fd) < 0 ? error_errno(err, -errno, "write our marker") : 0;
}

static int need_empty(const struct task *t, struct error *err)
{
    AUTO_DIR *dir = opendir(t->folder);
    if (!dir)
        return error_errno(err, -errno, "list its content");
    for (const struct dirent *e; (e = readdir(dir));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            strcmp(e->d_name, LOST_FOUND) == 0)
            continue;
        error_set(err, -EEXIST, "it has the label %s, but files that we did not put there",
                  t->label);
        return error_remedy(err, "give it another label (`e2label`, `xfs_admin -L`) or name "
                                 "another disk");
    }
    return 0;
}

static int mark(const struct task *t, struct error *err)
{
    char uuid[UUID_SIZE];
    int r = disk_marker_read(t->folder, uuid);
    if (r == 0 && strcmp(uuid, t->uuid) == 0)
        return 0;
    if (r < 0 && r != -ENODATA)
        return error_errno(err, r, "read our marker");
    if (r < 0 && !t->fresh)
        r = need_empty(t, err);
    if (t->fresh) {
        AUTO_FREE char *lost = path_join(t->folder, LOST_FOUND);
        (void) rmdir(lost);
    }
    return r < 0 && r != -ENODATA ? r : write_marker(t, err);
}

static int mount_and_mark(const struct task *t, struct error *err)
{
    char source[64];
    snprintf(source, sizeof source, "/proc/self/fd/%d", t->device);
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return error_errno(err, -errno, "make a mount namespace");
    if (mount(source, t->folder, t->fs, MS_NOATIME | MS_NODEV | MS_NOSUID | MS_NOEXEC, NULL) < 0) {
        error_errno(err, -errno, "mount it");
        return error_remedy(err, "`dmesg` on the host says more; a damaged file system is yours to "
                                 "mend (`e2fsck`, `xfs_repair`): nothing is repaired unasked");
    }
    int r = mark(t, err);
    if (umount2(t->folder, 0) < 0 && r == 0)
        r = error_errno(err, -errno, "unmount it");
    return r;
}

static void *run(void *arg)
{
    struct task *t = arg;
    t->result = mount_and_mark(t, &t->error);
    return NULL;
}

int disk_marker_ensure(int device, const char *fs, const char *label, const char *uuid, bool fresh,
                       struct error *err)
{
    AUTO_FREE char *folder = agent_path(AGENT_RUN_DIR "/disk");
    struct task t = {.device = device,
                     .fs = fs,
                     .label = label,
                     .uuid = uuid,
                     .folder = folder,
                     .fresh = fresh,
                     .error = ERROR_INIT};
    pthread_t thread;
    int r = path_mkdir_p(folder, 0700, err);
    if (r < 0)
        return r;
    /* The namespace is a thread's: the others go on in the host's. */
    r = pthread_create(&thread, NULL, run, &t);
    if (r != 0)
        return error_errno(err, -r, "start a thread");
    pthread_join(thread, NULL);
    if (t.result < 0 && err)
        *err = t.error;
    return t.result;
}
