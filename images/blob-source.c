/* The bytes of a blob, wherever they are (images/bundle.h). */
#include "images/bundle.h"
#include "lib/fd.h"

#include <errno.h>

#define COPY_CHUNK (256 * 1024)

void blob_source_close(struct blob_source *s)
{
    fd_close(&s->fd);
}

int blob_source_read(const struct blob_source *s, uint64_t at, void *buffer, size_t len,
                     struct error *err)
{
    if (at > s->size || len > s->size - at)
        return error_set(err, -ENODATA, "read past the end of a blob");
    int r = fd_pread_full(s->fd, buffer, len, s->offset + at);
    if (r == -ENODATA)
        return error_set(err, r, "a blob of the bundle became shorter");
    return r < 0 ? error_errno(err, -EIO, "read a blob") : 0;
}

int blob_source_copy(const struct blob_source *s, int out_fd, char digest[DIGEST_SIZE],
                     struct error *err)
{
    AUTO_FREE char *chunk = xcalloc(1, s->size < COPY_CHUNK ? (size_t) s->size + 1 : COPY_CHUNK);
    AUTO_SHA256 *h = sha256_new();
    for (uint64_t at = 0; at < s->size; at += COPY_CHUNK) {
        uint64_t left = s->size - at;
        size_t want = left < COPY_CHUNK ? (size_t) left : COPY_CHUNK;
        int r = blob_source_read(s, at, chunk, want, err);
        if (r < 0)
            return r;
        sha256_update(h, chunk, want);
        if (out_fd >= 0 && (r = fd_write_all(out_fd, chunk, want)) < 0)
            return error_errno(err, r, "write a copy of a blob");
    }
    sha256_finish(TAKE_PTR(h), digest);
    return 0;
}
