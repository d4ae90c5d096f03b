#include "agent/probe.h"

#include "lib/cleanup.h"
#include "lib/digest.h"
#include "lib/fd.h"
#include "lib/grammar.h"
#include "lib/path.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES_MAX 200000
#define BLOCK (1024 * 1024)
#define ALIGNMENT 4096

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;
    return (x > y) - (x < y);
}

uint32_t probe_percentile(uint32_t *samples, size_t count, unsigned percent)
{
    if (count == 0)
        return 0;
    qsort(samples, count, sizeof(*samples), compare);
    size_t rank = (count * percent + 99) / 100;
    return samples[rank > 0 ? rank - 1 : 0];
}

char *probe_folder(const char *path)
{
    char *folder = xstrdup(path);
    struct stat st;
    while (strcmp(folder, "/") != 0 && (stat(folder, &st) < 0 || !S_ISDIR(st.st_mode))) {
        char *up = path_dirname(folder);
        free(folder);
        folder = up;
    }
    return folder;
}

static int open_nameless(const char *folder, struct error *err)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
        return fd >= 0 ? fd : error_errno(err, -errno, "make a file in %s", folder);
    AUTO_FREE char *name = path_join(folder, ".bigtop-probe-XXXXXX");
    fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, -errno, "make a file in %s", folder);
    unlink(name);
    return fd;
}

struct measure {
    int fd;
    const char *folder;
    const bool *cancel;
    char *block; /* BLOCK bytes that nothing can compress */
    bool direct; /* past the page cache */
};

static int look_at_cancel(const struct measure *m, struct error *err)
{
    return m->cancel && *m->cancel ? error_set(err, -ECANCELED, "interrupted") : 0;
}

static int measure_fsync(struct measure *m, uint64_t for_us, struct probe *out, struct error *err)
{
    AUTO_FREE uint32_t *samples = xcalloc(SAMPLES_MAX, sizeof(*samples));
    size_t count = 0;
    uint64_t begun = now_us(), last = begun;
    (void) fallocate(m->fd, 0, 0, PROBE_LOG_BYTES); /* etcd does so, where it can be done */
    for (off_t at = 0; count < SAMPLES_MAX && last - begun < for_us; at += PROBE_RECORD) {
        if (at + PROBE_RECORD > PROBE_LOG_BYTES)
            at = 0;
        errno = 0;
        if (pwrite(m->fd, m->block + count % ALIGNMENT, PROBE_RECORD, at) != PROBE_RECORD ||
            fdatasync(m->fd) < 0)
            return error_errno(err, errno ? -errno : -EIO, "write in %s", m->folder);
        uint64_t now = now_us();
        samples[count++] = (uint32_t) (now - last < UINT32_MAX ? now - last : UINT32_MAX);
        last = now;
        int r = look_at_cancel(m, err);
        if (r < 0)
            return r;
    }
    out->fsync_p50_us = probe_percentile(samples, count, 50);
    out->fsync_p99_us = probe_percentile(samples, count, 99);
    return 0;
}

static uint64_t kib_per_second(uint64_t bytes, uint64_t us)
{
    return us > 0 ? bytes * 1000000 / 1024 / us : 0;
}

typedef ssize_t (*transfer_fn)(int fd, void *data, size_t len, off_t at);

static ssize_t write_at(int fd, void *data, size_t len, off_t at)
{
    return pwrite(fd, data, len, at);
}

/* Block after block, from the start, up to *bytes or the time; *bytes becomes what it was. */
static int stream(const struct measure *m, transfer_fn transfer, uint64_t for_us, uint64_t *bytes,
                  struct error *err)
{
    uint64_t begun = now_us(), done = 0;
    while (done < *bytes && now_us() - begun < for_us) {
        int r = look_at_cancel(m, err);
        if (r < 0)
            return r;
        errno = 0;
        if (transfer(m->fd, m->block, BLOCK, (off_t) done) != BLOCK)
            return error_errno(err, errno ? -errno : -EIO, "write and read in %s", m->folder);
        done += BLOCK;
    }
    *bytes = done;
    return 0;
}

/* What was written is there before the time ends, and is not read from memory afterwards. */
static int measure_streams(struct measure *m, uint64_t for_us, uint64_t room, struct probe *out,
                           struct error *err)
{
    uint64_t bytes = room / 4 < PROBE_STREAM_BYTES ? room / 4 : PROBE_STREAM_BYTES;
    m->direct = fcntl(m->fd, F_SETFL, O_DIRECT) == 0;
    uint64_t begun = now_us();
    int r = stream(m, write_at, for_us, &bytes, err);
    if (r < 0 && m->direct && r == -EINVAL) { /* its blocks are larger than ours */
        m->direct = fcntl(m->fd, F_SETFL, 0) < 0;
        r = stream(m, write_at, for_us, &bytes, err);
    }
    if (r == 0 && fdatasync(m->fd) < 0)
        r = error_errno(err, -errno, "write in %s", m->folder);
    if (r < 0)
        return r;
    out->write_kib_s = kib_per_second(bytes, now_us() - begun);
    if (!m->direct)
        (void) posix_fadvise(m->fd, 0, 0, POSIX_FADV_DONTNEED);
    begun = now_us();
    r = stream(m, pread, for_us, &bytes, err);
    if (r == 0)
        out->read_kib_s = kib_per_second(bytes, now_us() - begun);
    return r;
}

static int take_room(const char *folder, struct probe *out, struct error *err)
{
    struct statvfs s;
    if (statvfs(folder, &s) < 0)
        return error_errno(err, -errno, "look at the file system of %s", folder);
    out->free_kib = (uint64_t) s.f_bavail * s.f_frsize / 1024;
    out->inodes = s.f_files;
    out->free_inodes = s.f_favail;
    return s.f_flag & ST_RDONLY ? error_set(err, -EROFS, "%s is on a read-only file system", folder)
                                : 0;
}

static int measure(const char *folder, int seconds, const bool *cancel, struct probe *out,
                   struct error *err)
{
    AUTO_FD fd = open_nameless(folder, err);
    AUTO_FREE char *block = NULL;
    if (fd < 0)
        return fd;
    if (posix_memalign((void **) &block, ALIGNMENT, BLOCK + ALIGNMENT) != 0)
        abort();
    random_bytes(block, BLOCK + ALIGNMENT);
    struct measure m = {.fd = fd, .folder = folder, .cancel = cancel, .block = block};
    uint64_t us = (uint64_t) seconds * 1000000;
    int r = measure_fsync(&m, us * 2 / 3, out, err);
    return r < 0 ? r : measure_streams(&m, us / 6, out->free_kib * 1024, out, err);
}

int probe_run(const char *path, int seconds, const bool *cancel, struct probe *out,
              struct error *err)
{
    struct probe p = {0};
    AUTO_FREE char *folder = probe_folder(path);
    int r = take_room(folder, &p, err);
    if (r == 0 && p.free_kib * 1024 < PROBE_ROOM_BYTES)
        r = error_set(err, -ENOSPC, "less than %d MiB free in %s", PROBE_ROOM_BYTES >> 20, folder);
    r = r < 0 ? r : measure(folder, seconds, cancel, &p, err);
    if (r == 0)
        *out = p;
    return r;
}
