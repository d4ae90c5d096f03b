/* A bundle in one file. Nothing of the tar is believed: each header is compared with the only one
 * that can be there. */
#include "images/bundle-store.h"
#include "images/tar-header.h"
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REMEDY_PACK "a bundle in one file is made by: bigtop-bootstrap bundle pack DIR -o FILE"
#define REMEDY_COPY "copy the file again from where it came"
#define ANY_SIZE UINT64_MAX

struct piece {
    uint64_t offset, size;
};

struct blob_place {
    const char *digest; /* borrowed from the list */
    struct piece piece;
};

struct file {
    char *path;
    int fd;
    uint64_t size, at; /* at: how far the walk over the headers has come */
    struct piece texts[BUNDLE_TEXTS];
    struct blob_place *blobs; /* sorted by digest */
    size_t blob_count;
};

static void close_file(void *form)
{
    struct file *f = form;
    fd_close(&f->fd);
    free(f->path);
    free(f->blobs);
    free(f);
}

static int read_at(const struct file *f, uint64_t at, void *buffer, size_t len, struct error *err)
{
    const struct blob_source whole = {.fd = f->fd, .size = f->size};
    return blob_source_read(&whole, at, buffer, len, err);
}

static int refuse(const struct file *f, uint64_t at, const char *name, struct error *err)
{
    error_set(err, -EBADMSG, "%s is damaged or no bundle: at byte %llu it must have %s", f->path,
              (unsigned long long) at, name);
    return error_remedy(err, at == 0 ? REMEDY_PACK : REMEDY_COPY);
}

static bool are_zeroes(const struct file *f, uint64_t at, size_t len)
{
    static const char zeroes[TAR_END];
    char found[TAR_END];
    return read_at(f, at, found, len, NULL) == 0 && memcmp(found, zeroes, len) == 0;
}

/* Goes over one entry: its header must be the one for the name and size, what is left of its last
 * block zeroes. */
static int walk(struct file *f, const char *name, uint64_t size, uint64_t max, struct piece *out,
                struct error *err)
{
    char header[TAR_BLOCK];
    uint64_t announced;
    if (f->size - f->at < TAR_BLOCK + TAR_END)
        return refuse(f, f->at, name, err);
    int r = read_at(f, f->at, header, sizeof(header), err);
    if (r < 0)
        return error_prefix(err, "%s", f->path);
    if (tar_header_size(header, name, &announced) < 0 || (size != ANY_SIZE && announced != size) ||
        announced > max)
        return refuse(f, f->at, name, err);
    uint64_t begin = f->at + TAR_BLOCK, padding = tar_padding(announced);
    if (announced > f->size - begin || padding > f->size - begin - announced)
        return refuse(f, f->size, name, err);
    if (!are_zeroes(f, begin + announced, (size_t) padding))
        return refuse(f, begin + announced, "zeroes", err);
    *out = (struct piece){begin, announced};
    f->at = begin + announced + padding;
    return 0;
}

static int walk_text(struct file *f, enum bundle_text which, uint64_t size, uint64_t max,
                     struct error *err)
{
    return walk(f, bundle_text_name(which), size, max, &f->texts[which], err);
}

int bundle_store_file_open(const char *path, int fd, uint64_t size, void **out, struct error *err)
{
    struct file *f = xcalloc(1, sizeof(*f));
    *f = (struct file){.path = xstrdup(path), .fd = fd, .size = size};
    int r = walk_text(f, BUNDLE_TEXT_LIST, ANY_SIZE, BUNDLE_MANIFEST_MAX, err);
    if (r == 0)
        r = walk_text(f, BUNDLE_TEXT_SIGNATURE, BUNDLE_STORE_SIGNATURE_SIZE,
                      BUNDLE_STORE_SIGNATURE_SIZE, err);
    if (r < 0)
        close_file(f);
    else
        *out = f;
    return r;
}

static int by_digest(const void *a, const void *b)
{
    return strcmp(((const struct blob_place *) a)->digest, ((const struct blob_place *) b)->digest);
}

static int walk_blobs(struct file *f, const json_t *blobs, struct error *err)
{
    const char *digest;
    json_t *size;
    f->blobs = xcalloc(json_object_size(blobs) + 1, sizeof(*f->blobs));
    json_object_foreach((json_t *) blobs, digest, size)
        f->blobs[f->blob_count++] =
            (struct blob_place){digest, {.size = (uint64_t) json_integer_value(size)}};
    qsort(f->blobs, f->blob_count, sizeof(*f->blobs), by_digest);
    int r = 0;
    for (size_t i = 0; r == 0 && i < f->blob_count; i++) {
        struct blob_place *b = &f->blobs[i];
        AUTO_FREE char *name = xasprintf("blobs/sha256/%s", b->digest + strlen("sha256:"));
        r = walk(f, name, b->piece.size, UINT64_MAX, &b->piece, err);
    }
    return r;
}

static int map(void *form, const json_t *blobs, struct error *err)
{
    struct file *f = form;
    int r;
    if ((r = walk_text(f, BUNDLE_TEXT_LAYOUT, strlen(BUNDLE_STORE_LAYOUT_TEXT), BUNDLE_MANIFEST_MAX,
                       err)) < 0 ||
        (r = walk_text(f, BUNDLE_TEXT_INDEX, ANY_SIZE, BUNDLE_STORE_INDEX_MAX, err)) < 0 ||
        (r = walk_blobs(f, blobs, err)) < 0)
        return r;
    if (f->size - f->at != TAR_END || !are_zeroes(f, f->at, TAR_END))
        return refuse(f, f->at, "its end", err);
    return 0;
}

/* The newlines behind a signature only fill its place; what is left may be nothing. */
static int strip_newlines(struct strbuf *text, size_t from)
{
    while (text->len > from && text->data[text->len - 1] == '\n')
        text->len--;
    text->data[text->len] = '\0';
    return text->len == from ? -ENOENT : strbuf_addc(text, '\n');
}

static int read_piece(const void *form, enum bundle_text which, struct strbuf *into,
                      struct error *err)
{
    const struct file *f = form;
    const struct piece *piece = &f->texts[which];
    AUTO_FREE char *text = xcalloc(1, (size_t) piece->size + 1);
    size_t before = into->len;
    int r = read_at(f, piece->offset, text, (size_t) piece->size, err);
    if (r < 0)
        return error_prefix(err, "%s", f->path);
    if ((r = strbuf_add(into, text, (size_t) piece->size)) < 0)
        return error_errno(err, r, "%s of %s", bundle_text_name(which), f->path);
    return which == BUNDLE_TEXT_SIGNATURE ? strip_newlines(into, before) : 0;
}

static int write_signature(const void *form, const char *text, size_t len, struct error *err)
{
    const struct file *f = form;
    char place[BUNDLE_STORE_SIGNATURE_SIZE];
    if (len > sizeof(place))
        return error_set(err, -E2BIG, "a signature of %zu bytes has no room in %s", len, f->path);
    memset(place, '\n', sizeof(place));
    memcpy(place, text, len);
    /* Not by its path: another file may be there by now. */
    AUTO_FREE char *same = xasprintf("/proc/self/fd/%d", f->fd);
    AUTO_FD fd = open(same, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, -errno, "write to %s", f->path);
    int r = fd_pwrite_all(fd, place, sizeof(place), f->texts[BUNDLE_TEXT_SIGNATURE].offset);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    return r < 0 ? error_errno(err, r, "write the signature to %s", f->path) : 0;
}

static int open_blob(const void *form, const char *digest, uint64_t size, struct blob_source *out,
                     struct error *err)
{
    const struct file *f = form;
    const struct blob_place key = {.digest = digest};
    const struct blob_place *found =
        f->blobs ? bsearch(&key, f->blobs, f->blob_count, sizeof(*f->blobs), by_digest) : NULL;
    if (!found)
        return error_set(err, -ENOENT, "blob %s is not in %s", digest, f->path);
    int fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        return error_errno(err, -errno, "open %s once more", f->path);
    *out = (struct blob_source){.fd = fd, .offset = found->piece.offset, .size = size};
    return 0;
}

const struct bundle_store_form bundle_store_file = {
    .read = read_piece,
    .write_signature = write_signature,
    .map = map,
    .blob = open_blob,
    .close = close_file,
};
