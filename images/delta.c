#include "images/delta.h"

#include "images/delta-format.h"
#include "images/zstd-codec.h"
#include "lib/fd.h"

#include <errno.h>
#include <string.h>

#define READ_STEP (1024 * 1024)

struct apply {
    const struct blob_source *patch;
    uint64_t at; /* in the patch */
    const bool *cancel;
    int out_fd;
    struct delta_header header;
    uint64_t made, written; /* of the plain stream; of the new blob */
    struct plain_reader *from;
    uint64_t base; /* where in the old plain stream `window` begins */
    size_t filled; /* bytes in `window` */
    char *window, *segment, *packed;
};

static void apply_release(struct apply *a)
{
    plain_close(&a->from);
    free(a->window);
    free(a->segment);
    free(a->packed);
}

static int check_cancel(const struct apply *a, struct error *err)
{
    bool is_over = a->cancel && __atomic_load_n(a->cancel, __ATOMIC_RELAXED);
    return is_over ? error_set(err, -ECANCELED, "interrupted") : 0;
}

static int read_patch(struct apply *a, void *buffer, size_t len, struct error *err)
{
    if (len > a->patch->size - a->at)
        return error_set(err, -EBADMSG, "a patch that is cut off");
    int r = blob_source_read(a->patch, a->at, buffer, len, err);
    a->at += len;
    return r;
}

static int write_out(void *userdata, const void *data, size_t len, struct error *err)
{
    struct apply *a = userdata;
    if (len > a->header.size - a->written)
        return error_set(err, -EBADMSG, "a patch that makes more than it says");
    a->written += len;
    int r = check_cancel(a, err);
    if (r < 0)
        return r;
    r = fd_write_all(a->out_fd, data, len);
    return r < 0 ? error_errno(err, r, "write what the patch makes") : 0;
}

/* len more bytes of the old plain stream, to the end of what is in the window; with keep false
 * they are only passed. */
static int read_old(struct apply *a, uint64_t len, bool keep, struct error *err)
{
    while (len > 0) {
        size_t got, n = len < READ_STEP ? (size_t) len : READ_STEP;
        int r = check_cancel(a, err);
        if (r < 0 || (r = plain_read(a->from, a->window + a->filled, n, &got, err)) < 0)
            return r;
        if (got < n)
            return error_set(err, -EBADMSG, "a patch for a blob that is longer");
        len -= n;
        if (keep)
            a->filled += n;
        else
            a->base += n;
    }
    return 0;
}

static int move_window(struct apply *a, const struct delta_segment *s, struct error *err)
{
    if (s->from < a->base || s->from > DELTA_PLAIN_MAX)
        return error_set(err, -EBADMSG, "a patch whose windows go back");
    uint64_t skip = s->from - a->base;
    size_t drop = skip < a->filled ? (size_t) skip : a->filled;
    memmove(a->window, a->window + drop, a->filled - drop);
    a->filled -= drop;
    a->base += drop;
    int r = a->filled == 0 ? read_old(a, s->from - a->base, false, err) : 0;
    if (r < 0 || s->window <= a->filled)
        return r;
    return read_old(a, s->window - a->filled, true, err);
}

static int make_segment(struct apply *a, struct packer *packer, struct error *err)
{
    unsigned char head[DELTA_SEGMENT_LEN];
    struct delta_segment s;
    int r;
    if ((r = check_cancel(a, err)) < 0 || (r = read_patch(a, head, sizeof(head), err)) < 0 ||
        (r = delta_segment_get(head, &s, err)) < 0)
        return r;
    if (s.made > a->header.plain - a->made)
        return error_set(err, -EBADMSG, "a patch that makes more than it says");
    if ((r = read_patch(a, a->packed, s.packed, err)) < 0 || (r = move_window(a, &s, err)) < 0 ||
        (r = piece_unpack(a->window, s.window, a->packed, s.packed, a->segment, s.made, err)) < 0)
        return r;
    a->made += s.made;
    return packer_write(packer, a->segment, s.made, err);
}

static int make_all(struct apply *a, struct error *err)
{
    AUTO_PACKER *packer = packer_new((int) a->header.level, write_out, a);
    int r = 0;
    while (r == 0 && a->made < a->header.plain)
        r = make_segment(a, packer, err);
    if (r < 0 || (r = packer_finish(packer, err)) < 0)
        return r;
    if (a->at != a->patch->size)
        return error_set(err, -EBADMSG, "a patch with something behind its end");
    if (a->written != a->header.size)
        return error_set(err, -EBADMSG, "a patch that makes less than it says");
    return 0;
}

int delta_apply(const struct blob_source *from, const struct blob_source *patch, uint64_t max_size,
                int out_fd, const bool *cancel, struct error *err)
{
    CLEANUP(apply_release)
    struct apply a = {.patch = patch, .cancel = cancel, .out_fd = out_fd};
    unsigned char head[DELTA_HEADER_LEN];
    int r;
    if ((r = read_patch(&a, head, sizeof(head), err)) < 0 ||
        (r = delta_header_get(head, &a.header, err)) < 0)
        return r;
    if (a.header.size > max_size)
        return error_set(err, -EFBIG, "a patch that makes %llu bytes, at most %llu are expected",
                         (unsigned long long) a.header.size, (unsigned long long) max_size);
    if ((r = plain_open(from, &a.from, err)) < 0)
        return r;
    /* Untouched memory costs nothing: small patches stay small. */
    a.window = xcalloc(1, DELTA_WINDOW);
    a.segment = xcalloc(1, DELTA_SEGMENT);
    a.packed = xcalloc(1, DELTA_PACKED);
    return make_all(&a, err);
}
