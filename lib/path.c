#include "lib/path.h"

#include "lib/fd.h"
#include "lib/strbuf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

char *path_join(const char *dir, const char *name)
{
    size_t len = strlen(dir);
    while (len > 0 && dir[len - 1] == '/')
        len--;
    while (*name == '/')
        name++;
    if (len == 0 && dir[0] != '/')
        return xstrdup(name);
    return xasprintf("%.*s/%s", (int) len, dir, name);
}

char *path_dirname(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return xstrdup(".");
    while (slash > path && slash[-1] == '/')
        slash--;
    return slash == path ? xstrdup("/") : xstrndup(path, (size_t) (slash - path));
}

const char *path_basename(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int make_folder(const char *path, mode_t mode)
{
    struct stat st;
    if (mkdir(path, mode) == 0)
        return 0;
    if (errno != EEXIST && errno != EROFS && errno != EACCES)
        return -errno;
    int why = errno;
    if (stat(path, &st) < 0)
        return -why;
    return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int path_mkdir_p(const char *path, mode_t mode, struct error *err)
{
    AUTO_FREE char *part = xstrdup(path);
    for (char *p = part + 1; part[0]; p++) {
        if (*p != '/' && *p)
            continue;
        char kept = *p;
        *p = '\0';
        int r = make_folder(part, mode);
        if (r < 0)
            return error_errno(err, r, "create folder %s", part);
        *p = kept;
        if (!kept)
            break;
    }
    return part[0] ? 0 : error_set(err, -ENOENT, "create folder: its name is empty");
}

int path_make_empty(const char *path, mode_t mode, struct error *err)
{
    int r = path_mkdir_p(path, mode, err);
    r = r < 0 ? r : path_is_empty(path, err);
    if (r < 0)
        return r;
    return r ? 0 : error_set(err, -ENOTEMPTY, "%s is not empty", path);
}

int path_is_empty(const char *path, struct error *err)
{
    AUTO_DIR *dir = opendir(path);
    if (!dir)
        return errno == ENOENT ? 1 : error_errno(err, -errno, "list %s", path);
    for (const struct dirent *e; (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            return 0;
    return 1;
}

void path_close_dir(DIR **dir)
{
    if (*dir)
        closedir(*dir);
    *dir = NULL;
}

static bool is_safe_component(const char *s, size_t len)
{
    if (len == 0 || len > NAME_MAX || (len <= 2 && strncmp(s, "..", len) == 0))
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char) s[i] < 0x20 || s[i] == 0x7f)
            return false;
    return true;
}

bool path_is_at_or_below(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

bool path_is_safe_relative(const char *path)
{
    if (path[0] == '-' || strlen(path) >= PATH_MAX)
        return false;
    for (;;) {
        const char *end = strchrnul(path, '/');
        if (!is_safe_component(path, (size_t) (end - path)))
            return false;
        if (!*end)
            return true;
        path = end + 1;
    }
}

static int open_resolved(int dir_fd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
    struct open_how how = {.flags = (unsigned) (flags | O_CLOEXEC), .resolve = resolve};
    if (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)))
        how.mode = mode;
    for (int attempt = 0; attempt < 100; attempt++) {
        long fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
        if (fd >= 0)
            return (int) fd;
        /* EAGAIN: something in the tree was renamed while the kernel walked it. */
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
    }
    return -EAGAIN;
}

/* ".." is allowed at the front only, where the folder it is applied to is known not to be a
 * symlink: "a/b/.." may lead anywhere when b is one. */
bool path_link_stays_inside(const char *path, const char *target)
{
    if (!*target || *target == '/' || strlen(target) >= PATH_MAX)
        return false;
    for (const char *p = target; *p; p++)
        if ((unsigned char) *p < 0x20 || *p == 0x7f)
            return false;
    size_t depth = 0;
    for (const char *p = strchr(path, '/'); p; p = strchr(p + 1, '/'))
        depth++;
    bool named = false;
    for (const char *p = target; *p;) {
        size_t len = strcspn(p, "/");
        bool up = len == 2 && p[0] == '.' && p[1] == '.';
        if (up && (named || depth == 0))
            return false;
        if (up)
            depth--;
        else if (len > 0 && !(len == 1 && p[0] == '.'))
            named = true;
        p += len;
        p += strspn(p, "/");
    }
    return true;
}

int path_open_beneath(int dir_fd, const char *path, int flags, mode_t mode)
{
    return open_resolved(dir_fd, path, flags, mode,
                         RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

static int remove_entry(int parent, const char *name, const char *shown, struct error *err);

/* Goes on past what can't be removed, so that as little as possible is left; the first error is
 * the one reported. */
static int empty_folder(int folder, const char *shown, struct error *err)
{
    AUTO_FD copy = dup(folder);
    AUTO_DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    if (!dir)
        return error_errno(err, -errno, "list %s", shown);
    copy = -1;
    int result = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry)
            break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        AUTO_FREE char *inner = path_join(shown, entry->d_name);
        int r = remove_entry(folder, entry->d_name, inner, result ? NULL : err);
        if (r < 0 && result == 0)
            result = r;
    }
    return result == 0 && errno ? error_errno(err, -errno, "list %s", shown) : result;
}

static int remove_entry(int parent, const char *name, const char *shown, struct error *err)
{
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return error_errno(err, -errno, "remove %s", shown);
    int refused = -errno;
    AUTO_FD folder = open_resolved(parent, name, O_RDONLY | O_DIRECTORY, 0,
                                   RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
    if (folder == -EXDEV)
        return error_set(err, -EBUSY, "remove %s: it is a mount point", shown);
    if (folder < 0)
        return error_errno(err, folder == -ENOTDIR ? refused : folder, "remove %s", shown);
    int r = empty_folder(folder, shown, err);
    if (r < 0)
        return r;
    if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return error_errno(err, -errno, "remove %s", shown);
    return 0;
}

int path_remove_tree(const char *path, struct error *err)
{
    AUTO_FREE char *trimmed = xstrdup(path);
    for (size_t n = strlen(trimmed); n > 1 && trimmed[n - 1] == '/'; n--)
        trimmed[n - 1] = '\0';
    const char *name = path_basename(trimmed);
    if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return error_set(err, -EINVAL, "remove %s: not a folder that can be removed", path);
    AUTO_FREE char *dir = path_dirname(trimmed);
    AUTO_FD parent = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return errno == ENOENT ? 0 : error_errno(err, -errno, "open %s", dir);
    return remove_entry(parent, name, trimmed, err);
}

char *path_expand_home(const char *path)
{
    const char *home = getenv("HOME");
    if (strncmp(path, "~/", 2) != 0 || !home || !*home)
        return xstrdup(path);
    return path_join(home, path + 2);
}

/* The specification: a relative value is to be ignored. */
static char *xdg_dir(const char *variable, const char *fallback)
{
    const char *base = getenv(variable);
    AUTO_FREE char *home = path_expand_home(fallback);
    return path_join(base && base[0] == '/' ? base : home, "bigtop-bootstrap");
}

char *path_cache_dir(void)
{
    return xdg_dir("XDG_CACHE_HOME", "~/.cache");
}

char *path_config_dir(void)
{
    return xdg_dir("XDG_CONFIG_HOME", "~/.config");
}

char *path_state_dir(void)
{
    return xdg_dir("XDG_STATE_HOME", "~/.local/state");
}
