#include "iso/image-file.h"

#include "lib/fd.h"
#include "lib/strv.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 2048
#define DESCRIPTOR (16 * BLOCK) /* the first one (ECMA-119 6.2.1) */
#define SPACE 80                /* the number of blocks in it, little-endian first */
#define CHUNK (4 << 20)

int image_file_size(int fd, uint64_t *out, struct error *err)
{
    unsigned char d[BLOCK];
    uint32_t blocks;
    int r = fd_pread_full(fd, d, sizeof(d), DESCRIPTOR);
    if (r < 0 && r != -ENODATA)
        return error_errno(err, r, "read the image");
    if (r < 0 || memcmp(d, "\1CD001", 6) != 0)
        return error_set(err, -EBADMSG, "is no image: no ISO 9660 file system begins there");
    memcpy(&blocks, d + SPACE, sizeof(blocks));
    *out = (uint64_t) le32toh(blocks) * BLOCK;
    return 0;
}

/* *told: percent that were told last. */
static void tell(const struct image_copy *c, const char *what, uint64_t done, int *told)
{
    int percent = (int) (done * 10 / c->size) * 10;
    if (!c->progress || percent == *told)
        return;
    *told = percent;
    c->progress(c->userdata, what, percent);
}

/* One time through: hashed, and written where to is not -1. */
static int pass(const struct image_copy *c, int from, int to, const char *what,
                char out[DIGEST_SIZE], struct error *err)
{
    AUTO_FREE unsigned char *data = xcalloc(1, CHUNK);
    AUTO_SHA256 *h = sha256_new();
    int r, told = -1;
    for (uint64_t at = 0; at < c->size; at += CHUNK) {
        size_t len = c->size - at < CHUNK ? (size_t) (c->size - at) : CHUNK;
        if (c->cancel && *c->cancel)
            return error_set(err, -ECANCELED, "interrupted");
        if ((r = fd_pread_full(from, data, len, at)) < 0)
            return error_errno(err, r, "read the image, %s", what);
        if (to >= 0 && (r = fd_pwrite_all(to, data, len, at)) < 0)
            return error_errno(err, r, "write the image");
        sha256_update(h, data, len);
        tell(c, what, at + len, &told);
    }
    sha256_finish(TAKE_PTR(h), out);
    return 0;
}

int image_file_copy(const struct image_copy *c, struct error *err)
{
    char wanted[DIGEST_SIZE], found[DIGEST_SIZE];
    int r = pass(c, c->from, c->to, "copying", wanted, err);
    if (r < 0)
        return r;
    /* So that it is read from the disk, and not from memory. */
    if (fsync(c->to) < 0)
        return error_errno(err, -errno, "sync the image");
    (void) posix_fadvise(c->to, 0, 0, POSIX_FADV_DONTNEED);
    if ((r = pass(c, c->to, -1, "checking", found, err)) < 0)
        return r;
    if (strcmp(wanted, found) != 0)
        return error_set(err, -EIO, "the disk has something else than what was written to it");
    return 0;
}
