#include "iso/live.h"

#include "lib/archive.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static int in_memory(int *out, struct error *err)
{
    AUTO_FD fd = memfd_create("live", MFD_CLOEXEC);
    if (fd < 0)
        return error_errno(err, -errno, "make a file in memory");
    int r = fd_write_all(fd, iso_live_start, (size_t) (iso_live_end - iso_live_start));
    if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
        r = -errno;
    if (r < 0)
        return error_errno(err, r, "write a file in memory");
    *out = TAKE_FD(fd);
    return 0;
}

int iso_live_unpack(const char *dir, struct error *err)
{
    AUTO_FD tar = -1;
    int r;
    if ((r = path_make_empty(dir, 0755, err)) < 0 || (r = in_memory(&tar, err)) < 0)
        return r;
    AUTO_FD folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return error_errno(err, -errno, "open %s", dir);
    return archive_unpack(tar, folder, NULL, NULL, NULL, err);
}
