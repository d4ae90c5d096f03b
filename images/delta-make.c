#include "images/delta-align.h"
#include "images/delta-format.h"
#include "images/delta.h"
#include "images/zstd-codec.h"
#include "lib/archive.h"
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define STEP (1024 * 1024)
#define WORKS_MAX 8

/* A blob's plain stream in a file that has no name. */
struct plain {
    unsigned char *data;
    uint64_t len;
    bool is_zstd;
};

static void plain_release(struct plain *p)
{
    if (p->data)
        munmap(p->data, p->len);
}

struct make {
    const struct blob_source *to;
    struct plain from_plain, to_plain;
    const bool *cancel;
    delta_progress_fn progress;
    void *userdata;
    int out_fd;
    struct aligned_span *spans;
    size_t span_count;
    uint64_t compared; /* of the new blob */
    char *buffer;
};

static void make_release(struct make *m)
{
    plain_release(&m->from_plain);
    plain_release(&m->to_plain);
    free(m->spans);
    free(m->buffer);
}

static int check_cancel(const struct make *m, struct error *err)
{
    return m->cancel && *m->cancel ? error_set(err, -ECANCELED, "interrupted") : 0;
}

static int copy_plain(struct make *m, struct plain_reader *reader, int fd, struct plain *out,
                      struct error *err)
{
    size_t got = STEP;
    while (got == STEP) {
        int r = check_cancel(m, err);
        if (r < 0 || (r = plain_read(reader, m->buffer, STEP, &got, err)) < 0)
            return r;
        out->len += got;
        if (out->len > DELTA_PLAIN_MAX)
            return error_set(err, -EOPNOTSUPP, "a blob too large for patches");
        if ((r = fd_write_all(fd, m->buffer, got)) < 0)
            return error_errno(err, r, "write a plain stream");
    }
    return 0;
}

static int load_plain(struct make *m, const struct blob_source *blob, const char *work_dir,
                      struct plain *out, struct error *err)
{
    AUTO_PLAIN *reader = NULL;
    AUTO_FD fd = open(work_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_errno(err, -errno, "create a file in %s", work_dir);
    int r;
    if ((r = plain_open(blob, &reader, err)) < 0 || (r = copy_plain(m, reader, fd, out, err)) < 0)
        return r;
    out->is_zstd = plain_is_zstd(reader);
    void *data = out->len ? mmap(NULL, out->len, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    if (data == MAP_FAILED)
        return error_errno(err, -errno, "map a plain stream");
    out->data = data;
    return 0;
}

static int compare(void *userdata, const void *data, size_t len, struct error *err)
{
    struct make *m = userdata;
    const char *p = data;
    while (len > 0) {
        size_t n = len < STEP ? len : STEP;
        int r = check_cancel(m, err);
        if (r < 0)
            return r;
        if (n > m->to->size - m->compared)
            return -EOPNOTSUPP;
        if ((r = blob_source_read(m->to, m->compared, m->buffer, n, err)) < 0)
            return r;
        if (memcmp(m->buffer, p, n) != 0)
            return -EOPNOTSUPP;
        m->compared += n;
        p += n;
        len -= n;
    }
    return 0;
}

/* Does on this machine what a host will do. */
static int prove(struct make *m, int level, struct error *err)
{
    AUTO_PACKER *packer = packer_new(level, compare, m);
    int r = 0;
    for (uint64_t at = 0; r == 0 && at < m->to_plain.len; at += DELTA_SEGMENT) {
        uint64_t left = m->to_plain.len - at;
        r = packer_write(packer, m->to_plain.data + at,
                         left < DELTA_SEGMENT ? (size_t) left : DELTA_SEGMENT, err);
    }
    if (r == 0)
        r = packer_finish(packer, err);
    if (r == -EOPNOTSUPP || (r == 0 && m->compared != m->to->size))
        return error_set(err, -EOPNOTSUPP, "a blob that this libzstd does not make again");
    return r;
}

/* Around the place that the middle of the segment came from. Hosts read the old stream once, so a
 * window never begins before the last one. */
static void place_window(const struct make *m, uint64_t at, uint32_t len, uint64_t last,
                         struct delta_segment *s)
{
    uint64_t old = m->from_plain.len;
    uint64_t middle = delta_align_find(m->spans, m->span_count, at + len / 2);
    uint64_t begin = middle > DELTA_WINDOW / 2 ? middle - DELTA_WINDOW / 2 : 0;
    if (begin + DELTA_WINDOW > old)
        begin = old > DELTA_WINDOW ? old - DELTA_WINDOW : 0;
    s->from = begin > last ? begin : last;
    s->window = old - s->from < DELTA_WINDOW ? (uint32_t) (old - s->from) : DELTA_WINDOW;
}

/* A segment at work, in a thread of its own. */
struct work {
    const struct make *make;
    pthread_t thread;
    uint64_t at;
    struct delta_segment segment;
    unsigned char *packed;
    int result;
    struct error error;
};

static void *pack_segment(void *userdata)
{
    struct work *w = userdata;
    size_t packed = DELTA_PACKED;
    w->packed = xcalloc(1, packed);
    w->result = piece_pack(w->make->from_plain.data + w->segment.from, w->segment.window,
                           w->make->to_plain.data + w->at, w->segment.made, w->packed, &packed,
                           &w->error);
    w->segment.packed = (uint32_t) packed;
    return NULL;
}

static int write_segment(const struct make *m, const struct work *w, struct error *err)
{
    unsigned char head[DELTA_SEGMENT_LEN];
    int r;
    if (w->result < 0) {
        *err = w->error;
        return w->result;
    }
    delta_segment_put(&w->segment, head);
    if ((r = fd_write_all(m->out_fd, head, sizeof(head))) < 0 ||
        (r = fd_write_all(m->out_fd, w->packed, w->segment.packed)) < 0)
        return error_errno(err, r, "write a patch");
    return 0;
}

/* As many segments at once as there are processors. */
static int start_wave(const struct make *m, uint64_t *at, uint64_t *last, struct work *works,
                      size_t room, size_t *count, struct error *err)
{
    for (*count = 0; *count < room && *at < m->to_plain.len; ++*count) {
        struct work *w = &works[*count];
        uint64_t left = m->to_plain.len - *at;
        *w = (struct work){.make = m, .at = *at};
        w->segment.made = left < DELTA_SEGMENT ? (uint32_t) left : DELTA_SEGMENT;
        place_window(m, *at, w->segment.made, *last, &w->segment);
        int r = -pthread_create(&w->thread, NULL, pack_segment, w);
        if (r < 0)
            return error_errno(err, r, "start a thread");
        *last = w->segment.from;
        *at += w->segment.made;
    }
    return check_cancel(m, err);
}

static int write_segments(struct make *m, struct error *err)
{
    struct work works[WORKS_MAX];
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    size_t room = cpus < 1 ? 1 : cpus < WORKS_MAX ? (size_t) cpus : WORKS_MAX;
    uint64_t at = 0, last = 0;
    int r = 0;
    while (r == 0 && at < m->to_plain.len) {
        if (m->progress)
            m->progress(m->userdata, at, m->to_plain.len);
        size_t count;
        r = start_wave(m, &at, &last, works, room, &count, err);
        for (size_t i = 0; i < count; i++) {
            pthread_join(works[i].thread, NULL);
            r = r < 0 ? r : write_segment(m, &works[i], err);
            free(works[i].packed);
        }
    }
    return r;
}

static int write_patch(struct make *m, int level, struct error *err)
{
    const struct delta_header header = {.zstd = level ? zstd_version() : 0,
                                        .level = (uint32_t) level,
                                        .size = m->to->size,
                                        .plain = m->to_plain.len};
    unsigned char head[DELTA_HEADER_LEN];
    delta_header_put(&header, head);
    int r = fd_write_all(m->out_fd, head, sizeof(head));
    if (r < 0)
        return error_errno(err, r, "write a patch");
    m->span_count = delta_align(m->from_plain.data, m->from_plain.len, m->to_plain.data,
                                m->to_plain.len, &m->spans);
    return write_segments(m, err);
}

int delta_make(const struct blob_source *from, const struct blob_source *to, const char *work_dir,
               int out_fd, const bool *cancel, delta_progress_fn progress, void *userdata,
               struct error *err)
{
    CLEANUP(make_release)
    struct make m = {.to = to,
                     .cancel = cancel,
                     .progress = progress,
                     .userdata = userdata,
                     .out_fd = out_fd,
                     .buffer = xcalloc(1, DELTA_PACKED)};
    int r;
    if ((r = load_plain(&m, to, work_dir, &m.to_plain, err)) < 0)
        return r;
    int level = m.to_plain.is_zstd ? ARCHIVE_ZSTD_LEVEL : 0;
    if ((r = prove(&m, level, err)) < 0 ||
        (r = load_plain(&m, from, work_dir, &m.from_plain, err)) < 0)
        return r;
    return write_patch(&m, level, err);
}
