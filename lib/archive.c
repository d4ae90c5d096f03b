#include "lib/archive.h"

#include "lib/fd.h"
#include "lib/locale.h"
#include "lib/path.h"
#include "lib/strbuf.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BLOCK (128 * 1024)
#define TAR_BLOCK 512
#define TEMPORARY_TRIES 1000

enum seen_kind { SEEN_FILE, SEEN_SYMLINK, SEEN_FOLDER, SEEN_PARENT /* not listed itself (yet) */ };

struct seen {
    enum seen_kind kind;
    bool created; /* a folder that this unpacking made: its mode is ours to set */
    mode_t mode;
    int64_t mtime;
    struct seen *next; /* made folders, newest first: children come before their parents */
    char path[];
};

struct reader {
    struct archive *a;
    int dir_fd; /* -1: only check */
    const struct archive_limits *limits;
    archive_entry_fn on_entry;
    void *userdata;
    struct error *err;

    void *seen; /* tsearch tree of struct seen */
    struct seen *folders;
    uint64_t entries, total;
    char *parent; /* path of parent_fd */
    int parent_fd;
    unsigned temporary;
};

/* One entry, checked. */
struct item {
    struct archive_entry *entry;
    const char *path;
    mode_t type;
    mode_t mode;
    int64_t mtime;
    uint64_t size;
    const char *link;
};

static int compare_seen(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;
    return strcmp(x->path, y->path);
}

static void reader_release(struct reader *r)
{
    if (r->a)
        archive_read_free(r->a);
    tdestroy(r->seen, free);
    free(r->parent);
    fd_close(&r->parent_fd);
}

PRINTF_LIKE(4, 5)
static int refuse(const struct reader *r, int code, const char *name, const char *format, ...)
{
    STRBUF(shown, 512);
    STRBUF(why, ERROR_TEXT_MAX);
    strbuf_add_printable(&shown, name, strlen(name));
    va_list args;
    va_start(args, format);
    strbuf_vaddf(&why, format, args);
    va_end(args);
    return error_set(r->err, code, "archive entry \"%s\" %s", shown.data, why.data);
}

static int refuse_archive(const struct reader *r, const char *name)
{
    const char *text = archive_error_string(r->a);
    STRBUF(why, ERROR_TEXT_MAX);
    strbuf_add_printable(&why, text ? text : "not readable", text ? strlen(text) : 12);
    if (name)
        return refuse(r, -EBADMSG, name, "is damaged: %s", why.data);
    return error_set(r->err, -EBADMSG, "archive is damaged: %s", why.data);
}

static struct seen *seen_find(const struct reader *r, const char *path, size_t len)
{
    AUTO_FREE struct seen *key = xcalloc(1, sizeof(*key) + len + 1);
    memcpy(key->path, path, len);
    struct seen *const *found = tfind(key, &r->seen, compare_seen);
    return found ? *found : NULL;
}

static struct seen *seen_add(struct reader *r, const char *path, size_t len, enum seen_kind kind)
{
    struct seen *s = xcalloc(1, sizeof(*s) + len + 1);
    memcpy(s->path, path, len);
    s->kind = kind;
    if (!tsearch(s, &r->seen, compare_seen))
        abort();
    return s;
}

/* Every folder above the entry: not a file or a symlink of this archive. */
static int check_parents(struct reader *r, const char *path)
{
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t len = (size_t) (slash - path);
        const struct seen *s = seen_find(r, path, len);
        if (!s)
            seen_add(r, path, len, SEEN_PARENT);
        else if (s->kind == SEEN_SYMLINK)
            return refuse(r, -EPERM, path, "leads through the symlink \"%s\"", s->path);
        else if (s->kind == SEEN_FILE)
            return refuse(r, -ENOTDIR, path, "lies below the file \"%s\"", s->path);
    }
    return 0;
}

static int check_new(struct reader *r, const struct item *item)
{
    static const enum seen_kind kinds[] = {SEEN_FILE, SEEN_SYMLINK, SEEN_FOLDER};
    enum seen_kind kind = kinds[S_ISLNK(item->type) ? 1 : S_ISDIR(item->type) ? 2 : 0];
    int code = check_parents(r, item->path);
    if (code < 0)
        return code;
    struct seen *s = seen_find(r, item->path, strlen(item->path));
    if (s && !(s->kind == SEEN_PARENT && kind == SEEN_FOLDER))
        return refuse(r, -EEXIST, item->path, "is in the archive twice");
    if (!s)
        s = seen_add(r, item->path, strlen(item->path), kind);
    s->kind = kind;
    return 0;
}

static int check_type(const struct reader *r, struct item *item, const char *name)
{
    mode_t mode = archive_entry_mode(item->entry);
    if (archive_entry_hardlink(item->entry))
        return refuse(r, -EPERM, name, "is a hard link, which is not allowed");
    item->type = mode & S_IFMT;
    item->mode = mode & 0777;
    if (!S_ISREG(mode) && !S_ISDIR(mode) && !S_ISLNK(mode))
        return refuse(r, -EPERM, name, "is a device, FIFO or socket, which is not allowed");
    if (!S_ISLNK(mode) && (mode & 07000))
        return refuse(r, -EPERM, name, "is setuid, setgid or sticky, which is not allowed");
    return 0;
}

static int check_link(const struct reader *r, struct item *item)
{
    item->link = archive_entry_symlink(item->entry);
    if (!item->link || !path_link_stays_inside(item->path, item->link))
        return refuse(r, -EPERM, item->path, "is a symlink that may lead out of its folder");
    return 0;
}

static int check_size(struct reader *r, struct item *item)
{
    int64_t size = archive_entry_size(item->entry);
    if (size < 0 || archive_entry_sparse_count(item->entry) > 0)
        return refuse(r, -EPERM, item->path, "is a sparse file or has no size");
    item->size = (uint64_t) size;
    if (item->size > r->limits->max_file || item->size > r->limits->max_total - r->total)
        return refuse(r, -EFBIG, item->path, "of %llu bytes passes the limit of %llu",
                      (unsigned long long) item->size,
                      (unsigned long long) (item->size > r->limits->max_file
                                                ? r->limits->max_file
                                                : r->limits->max_total));
    r->total += item->size;
    return 0;
}

/* The name without "./" in front and "/" behind; NULL when there is none. The caller frees. */
static char *plain_name(const struct archive_entry *entry)
{
    struct archive_entry *e = (struct archive_entry *) entry;
    const char *name = archive_entry_pathname(e);
    if (!name)
        return NULL;
    while (name[0] == '.' && name[1] == '/')
        for (name += 2; *name == '/'; name++)
            ;
    size_t len = strlen(name);
    while (len > 1 && name[len - 1] == '/')
        len--;
    return len ? xstrndup(name, len) : xstrdup(".");
}

static int check_item(struct reader *r, struct item *item)
{
    if (!path_is_safe_relative(item->path))
        return refuse(r, -EPERM, item->path, "has a name that is not allowed");
    int code = check_type(r, item, item->path);
    if (code == 0 && S_ISLNK(item->type))
        code = check_link(r, item);
    if (code == 0 && S_ISREG(item->type))
        code = check_size(r, item);
    return code < 0 ? code : check_new(r, item);
}

/* Opens the folder of an entry, making what is missing, never through a symlink. */
static int make_parent(struct reader *r, const char *dir)
{
    AUTO_FREE char *path = xstrdup(dir);
    AUTO_FD at = fcntl(r->dir_fd, F_DUPFD_CLOEXEC, 3);
    for (char *part = path; at >= 0 && *part;) {
        char *slash = strchrnul(part, '/');
        char kept = *slash;
        *slash = '\0';
        if (mkdirat(at, part, 0755) == 0) {
            struct seen *s = seen_find(r, path, strlen(path));
            s->created = true;
            s->mode = 0755;
            s->mtime = -1;
            s->next = r->folders;
            r->folders = s;
        } else if (errno != EEXIST) {
            return -errno;
        }
        int next = path_open_beneath(at, part, O_RDONLY | O_DIRECTORY, 0);
        fd_close(&at);
        if (next < 0)
            return next;
        at = next;
        *slash = kept;
        part = slash + (kept != '\0');
    }
    return at < 0 ? -errno : TAKE_FD(at);
}

static int open_parent(struct reader *r, const char *path)
{
    const char *slash = strrchr(path, '/');
    AUTO_FREE char *dir = xstrndup(path, slash ? (size_t) (slash - path) : 0);
    if (r->parent && strcmp(r->parent, dir) == 0)
        return 0;
    int fd = make_parent(r, dir);
    if (fd == -ELOOP || fd == -ENOTDIR)
        return refuse(r, -EPERM, path, "leads through a symlink or a file in the destination");
    if (fd < 0) {
        error_errno(r->err, fd, "create folder %s", dir);
        return fd;
    }
    fd_close(&r->parent_fd);
    free(r->parent);
    r->parent_fd = fd;
    r->parent = TAKE_PTR(dir);
    return 0;
}

/* Reads the data of an entry, all of it, to fd (-1: nowhere). */
static int read_data(struct reader *r, const struct item *item, int fd)
{
    uint64_t done = 0;
    for (;;) {
        const void *block;
        size_t len;
        la_int64_t offset;
        int code = archive_read_data_block(r->a, &block, &len, &offset);
        if (code == ARCHIVE_EOF)
            break;
        if (code != ARCHIVE_OK)
            return refuse_archive(r, item->path);
        if ((uint64_t) offset != done || len > item->size - done)
            return refuse(r, -EBADMSG, item->path, "has other bytes than it announced");
        int written = fd >= 0 ? fd_write_all(fd, block, len) : 0;
        if (written < 0)
            return error_errno(r->err, written, "write %s", item->path);
        done += len;
    }
    if (done != item->size)
        return refuse(r, -EBADMSG, item->path, "has fewer bytes than it announced");
    return 0;
}

static void temporary_name(struct reader *r, char out[32])
{
    snprintf(out, 32, ".unpack-%d-%u", getpid(), r->temporary++);
}

static int write_content(struct reader *r, const struct item *item, int fd)
{
    int code = read_data(r, item, fd);
    if (code < 0)
        return code;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = item->mtime}};
    if (fchmod(fd, item->mode) < 0 || futimens(fd, times) < 0)
        return error_errno(r->err, -errno, "set the mode of %s", item->path);
    return 0;
}

static int move_into_place(struct reader *r, const struct item *item, const char *temporary)
{
    if (renameat(r->parent_fd, temporary, r->parent_fd, path_basename(item->path)) < 0)
        return error_errno(r->err, -errno, "rename to %s", item->path);
    return 0;
}

static int write_file(struct reader *r, const struct item *item)
{
    char temporary[32];
    AUTO_FD fd = -1;
    for (int i = 0; i < TEMPORARY_TRIES && fd < 0; i++) {
        temporary_name(r, temporary);
        fd = openat(r->parent_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    0600);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    if (fd < 0)
        return error_errno(r->err, -errno, "create %s", item->path);
    int code = write_content(r, item, fd);
    if (code == 0)
        code = move_into_place(r, item, temporary);
    if (code < 0)
        unlinkat(r->parent_fd, temporary, 0);
    return code;
}

static int write_symlink(struct reader *r, const struct item *item)
{
    char temporary[32];
    int made = -1;
    for (int i = 0; i < TEMPORARY_TRIES && made < 0; i++) {
        temporary_name(r, temporary);
        made = symlinkat(item->link, r->parent_fd, temporary);
        if (made < 0 && errno != EEXIST)
            break;
    }
    if (made < 0)
        return error_errno(r->err, -errno, "create symlink %s", item->path);
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = item->mtime}};
    int code = 0;
    if (utimensat(r->parent_fd, temporary, times, AT_SYMLINK_NOFOLLOW) < 0)
        code = error_errno(r->err, -errno, "set the time of %s", item->path);
    if (code == 0)
        code = move_into_place(r, item, temporary);
    if (code < 0)
        unlinkat(r->parent_fd, temporary, 0);
    return code;
}

/* A folder that was there before keeps its mode: the destination may be a running system. */
static int write_folder(struct reader *r, const struct item *item)
{
    const char *name = path_basename(item->path);
    struct seen *s = seen_find(r, item->path, strlen(item->path));
    if (mkdirat(r->parent_fd, name, 0700) == 0) {
        s->created = true;
        s->next = r->folders;
        r->folders = s;
    } else if (errno == EEXIST) {
        AUTO_FD fd = path_open_beneath(r->parent_fd, name, O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0)
            return refuse(r, -EEXIST, item->path, "is a folder, and something else is there");
    } else {
        return error_errno(r->err, -errno, "create folder %s", item->path);
    }
    s->mode = item->mode;
    s->mtime = item->mtime;
    return 0;
}

static int write_item(struct reader *r, const struct item *item)
{
    int code = open_parent(r, item->path);
    if (code < 0)
        return code;
    return S_ISREG(item->type)   ? write_file(r, item)
           : S_ISLNK(item->type) ? write_symlink(r, item)
                                 : write_folder(r, item);
}

static int handle_item(struct reader *r, struct item *item)
{
    int code = check_item(r, item);
    if (code < 0)
        return code;
    struct archive_entry_info info = {
        .path = item->path,
        .mode = item->type | item->mode,
        .size = item->size,
        .link = item->link,
    };
    code = r->on_entry ? r->on_entry(r->userdata, &info, r->err) : 0;
    if (code != 0)
        return code;
    if (r->dir_fd >= 0)
        return write_item(r, item);
    return S_ISREG(item->type) ? read_data(r, item, -1) : 0;
}

static int handle_entry(struct reader *r, struct archive_entry *entry)
{
    AUTO_FREE char *name = plain_name(entry);
    struct item item = {.entry = entry, .path = name, .mtime = archive_entry_mtime(entry)};
    if (++r->entries > r->limits->max_entries)
        return error_set(r->err, -EFBIG, "archive with more than %llu entries",
                         (unsigned long long) r->limits->max_entries);
    if (!name)
        return error_set(r->err, -EBADMSG, "archive entry %llu has no readable name",
                         (unsigned long long) r->entries);
    bool is_root = strcmp(name, ".") == 0 && archive_entry_filetype(entry) == AE_IFDIR;
    return is_root ? 0 : handle_item(r, &item);
}

/* Folders get their mode and time when nothing more is written to them. */
static int finish_folders(struct reader *r)
{
    for (const struct seen *s = r->folders; s; s = s->next) {
        AUTO_FD fd = path_open_beneath(r->dir_fd, s->path, O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0)
            return refuse(r, fd, s->path, "was replaced while the archive was unpacked");
        struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = s->mtime}};
        if (s->mtime < 0)
            times[1].tv_nsec = UTIME_OMIT;
        if (fchmod(fd, s->mode) < 0 || futimens(fd, times) < 0)
            return error_errno(r->err, -errno, "set the mode of %s", s->path);
    }
    return 0;
}

/* A tar ends with zero blocks; libarchive also takes a file that just stops between two entries. */
static int check_end(struct reader *r, int64_t last_end)
{
    if (archive_filter_bytes(r->a, 0) - last_end < TAR_BLOCK)
        return error_set(r->err, -EBADMSG, "archive is truncated: its end mark is missing");
    return r->dir_fd >= 0 ? finish_folders(r) : 0;
}

static int read_entries(struct reader *r)
{
    int64_t last_end = 0;
    for (;;) {
        struct archive_entry *entry;
        int code = archive_read_next_header(r->a, &entry);
        if (code == ARCHIVE_EOF)
            return check_end(r, last_end);
        if (code != ARCHIVE_OK)
            return refuse_archive(r, NULL);
        code = handle_entry(r, entry);
        if (code != 0)
            return code;
        last_end = archive_filter_bytes(r->a, 0);
    }
}

static int run_reader(struct reader *r, int fd)
{
    IN_UTF8_LOCALE(); /* libarchive converts names by the locale */
    r->parent_fd = -1;
    r->a = archive_read_new();
    if (!r->a)
        abort();
    if (archive_read_support_filter_gzip(r->a) != ARCHIVE_OK ||
        archive_read_support_filter_zstd(r->a) != ARCHIVE_OK ||
        archive_read_support_format_tar(r->a) != ARCHIVE_OK ||
        archive_read_open_fd(r->a, fd, READ_BLOCK) != ARCHIVE_OK)
        return refuse_archive(r, NULL);
    return read_entries(r);
}

int archive_unpack(int fd, int dir_fd, const struct archive_limits *limits,
                   archive_entry_fn on_entry, void *userdata, struct error *err)
{
    CLEANUP(reader_release)
    struct reader r = {
        .dir_fd = dir_fd,
        .limits = limits ? limits : &ARCHIVE_LIMITS_DEFAULT,
        .on_entry = on_entry,
        .userdata = userdata,
        .err = err,
    };
    if (dir_fd < 0)
        return error_set(err, -EBADF, "no folder to unpack into");
    return run_reader(&r, fd);
}

int archive_check(int fd, const struct archive_limits *limits, archive_entry_fn on_entry,
                  void *userdata, struct error *err)
{
    CLEANUP(reader_release)
    struct reader r = {
        .dir_fd = -1,
        .limits = limits ? limits : &ARCHIVE_LIMITS_DEFAULT,
        .on_entry = on_entry,
        .userdata = userdata,
        .err = err,
    };
    return run_reader(&r, fd);
}
