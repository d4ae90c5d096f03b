/* Apart from archive.c because of the agent, which only reads: libarchive's writers need one
 * another, and with them liblzma, libxml2 and more in a static link. */
#include "lib/archive.h"
#include "lib/fd.h"
#include "lib/locale.h"
#include "lib/path.h"
#include "lib/strbuf.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BLOCK (128 * 1024)
#define GZIP_LEVEL "6"
#define TEXT(number) TEXT_OF(number)
#define TEXT_OF(number) #number

struct archive_writer {
    struct archive *a;
    int64_t mtime;
};

static void entry_release(struct archive_entry **entry)
{
    archive_entry_free(*entry);
}
#define AUTO_ENTRY CLEANUP(entry_release) struct archive_entry

static int writer_failed(const struct archive_writer *w, const char *path, struct error *err)
{
    const char *why = archive_error_string(w->a);
    int number = archive_errno(w->a);
    return error_set(err, number > 0 ? -number : -EIO, "write %s to the archive: %s", path,
                     why ? why : "unknown error");
}

static int set_compression(struct archive *a, enum archive_compression compression)
{
    switch (compression) {
    case ARCHIVE_GZIP:
        if (archive_write_add_filter_gzip(a) != ARCHIVE_OK)
            return ARCHIVE_FATAL;
        return archive_write_set_options(a, "gzip:!timestamp,gzip:compression-level=" GZIP_LEVEL);
    case ARCHIVE_ZSTD:
        if (archive_write_add_filter_zstd(a) != ARCHIVE_OK)
            return ARCHIVE_FATAL;
        return archive_write_set_options(a, "zstd:compression-level=" TEXT(ARCHIVE_ZSTD_LEVEL));
    case ARCHIVE_PLAIN:
        return ARCHIVE_OK;
    }
    return ARCHIVE_FATAL;
}

int archive_writer_open(int fd, enum archive_compression compression, int64_t mtime,
                        struct archive_writer **out, struct error *err)
{
    struct archive_writer *w = xcalloc(1, sizeof(*w));
    w->mtime = mtime;
    w->a = archive_write_new();
    if (!w->a)
        abort();
    /* The padding would otherwise depend on what kind of descriptor it is. */
    if (archive_write_set_format_pax_restricted(w->a) != ARCHIVE_OK ||
        set_compression(w->a, compression) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(w->a, 1) != ARCHIVE_OK ||
        archive_write_open_fd(w->a, fd) != ARCHIVE_OK) {
        int r = writer_failed(w, "the header", err);
        archive_writer_abort(&w);
        return r;
    }
    *out = w;
    return 0;
}

static struct archive_entry *new_entry(const struct archive_writer *w, const char *path,
                                       mode_t type, mode_t mode)
{
    struct archive_entry *entry = archive_entry_new();
    if (!entry)
        abort();
    archive_entry_copy_pathname(entry, path);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, mode & 07777);
    archive_entry_set_mtime(entry, w->mtime, 0);
    archive_entry_set_uid(entry, 0);
    archive_entry_set_gid(entry, 0);
    archive_entry_set_size(entry, 0);
    return entry;
}

static int write_header(struct archive_writer *w, const char *path, struct archive_entry *entry,
                        struct error *err)
{
    IN_UTF8_LOCALE(); /* libarchive converts names by the locale */
    if (!path_is_safe_relative(path))
        return error_set(err, -EINVAL, "\"%s\" is not a name for an archive entry", path);
    return archive_write_header(w->a, entry) == ARCHIVE_OK ? 0 : writer_failed(w, path, err);
}

static int write_bytes(struct archive_writer *w, const char *path, const void *data, size_t len,
                       struct error *err)
{
    const char *p = data;
    while (len > 0) {
        la_ssize_t n = archive_write_data(w->a, p, len);
        if (n <= 0)
            return writer_failed(w, path, err);
        p += n;
        len -= (size_t) n;
    }
    return 0;
}

int archive_writer_dir(struct archive_writer *w, const char *path, mode_t mode, struct error *err)
{
    AUTO_ENTRY *entry = new_entry(w, path, AE_IFDIR, mode);
    return write_header(w, path, entry, err);
}

int archive_writer_symlink(struct archive_writer *w, const char *path, const char *target,
                           struct error *err)
{
    AUTO_ENTRY *entry = new_entry(w, path, AE_IFLNK, 0777);
    archive_entry_copy_symlink(entry, target);
    return write_header(w, path, entry, err);
}

int archive_writer_hardlink(struct archive_writer *w, const char *path, mode_t mode,
                            const char *target, struct error *err)
{
    AUTO_ENTRY *entry = new_entry(w, path, AE_IFREG, mode);
    archive_entry_copy_hardlink(entry, target);
    return write_header(w, path, entry, err);
}

int archive_writer_data(struct archive_writer *w, const char *path, mode_t mode, const void *data,
                        size_t len, struct error *err)
{
    AUTO_ENTRY *entry = new_entry(w, path, AE_IFREG, mode);
    archive_entry_set_size(entry, (la_int64_t) len);
    int r = write_header(w, path, entry, err);
    return r < 0 ? r : write_bytes(w, path, data, len, err);
}

static int copy_content(struct archive_writer *w, const char *path, int fd, uint64_t size,
                        struct error *err)
{
    AUTO_FREE char *block = xcalloc(READ_BLOCK, 1);
    while (size > 0) {
        size_t n = size < READ_BLOCK ? (size_t) size : READ_BLOCK;
        int r = fd_read_full(fd, block, n);
        if (r == -ENODATA || r == -EPIPE)
            return error_set(err, -EIO, "%s shrank while it was read", path);
        if (r < 0)
            return error_errno(err, r, "read %s", path);
        r = write_bytes(w, path, block, n, err);
        if (r < 0)
            return r;
        size -= n;
    }
    return 0;
}

int archive_writer_file(struct archive_writer *w, const char *path, mode_t mode, const char *source,
                        struct error *err)
{
    AUTO_FD fd = open(source, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_errno(err, -errno, "open %s", source);
    if (!S_ISREG(st.st_mode))
        return error_set(err, -EINVAL, "%s is not a regular file", source);
    AUTO_ENTRY *entry = new_entry(w, path, AE_IFREG, mode);
    archive_entry_set_size(entry, st.st_size);
    int r = write_header(w, path, entry, err);
    return r < 0 ? r : copy_content(w, source, fd, (uint64_t) st.st_size, err);
}

static int write_link_of(struct archive_writer *w, const char *path, const char *source,
                         struct error *err)
{
    char target[PATH_MAX];
    ssize_t n = readlink(source, target, sizeof(target));
    if (n < 0 || (size_t) n == sizeof(target))
        return error_errno(err, n < 0 ? -errno : -ENAMETOOLONG, "read symlink %s", source);
    target[n] = '\0';
    return archive_writer_symlink(w, path, target, err);
}

static int write_tree_entry(struct archive_writer *w, const char *path, const char *source,
                            struct error *err)
{
    struct stat st;
    if (lstat(source, &st) < 0)
        return error_errno(err, -errno, "look at %s", source);
    if (S_ISREG(st.st_mode))
        return archive_writer_file(w, path, st.st_mode & 07777, source, err);
    if (S_ISLNK(st.st_mode))
        return write_link_of(w, path, source, err);
    if (!S_ISDIR(st.st_mode))
        return error_set(err, -EINVAL, "%s is no file, folder or symlink", source);
    int r = archive_writer_dir(w, path, st.st_mode & 07777, err);
    return r < 0 ? r : archive_writer_tree(w, path, source, err);
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

int archive_writer_tree(struct archive_writer *w, const char *prefix, const char *source_dir,
                        struct error *err)
{
    struct dirent **names = NULL;
    int count = scandir(source_dir, &names, NULL, compare_names);
    if (count < 0)
        return error_errno(err, -errno, "list %s", source_dir);
    int r = 0;
    for (int i = 0; i < count; i++) {
        const char *name = names[i]->d_name;
        if (r == 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            AUTO_FREE char *path = path_join(prefix, name);
            AUTO_FREE char *source = path_join(source_dir, name);
            r = write_tree_entry(w, path, source, err);
        }
        free(names[i]);
    }
    free(names);
    return r;
}

int archive_writer_close(struct archive_writer **w, struct error *err)
{
    int r = archive_write_close((*w)->a) == ARCHIVE_OK ? 0 : writer_failed(*w, "the end", err);
    archive_write_free((*w)->a);
    free(*w);
    *w = NULL;
    return r;
}

void archive_writer_abort(struct archive_writer **w)
{
    if (!*w)
        return;
    archive_write_free((*w)->a);
    free(*w);
    *w = NULL;
}
