#include "agent/tar-stream.h"

#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#define SEND_MAX (1 << 20)

/* pax(1), "ustar Interchange Format"; numbers are octal text. */
struct header {
    char name[TAR_NAME_MAX], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type;
    char link[100], magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155];
    char padding[12];
};
_Static_assert(sizeof(struct header) == TAR_BLOCK, "a tar header is one block");

int tar_stream_header(const char *name, uint64_t size, unsigned char out[TAR_BLOCK])
{
    struct header h = {.type = '0', .magic = "ustar", .version = {'0', '0'}};
    size_t len = strlen(name);
    if (len == 0 || len > sizeof(h.name)) {
        return -ENAMETOOLONG;
    }
    if (size > TAR_FILE_MAX) {
        return -EFBIG;
    }
    memcpy(h.name, name, len);
    memcpy(h.mode, "0000644", 8);
    memcpy(h.uid, "0000000", 8);
    memcpy(h.gid, "0000000", 8);
    snprintf(h.size, sizeof(h.size), "%011llo", (unsigned long long) size);
    memcpy(h.mtime, "00000000000", 12);
    memset(h.checksum, ' ', sizeof(h.checksum));
    memcpy(out, &h, sizeof(h));
    unsigned sum = 0;
    for (size_t i = 0; i < TAR_BLOCK; i++) {
        sum += out[i];
    }
    snprintf(h.checksum, sizeof(h.checksum) - 1, "%06o", sum & 0777777);
    memcpy(out + offsetof(struct header, checksum), h.checksum, sizeof(h.checksum));
    return 0;
}

static int write_header(int fd, const char *name, uint64_t size)
{
    unsigned char block[TAR_BLOCK];
    int r = tar_stream_header(name, size, block);
    return r < 0 ? r : fd_write_all(fd, block, sizeof(block));
}

static int write_padding(int fd, uint64_t size)
{
    static const char zeroes[TAR_BLOCK];
    size_t rest = (size_t) (size % TAR_BLOCK);
    return rest ? fd_write_all(fd, zeroes, TAR_BLOCK - rest) : 0;
}

int tar_stream_data(int fd, const char *name, const void *data, size_t len, struct error *err)
{
    int r = write_header(fd, name, len);
    r = r < 0 ? r : fd_write_all(fd, data, len);
    r = r < 0 ? r : write_padding(fd, len);
    return r < 0 ? error_errno(err, r, "stream %s", name) : 0;
}

static int send_bytes(int to, int from, uint64_t left)
{
    while (left > 0) {
        ssize_t n = sendfile(to, from, NULL, left < SEND_MAX ? (size_t) left : SEND_MAX);
        if (n == 0) {
            return -ENODATA; /* shorter than its header says */
        }
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        left -= n > 0 ? (uint64_t) n : 0;
    }
    return 0;
}

int tar_stream_file(int fd, const char *name, const char *source, struct error *err)
{
    AUTO_FD from = open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    if (from < 0 || fstat(from, &st) < 0) {
        return error_errno(err, -errno, "open %s", source);
    }
    uint64_t size = (uint64_t) st.st_size;
    int r = S_ISREG(st.st_mode) ? write_header(fd, name, size) : -EINVAL;
    r = r < 0 ? r : send_bytes(fd, from, size);
    r = r < 0 ? r : write_padding(fd, size);
    return r < 0 ? error_errno(err, r, "stream %s", source) : 0;
}

int tar_stream_end(int fd, struct error *err)
{
    static const char zeroes[2 * TAR_BLOCK];
    int r = fd_write_all(fd, zeroes, sizeof(zeroes));
    return r < 0 ? error_errno(err, r, "end the stream") : 0;
}
