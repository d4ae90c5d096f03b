#include "images/pack.h"

#include "images/bundle-store.h"
#include "images/layout.h"
#include "images/tar-header.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/strv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int write_zeroes(int fd, uint64_t len, struct error *err)
{
    static const char zeroes[TAR_END];
    int r = fd_write_all(fd, zeroes, (size_t) len);
    return r < 0 ? error_errno(err, r, "write") : 0;
}

static int write_header(int fd, const char *name, uint64_t size, struct error *err)
{
    char header[TAR_BLOCK];
    tar_header_make(header, name, size);
    int r = fd_write_all(fd, header, sizeof(header));
    return r < 0 ? error_errno(err, r, "write") : 0;
}

static int write_text(int fd, enum bundle_text which, const char *text, size_t len,
                      struct error *err)
{
    int r = write_header(fd, bundle_text_name(which), len, err);
    if (r < 0)
        return r;
    if ((r = fd_write_all(fd, text, len)) < 0)
        return error_errno(err, r, "write");
    return write_zeroes(fd, tar_padding(len), err);
}

static int write_signature(int fd, const struct bundle *b, struct error *err)
{
    char place[BUNDLE_STORE_SIGNATURE_SIZE];
    size_t len = b->signature_text ? strlen(b->signature_text) : 0;
    if (len > sizeof(place))
        return error_set(err, -E2BIG, "the signature is too long: %zu bytes, at most %zu", len,
                         sizeof(place));
    memset(place, '\n', sizeof(place));
    memcpy(place, b->signature_text ? b->signature_text : "", len);
    return write_text(fd, BUNDLE_TEXT_SIGNATURE, place, sizeof(place), err);
}

static int write_copy(int fd, const struct bundle *b, enum bundle_text which, struct error *err)
{
    STRBUF(text, BUNDLE_STORE_INDEX_MAX);
    int r = bundle_store_read(b->store, which, &text, err);
    return r < 0 ? r : write_text(fd, which, text.data, text.len, err);
}

static int write_blob(int fd, const struct bundle *b, const char *digest, struct error *err)
{
    AUTO_BLOB_SOURCE blob = BLOB_SOURCE_INIT;
    AUTO_FREE char *name = xasprintf("blobs/sha256/%s", digest + strlen("sha256:"));
    char found[DIGEST_SIZE];
    int r;
    if ((r = bundle_blob_open(b, digest, &blob, err)) < 0 ||
        (r = write_header(fd, name, blob.size, err)) < 0 ||
        (r = blob_source_copy(&blob, fd, found, err)) < 0)
        return r;
    if (strcmp(found, digest) != 0)
        return error_set(err, -EBADMSG, "blob %s has the content of %s", digest, found);
    return write_zeroes(fd, tar_padding(blob.size), err);
}

static int write_blobs(int fd, const struct bundle *b, struct error *err)
{
    STRV(digests);
    const char *digest;
    json_t *size;
    json_object_foreach(json_object_get(b->json, "blobs"), digest, size)
        strv_add(&digests, digest);
    strv_sort(&digests);
    int r = 0;
    for (size_t i = 0; r == 0 && i < digests.count; i++)
        r = write_blob(fd, b, digests.items[i], err);
    return r;
}

static int write_all(int fd, const struct bundle *b, struct error *err)
{
    int r;
    if ((r = write_text(fd, BUNDLE_TEXT_LIST, b->text, b->text_len, err)) < 0 ||
        (r = write_signature(fd, b, err)) < 0 ||
        (r = write_copy(fd, b, BUNDLE_TEXT_LAYOUT, err)) < 0 ||
        (r = write_copy(fd, b, BUNDLE_TEXT_INDEX, err)) < 0 || (r = write_blobs(fd, b, err)) < 0 ||
        (r = write_zeroes(fd, TAR_END, err)) < 0)
        return r;
    return fsync(fd) < 0 ? error_errno(err, -errno, "fsync") : 0;
}

static int verify(const char *path, struct error *err)
{
    CLEANUP(bundle_release) struct bundle written = BUNDLE_INIT;
    int r = bundle_open(path, NULL, &written, err);
    return r < 0 ? r : bundle_verify(&written, err);
}

/* renameat2(2) rather than link(2): a USB stick's FAT has no links. */
static int move_new(const char *from, const char *to, struct error *err)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL || access(to, F_OK) == 0) /* EINVAL: this file system can't promise it */
        return error_errno(err, -errno, "rename to %s", to);
    return rename(from, to) < 0 ? error_errno(err, -errno, "rename to %s", to) : 0;
}

static int sync_parent(const char *path, struct error *err)
{
    AUTO_FREE char *parent = path_dirname(path);
    AUTO_FD fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
        return error_errno(err, -errno, "fsync %s", parent);
    return 0;
}

static int write_file(const struct bundle *b, const char *temporary, const char *path,
                      struct error *err)
{
    AUTO_FD fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_errno(err, -errno, "create %s", temporary);
    if (write_all(fd, b, err) < 0)
        return error_prefix(err, "write %s", temporary);
    int r;
    if ((r = verify(temporary, err)) < 0 || (r = move_new(temporary, path, err)) < 0)
        return r;
    return sync_parent(path, err);
}

int bundle_pack(const struct bundle *b, const char *path, struct error *err)
{
    if (access(path, F_OK) == 0) {
        error_set(err, -EEXIST, "%s is there already", path);
        return error_remedy(err, "name another file with -o, or remove it first");
    }
    AUTO_FREE char *temporary = xasprintf("%s.partial", path);
    int r = write_file(b, temporary, path, err);
    if (r < 0)
        unlink(temporary);
    return r;
}

static int put_blobs(struct layout *l, const struct bundle *b, struct error *err)
{
    const char *digest;
    json_t *size;
    json_object_foreach(json_object_get(b->json, "blobs"), digest, size) {
        AUTO_BLOB_SOURCE blob = BLOB_SOURCE_INIT;
        int r = bundle_blob_open(b, digest, &blob, err);
        if (r < 0 || (r = layout_put_blob(l, &blob, digest, err)) < 0)
            return r;
    }
    return 0;
}

int bundle_unpack(const struct bundle *b, const char *dir, struct error *err)
{
    CLEANUP(layout_close) struct layout *l = NULL;
    int r;
    if ((r = path_make_empty(dir, 0755, err)) < 0 || (r = layout_open(dir, &l, err)) < 0 ||
        (r = put_blobs(l, b, err)) < 0 || (r = layout_finish_copy(l, b, err)) < 0)
        return r;
    return verify(dir, err);
}
