#include "agent/blobs.h"

#include "agent/paths.h"
#include "lib/digest.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define VERIFIED_MAX 256 /* blobs whose hash this agent has seen to be right */

/* Which file was verified: a change of it changes at least its ctime. */
struct verified {
    char digest[DIGEST_SIZE];
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

static struct verified verified[VERIFIED_MAX];
static size_t verified_next;
static pthread_mutex_t verified_mutex = PTHREAD_MUTEX_INITIALIZER;

struct blob_put {
    char digest[DIGEST_SIZE];
    char *path, *part;
    int fd;
    uint64_t size, at;
    bool whole; /* it is there already: nothing to do */
    struct sha256 *hash;
};

char *blob_path(const char *digest)
{
    AUTO_FREE char *dir = agent_path(AGENT_BLOB_DIR);
    return path_join(dir, strchr(digest, ':') + 1);
}

static struct verified describe(const char *digest, const struct stat *st)
{
    struct verified v = {.inode = st->st_ino, .size = st->st_size};
    v.modified = st->st_mtim;
    v.changed = st->st_ctim;
    snprintf(v.digest, sizeof v.digest, "%s", digest);
    return v;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_verified(const char *digest, const struct stat *st)
{
    struct verified wanted = describe(digest, st);
    bool found = false;
    pthread_mutex_lock(&verified_mutex);
    for (size_t i = 0; !found && i < VERIFIED_MAX; i++) {
        const struct verified *v = &verified[i];
        found = strcmp(v->digest, wanted.digest) == 0 && v->inode == wanted.inode &&
                v->size == wanted.size && same_time(&v->modified, &wanted.modified) &&
                same_time(&v->changed, &wanted.changed);
    }
    pthread_mutex_unlock(&verified_mutex);
    return found;
}

static void remember_verified(const char *digest, const char *path)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return;
    pthread_mutex_lock(&verified_mutex);
    verified[verified_next++ % VERIFIED_MAX] = describe(digest, &st);
    pthread_mutex_unlock(&verified_mutex);
}

int blob_have(const char *digest, struct error *err)
{
    if (!digest_is_valid(digest))
        return error_set(err, -EINVAL, "not a digest of the form sha256:<64 hex digits>");
    AUTO_FREE char *path = blob_path(digest);
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : error_errno(err, -errno, "look at %s", path);
    if (S_ISREG(st.st_mode) && is_verified(digest, &st))
        return 1;
    char found[DIGEST_SIZE] = "";
    int r = S_ISREG(st.st_mode) ? digest_file(path, found, NULL, err) : 0;
    if (r < 0)
        return r;
    if (strcmp(found, digest) == 0) {
        remember_verified(digest, path);
        return 1;
    }
    return path_remove_tree(path, err);
}

int blob_open(const char *digest, struct error *err)
{
    int r = blob_have(digest, err);
    if (r < 0)
        return r;
    AUTO_FREE char *path = blob_path(digest);
    int fd = r == 1 ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (fd >= 0)
        return fd;
    error_set(err, -ENOENT, "the blob %s is not here, or was damaged", digest);
    (void) error_remedy(err, "run again: it is sent then");
    return -ENOENT;
}

int blob_adopt(const char *digest, const char *from, struct error *err)
{
    AUTO_FREE char *path = blob_path(digest);
    if (rename(from, path) < 0)
        return error_errno(err, -errno, "store %s", path);
    remember_verified(digest, path);
    return 0;
}

static void put_free(struct blob_put **put)
{
    if (!*put)
        return;
    fd_close(&(*put)->fd);
    sha256_free(&(*put)->hash);
    free((*put)->path);
    free((*put)->part);
    free(*put);
    *put = NULL;
}
#define AUTO_PUT CLEANUP(put_free) struct blob_put

static int open_part(struct blob_put *put, struct error *err)
{
    put->fd = open(put->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (put->fd < 0)
        return error_errno(err, -errno, "create %s", put->part);
    if (flock(put->fd, LOCK_EX | LOCK_NB) < 0)
        return error_set(err, -EBUSY, "%s is being sent by another session", put->digest);
    return 0;
}

/* What a lost link left: hashed again, as it will be part of the whole. */
static int take_up_part(struct blob_put *put, struct error *err)
{
    char buffer[64 * 1024];
    for (;;) {
        ssize_t n = read(put->fd, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(err, -errno, "read %s", put->part);
        if (n == 0)
            break;
        sha256_update(put->hash, buffer, (size_t) n);
        put->at += (uint64_t) n;
    }
    if (put->at <= put->size)
        return 0;
    sha256_free(&put->hash);
    put->hash = sha256_new();
    put->at = 0;
    return ftruncate(put->fd, 0) < 0 || lseek(put->fd, 0, SEEK_SET) < 0
               ? error_errno(err, -errno, "empty %s", put->part)
               : 0;
}

static int no_space(uint64_t bytes, struct error *err)
{
    AUTO_FREE char *dir = agent_path(AGENT_BLOB_DIR);
    struct statvfs fs = {0};
    statvfs(dir, &fs);
    error_set(err, -ENOSPC, "no room in %s: %llu MiB are needed, %llu MiB are free", dir,
              (unsigned long long) ((bytes + BLOB_SPACE_MARGIN) >> 20),
              (unsigned long long) (((uint64_t) fs.f_bavail * fs.f_frsize) >> 20));
    return error_remedy(err, "make room on the file system of %s and run again", dir);
}

int blob_room(uint64_t bytes, struct error *err)
{
    AUTO_FREE char *dir = agent_path(AGENT_BLOB_DIR);
    struct statvfs fs;
    if (statvfs(dir, &fs) == 0 && (uint64_t) fs.f_bavail * fs.f_frsize < bytes + BLOB_SPACE_MARGIN)
        return no_space(bytes, err);
    return 0;
}

int blob_put_begin(const char *digest, uint64_t size, struct blob_put **out, uint64_t *offset,
                   struct error *err)
{
    int have = blob_have(digest, err);
    if (have < 0)
        return have;
    if (size > BLOB_SIZE_MAX)
        return error_set(err, -E2BIG, "a blob of %llu bytes is too large",
                         (unsigned long long) size);
    AUTO_PUT *put = xcalloc(1, sizeof *put);
    *put = (struct blob_put){.fd = -1, .size = size, .whole = have == 1};
    snprintf(put->digest, sizeof put->digest, "%s", digest);
    put->path = blob_path(digest);
    put->part = xasprintf("%s.part", put->path);
    put->hash = sha256_new();
    if (put->whole) {
        put->at = size;
    } else {
        int r = open_part(put, err);
        if (r >= 0)
            r = take_up_part(put, err);
        if (r >= 0)
            r = blob_room(put->size - put->at, err);
        if (r < 0)
            return r;
    }
    *offset = put->at;
    *out = TAKE_PTR(put);
    return 0;
}

int blob_put_data(struct blob_put *put, const void *data, size_t len, struct error *err)
{
    if (len > blob_put_missing(put))
        return error_set(err, -EMSGSIZE, "more bytes than announced for %s", put->digest);
    int r = fd_write_all(put->fd, data, len);
    if (r == -ENOSPC)
        return no_space(blob_put_missing(put), err);
    if (r < 0)
        return error_errno(err, r, "write %s", put->part);
    sha256_update(put->hash, data, len);
    put->at += len;
    return 0;
}

uint64_t blob_put_missing(const struct blob_put *put)
{
    return put->size - put->at;
}

static int name_blob(const struct blob_put *put, struct error *err)
{
    AUTO_FREE char *dir = path_dirname(put->path);
    AUTO_FD folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || fdatasync(put->fd) < 0)
        return error_errno(err, -errno, "store %s", put->path);
    int r = blob_adopt(put->digest, put->part, err);
    if (r == 0 && fsync(folder) < 0)
        r = error_errno(err, -errno, "store %s", put->path);
    return r;
}

int blob_put_end(struct blob_put **put_ptr, struct error *err)
{
    AUTO_PUT *put = TAKE_PTR(*put_ptr);
    char found[DIGEST_SIZE];
    if (put->whole)
        return 0;
    if (blob_put_missing(put) > 0)
        return error_set(err, -EPIPE, "%s is not complete", put->digest);
    sha256_finish(TAKE_PTR(put->hash), found);
    if (strcmp(found, put->digest) == 0)
        return name_blob(put, err);
    unlink(put->part);
    error_set(err, -EBADMSG, "the bytes sent as %s are %s", put->digest, found);
    return error_remedy(err, "run again; if it stays so, verify the bundle");
}

void blob_put_abort(struct blob_put **put)
{
    put_free(put);
}
