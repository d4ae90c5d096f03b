#include "agent/disk-guard.h"

#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

/* -EOPNOTSUPP where there are no flags. */
static int change_flag(int fd, bool immutable)
{
    int flags = 0; /* the ioctl is declared for a long, and takes an int: ioctl_iflags(2) */
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
        return errno == ENOTTY ? -EOPNOTSUPP : -errno;
    int wanted = immutable ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
    if (wanted == flags)
        return 0;
    return ioctl(fd, FS_IOC_SETFLAGS, &wanted) < 0 ? -errno : 0;
}

static int open_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int disk_guard_set(const char *folder, struct error *err)
{
    AUTO_FD fd = open_folder(folder);
    if (fd < 0)
        return error_errno(err, fd, "open %s", folder);
    int r = change_flag(fd, true);
    if (r == -EOPNOTSUPP || r == -EPERM)
        r = fchmod(fd, 0) < 0 ? -errno : 0;
    return r < 0 ? error_errno(err, r, "protect the mount point %s", folder) : 0;
}

int disk_guard_clear(const char *folder, struct error *err)
{
    AUTO_FD fd = open_folder(folder);
    if (fd == -ENOENT)
        return 0;
    if (fd < 0)
        return error_errno(err, fd, "open %s", folder);
    int r = change_flag(fd, false);
    if (r == -EOPNOTSUPP || r == -EPERM)
        r = fchmod(fd, 0755) < 0 ? -errno : 0;
    return r < 0 ? error_errno(err, r, "give the mount point %s free", folder) : 0;
}
