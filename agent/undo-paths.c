/* Files, links and folders back to what they were. */
#include "agent/ledger-kinds.h"
#include "agent/ledger.h"
#include "lib/digest.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder goes only when it is empty: what is in it is not ours, or has a record of its own. One
 * that a disk was mounted on since stays, too. */
static int remove_ours(const char *path, struct error *err)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0
                                                   : error_errno(err, -errno, "look at %s", path);
    if (!S_ISDIR(st.st_mode))
        return unlink(path) < 0 && errno != ENOENT ? error_errno(err, -errno, "remove %s", path)
                                                   : 0;
    if (rmdir(path) == 0 || errno == ENOENT || errno == ENOTEMPTY || errno == EEXIST ||
        errno == EBUSY)
        return 0;
    return error_errno(err, -errno, "remove %s", path);
}

/* The ledger is emptied soon, perhaps on another disk: by then the name must be safe as well. */
static int put_in_place(const char *temporary, const char *path)
{
    AUTO_FREE char *dir = path_dirname(path);
    AUTO_FD fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return rename(temporary, path) < 0 || fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int dress(int fd, const json_t *former)
{
    struct timespec times[2] = {
        {.tv_nsec = UTIME_OMIT},
        {.tv_sec = (time_t) json_get_int(former, "mtime", 0),
         .tv_nsec = (long) json_get_int(former, "mtime_ns", 0)},
    };
    if (fchown(fd, (uid_t) json_get_int(former, "uid", 0), (gid_t) json_get_int(former, "gid", 0)) <
            0 ||
        fchmod(fd, (mode_t) json_get_int(former, "mode", 0600)) < 0 || futimens(fd, times) < 0)
        return -errno;
    return fsync(fd) < 0 ? -errno : 0;
}

static bool has_content(const char *path, const char *hex)
{
    struct stat st;
    char digest[DIGEST_SIZE];
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
           digest_file(path, digest, NULL, NULL) >= 0 && strcmp(strchr(digest, ':') + 1, hex) == 0;
}

static int copy_content(const char *from_path, int to)
{
    char buffer[64 * 1024];
    AUTO_FD from = open(from_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (from < 0)
        return -errno;
    for (;;) {
        ssize_t n = read(from, buffer, sizeof buffer);
        if (n <= 0)
            return n < 0 ? -errno : 0;
        int r = fd_write_all(to, buffer, (size_t) n);
        if (r < 0)
            return r;
    }
}

static int restore_content(const char *path, const char *kept, const json_t *former,
                           struct error *err)
{
    AUTO_FREE char *dir = path_dirname(path);
    AUTO_FREE char *temporary = xasprintf("%s/.%.200s.XXXXXX", dir, path_basename(path));
    int r = path_mkdir_p(dir, 0755, err);
    if (r < 0)
        return r;
    AUTO_FD fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, -errno, "create a file in %s", dir);
    r = copy_content(kept, fd);
    if (r >= 0)
        r = dress(fd, former);
    if (r >= 0)
        r = put_in_place(temporary, path);
    if (r < 0)
        unlink(temporary);
    return r < 0 ? error_errno(err, r, "restore %s", path) : 0;
}

static int restore_file(const char *path, const json_t *former, const char *former_dir,
                        struct error *err)
{
    const char *hex = json_get_string(former, "sha256", "");
    if (has_content(path, hex)) {
        AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        int r = fd < 0 ? -errno : dress(fd, former);
        return r < 0 ? error_errno(err, r, "restore mode and times of %s", path) : 0;
    }
    AUTO_FREE char *kept = path_join(former_dir, hex);
    if (has_content(kept, hex))
        return restore_content(path, kept, former, err);
    return error_set(err, -EBADMSG, "the former content of %s is lost or damaged (%s)", path, kept);
}

static int restore_link(const char *path, const char *target, struct error *err)
{
    AUTO_FREE char *temporary = xasprintf("%s.bigtop-old", path);
    unlink(temporary);
    int r = symlink(target, temporary) < 0 ? -errno : put_in_place(temporary, path);
    if (r == 0)
        return 0;
    unlink(temporary);
    return error_errno(err, r, "restore link %s", path);
}

int undo_path(const json_t *record, const char *former_dir, struct error *err)
{
    const char *path = json_get_string(record, "name", "");
    const json_t *former = json_object_get(record, "former");
    AUTO_FREE char *part = xasprintf("%s" LEDGER_PART_SUFFIX, path);
    unlink(part);
    if (!json_is_object(former))
        return remove_ours(path, err);
    if (strcmp(json_get_string(former, "type", ""), "link") == 0)
        return restore_link(path, json_get_string(former, "target", ""), err);
    return restore_file(path, former, former_dir, err);
}

static bool holds_protected(const char *path, const struct strv *protect)
{
    for (size_t i = 0; i < protect->count; i++)
        if (path_is_at_or_below(protect->items[i], path))
            return true;
    return false;
}

static int remove_except(const char *path, const json_t *kept, const struct strv *protect,
                         struct error *err);

static int remove_child(const char *path, const struct strv *protect, struct error *err)
{
    if (strv_contains(protect, path))
        return 0;
    if (holds_protected(path, protect))
        return remove_except(path, NULL, protect, err);
    return path_remove_tree(path, err);
}

/* Everything in the folder but the kept names and the protected folders. The first error is the one
 * told; the rest is removed all the same. */
static int remove_except(const char *path, const json_t *kept, const struct strv *protect,
                         struct error *err)
{
    AUTO_DIR *dir = opendir(path);
    if (!dir)
        return errno == ENOENT ? 0 : error_errno(err, -errno, "list %s", path);
    int result = 0;
    for (const struct dirent *e; (e = readdir(dir));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            json_has_text(kept, e->d_name))
            continue;
        AUTO_FREE char *child = path_join(path, e->d_name);
        int r = remove_child(child, protect, result < 0 ? NULL : err);
        if (r < 0 && result >= 0)
            result = r;
    }
    return result;
}

int undo_tree(const json_t *record, const struct strv *protect, struct error *err)
{
    const char *path = json_get_string(record, "name", "");
    const json_t *kept = json_object_get(record, "kept");
    bool existed = json_get_bool(record, "existed", false);
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0
                                                   : error_errno(err, -errno, "look at %s", path);
    if (!existed && !holds_protected(path, protect))
        return path_remove_tree(path, err);
    return S_ISDIR(st.st_mode) ? remove_except(path, kept, protect, err) : 0;
}
