#include "lib/fd.h"

#include "lib/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_CHUNK (64 * 1024)

void fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int fd_write_all(int fd, const void *data, size_t len)
{
    const char *p = data;
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        p += n;
        len -= (size_t) n;
    }
    return 0;
}

int fd_read_full(int fd, void *data, size_t len)
{
    char *p = data;
    size_t got = 0;
    while (got < len) {
        ssize_t n = read(fd, p + got, len - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return got ? -EPIPE : -ENODATA;
        got += (size_t) n;
    }
    return 0;
}

int fd_pwrite_all(int fd, const void *data, size_t len, uint64_t offset)
{
    const char *p = data;
    for (size_t done = 0; done < len;) {
        ssize_t n = pwrite(fd, p + done, len - done, (off_t) (offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        done += (size_t) n;
    }
    return 0;
}

int fd_pread_full(int fd, void *data, size_t len, uint64_t offset)
{
    char *p = data;
    for (size_t got = 0; got < len;) {
        ssize_t n = pread(fd, p + got, len - got, (off_t) (offset + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -ENODATA;
        got += (size_t) n;
    }
    return 0;
}

int fd_read_to_end(int fd, struct strbuf *into)
{
    AUTO_FREE char *chunk = xcalloc(READ_CHUNK, 1);
    for (;;) {
        ssize_t n = read(fd, chunk, READ_CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        int r = strbuf_add(into, chunk, (size_t) n);
        explicit_bzero(chunk, (size_t) n);
        if (r < 0)
            return r;
    }
}

int fd_set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

int file_read(const char *path, struct strbuf *into, struct error *err)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return error_errno(err, -errno, "open %s", path);
    int r = fd_read_to_end(fd, into);
    if (r == -E2BIG)
        return error_set(err, r, "%s is larger than %zu bytes", path, into->max);
    return r < 0 ? error_errno(err, r, "read %s", path) : 0;
}

static int write_and_sync(int fd, const void *data, size_t len, mode_t mode)
{
    int r = fd_write_all(fd, data, len);
    if (r < 0)
        return r;
    return fchmod(fd, mode) < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int sync_folder(const char *path)
{
    AUTO_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode,
                      struct error *err)
{
    AUTO_FREE char *dir = path_dirname(path);
    AUTO_FREE char *temporary = xasprintf("%s/.%.200s.XXXXXX", dir, path_basename(path));
    AUTO_FD fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, -errno, "create a file in %s", dir);
    int r = write_and_sync(fd, data, len, mode);
    if (r == 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0) {
        unlink(temporary);
        return error_errno(err, r, "write %s", path);
    }
    r = sync_folder(dir);
    return r < 0 ? error_errno(err, r, "sync %s", dir) : 0;
}

int file_write_new(const char *path, const void *data, size_t len, mode_t mode, struct error *err)
{
    AUTO_FREE char *dir = path_dirname(path);
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return error_errno(err, -errno, "%s", path);
    int r = fd_write_all(fd, data, len);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (r == 0)
        r = sync_folder(dir);
    if (r == 0)
        return 0;
    (void) unlink(path);
    return error_errno(err, r, "write %s", path);
}

int file_is(const char *path, const void *data, size_t len, mode_t mode)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT || errno == ELOOP || errno == ENXIO ? 0 : -errno;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || (st.st_mode & 07777) != mode || (uint64_t) st.st_size != len)
        return 0;
    STRBUF(content, len);
    int r = fd_read_to_end(fd, &content);
    if (r < 0)
        return r == -E2BIG ? 0 : r;
    return content.len == len && memcmp(content.data, data, len) == 0;
}

static int copy_all(int in, int out)
{
    AUTO_FREE char *chunk = xcalloc(1, READ_CHUNK);
    ssize_t n;
    while ((n = read(in, chunk, READ_CHUNK)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        int r = n < 0 ? -errno : fd_write_all(out, chunk, (size_t) n);
        if (r < 0)
            return r;
    }
    return 0;
}

int file_copy(const char *from, const char *to, mode_t mode, struct error *err)
{
    AUTO_FD in = open(from, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (in < 0)
        return error_errno(err, -errno, "open %s", from);
    AUTO_FD out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (out < 0)
        return error_errno(err, -errno, "create %s", to);
    int r = copy_all(in, out);
    if (r == 0 && fchmod(out, mode) < 0)
        r = -errno;
    return r < 0 ? error_errno(err, r, "copy %s to %s", from, to) : 0;
}
