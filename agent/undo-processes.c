/* Processes of pods and of container shims, which outlive the service that started them. */
#include "agent/ledger-kinds.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/strbuf.h"
#include "lib/strv.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CGROUP_ROOT "/sys/fs/cgroup"
#define CGROUP_DEPTH_MAX 16
#define PROCS_MAX (1024 * 1024) /* bytes of pids; more are read the next time */
#define END_WAIT_MS 10000       /* SIGKILL takes effect when a process leaves the kernel */
#define END_STEP_MS 50

/* False for kernel threads, and for those that have ended and wait for their parent. */
static bool read_program(pid_t pid, char out[PATH_MAX])
{
    AUTO_FREE char *link = xasprintf("/proc/%d/exe", pid);
    ssize_t n = readlink(link, out, PATH_MAX - 1);
    out[n > 0 ? n : 0] = '\0';
    return n > 0;
}

static bool runs_program(pid_t pid, const char *program)
{
    char target[PATH_MAX];
    if (!read_program(pid, target))
        return false;
    char *deleted = strstr(target, " (deleted)");
    if (deleted)
        *deleted = '\0';
    return strcmp(target, program) == 0;
}

/* SIGKILL for a process that has not ended yet; whether there was one. */
static bool kill_process(pid_t pid)
{
    char program[PATH_MAX];
    if (pid <= 1 || pid == getpid() || !read_program(pid, program))
        return false;
    kill(pid, SIGKILL);
    return true;
}

/* To every process of the program; how many there were. */
static int kill_program(const char *program)
{
    AUTO_DIR *proc = opendir("/proc");
    int found = 0;
    for (const struct dirent *e; proc && (e = readdir(proc));) {
        pid_t pid = (pid_t) strtol(e->d_name, NULL, 10);
        found += pid > 1 && runs_program(pid, program) && kill_process(pid);
    }
    return found;
}

/* Again until none is left: a process may fork while it is being looked for. */
static int end_all(int (*kill_them)(const char *what), const char *what, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + END_WAIT_MS;
    for (;;) {
        int found = kill_them(what);
        if (found == 0)
            return 0;
        if (clock_left_ms(deadline) == 0)
            return error_set(err, -EBUSY, "%d processes of %s do not end", found, what);
        usleep(END_STEP_MS * 1000);
    }
}

int undo_program(const char *path, struct error *err)
{
    return end_all(kill_program, path, err);
}

/* What is done to a group and those below it: 0 or more, -errno. */
typedef int (*group_fn)(const char *path, int depth, struct error *err);

static int kill_members(const char *path)
{
    AUTO_FREE char *list = path_join(path, "cgroup.procs");
    STRBUF(text, PROCS_MAX);
    STRV(pids);
    int found = 0;
    file_read(list, &text, NULL); /* a group that is gone has none */
    strv_split(&pids, text.data, '\n');
    for (size_t i = 0; i < pids.count; i++)
        found += kill_process((pid_t) strtol(pids.items[i], NULL, 10));
    return found;
}

static int kill_group(const char *path, int depth, struct error *err)
{
    AUTO_DIR *dir = depth > 0 ? opendir(path) : NULL;
    int found = kill_members(path);
    for (const struct dirent *e; dir && (e = readdir(dir));) {
        if (e->d_type != DT_DIR || e->d_name[0] == '.')
            continue;
        AUTO_FREE char *child = path_join(path, e->d_name);
        found += kill_group(child, depth - 1, err);
    }
    return found;
}

/* Deepest first; a group that the kernel still holds is told by rmdir. */
static int remove_group(const char *path, int depth, struct error *err)
{
    AUTO_DIR *dir = depth > 0 ? opendir(path) : NULL;
    if (!dir)
        return errno == ENOENT ? 0 : error_errno(err, -errno, "open %s", path);
    int result = 0;
    for (const struct dirent *e; result >= 0 && (e = readdir(dir));) {
        if (e->d_type != DT_DIR || e->d_name[0] == '.')
            continue;
        AUTO_FREE char *child = path_join(path, e->d_name);
        result = remove_group(child, depth - 1, err);
    }
    if (result >= 0 && rmdir(path) < 0 && errno != ENOENT)
        result = error_errno(err, -errno, "remove %s", path);
    return result;
}

static int each_group_in(const char *parent, const char *name, group_fn fn, struct error *err)
{
    AUTO_DIR *dir = opendir(parent);
    int result = 0;
    for (const struct dirent *e; dir && (e = readdir(dir));) {
        if (e->d_type != DT_DIR || strncmp(e->d_name, name, strlen(name)) != 0)
            continue;
        AUTO_FREE char *group = path_join(parent, e->d_name);
        int r = fn(group, CGROUP_DEPTH_MAX, result < 0 ? NULL : err);
        if (result >= 0)
            result = r < 0 ? r : result + r;
    }
    return result;
}

/* The top-level groups of that name, or ("kubepods" → "kubepods.slice") that start so: those of
 * others are deeper, a cluster in containers of this host has its own. cgroup v2 has its groups
 * right below the root, v1 below one folder a controller. */
static int each_group(const char *name, group_fn fn, struct error *err)
{
    if (access(CGROUP_ROOT "/cgroup.controllers", F_OK) == 0)
        return each_group_in(CGROUP_ROOT, name, fn, err);
    AUTO_DIR *dir = opendir(CGROUP_ROOT);
    int result = 0;
    for (const struct dirent *e; dir && (e = readdir(dir));) {
        if (e->d_type != DT_DIR || e->d_name[0] == '.')
            continue;
        AUTO_FREE char *controller = path_join(CGROUP_ROOT, e->d_name);
        int r = each_group_in(controller, name, fn, result < 0 ? NULL : err);
        if (result >= 0)
            result = r < 0 ? r : result + r;
    }
    return result;
}

static int kill_groups(const char *name)
{
    return each_group(name, kill_group, NULL);
}

int undo_cgroup(const char *name, struct error *err)
{
    if (!path_is_safe_relative(name) || strchr(name, '/'))
        return error_set(err, -EINVAL, "\"%s\" is not the name of a cgroup", name);
    int64_t deadline = clock_monotonic_ms() + END_WAIT_MS;
    int r = end_all(kill_groups, name, err);
    if (r < 0)
        return r;
    /* A process that was killed holds its group until it is gone altogether. */
    while ((r = each_group(name, remove_group, err)) == -EBUSY && clock_left_ms(deadline) > 0)
        usleep(END_STEP_MS * 1000);
    return r;
}
