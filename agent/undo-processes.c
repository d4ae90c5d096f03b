/* Processes of pods and of container shims, which outlive the service that started them. */
#include "agent/ledger-kinds.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/strbuf.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CGROUP_ROOT "/sys/fs/cgroup"
#define CGROUP_DEPTH_MAX 16
#define PROC_TEXT_MAX (64 * 1024)
#define END_WAIT_MS 10000 /* SIGKILL takes effect when a process leaves the kernel */
#define END_STEP_MS 50

static void close_folder(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}
#define AUTO_DIR CLEANUP(close_folder) DIR

typedef bool (*process_match_fn)(pid_t pid, const char *what);

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

/* In a group of that name, or ("kubepods" → "kubepods.slice") one that starts so. In a container
 * the top-level group may have others in front of it. */
static bool in_cgroup(pid_t pid, const char *name)
{
    AUTO_FREE char *path = xasprintf("/proc/%d/cgroup", pid);
    AUTO_FREE char *group = xasprintf("/%s", name);
    STRBUF(text, PROC_TEXT_MAX);
    char program[PATH_MAX];
    return read_program(pid, program) && file_read(path, &text, NULL) >= 0 &&
           strstr(text.data, group) != NULL;
}

/* Sends SIGKILL to every process that matches; how many there were. */
static int kill_matching(process_match_fn matches, const char *what)
{
    AUTO_DIR *proc = opendir("/proc");
    int found = 0;
    for (const struct dirent *e; proc && (e = readdir(proc));) {
        pid_t pid = (pid_t) strtol(e->d_name, NULL, 10);
        if (pid <= 1 || pid == getpid() || !matches(pid, what))
            continue;
        found++;
        kill(pid, SIGKILL);
    }
    return found;
}

/* Again until none is left: a process may fork while it is being looked for. */
static int end_matching(process_match_fn matches, const char *what, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + END_WAIT_MS;
    for (;;) {
        int found = kill_matching(matches, what);
        if (found == 0)
            return 0;
        if (clock_left_ms(deadline) == 0)
            return error_set(err, -EBUSY, "%d processes of %s do not end", found, what);
        usleep(END_STEP_MS * 1000);
    }
}

int undo_program(const char *path, struct error *err)
{
    return end_matching(runs_program, path, err);
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

static int remove_groups_in(const char *parent, const char *name, struct error *err)
{
    AUTO_DIR *dir = opendir(parent);
    int result = 0;
    for (const struct dirent *e; dir && (e = readdir(dir));) {
        if (e->d_type != DT_DIR || strncmp(e->d_name, name, strlen(name)) != 0)
            continue;
        AUTO_FREE char *group = path_join(parent, e->d_name);
        int r = remove_group(group, CGROUP_DEPTH_MAX, result < 0 ? NULL : err);
        if (r < 0 && result >= 0)
            result = r;
    }
    return result;
}

/* cgroup v2 has its groups right below the root, v1 below one folder a controller. */
static int remove_groups(const char *name, struct error *err)
{
    AUTO_DIR *dir = opendir(CGROUP_ROOT);
    int result = remove_groups_in(CGROUP_ROOT, name, err);
    for (const struct dirent *e; dir && (e = readdir(dir));) {
        if (e->d_type != DT_DIR || e->d_name[0] == '.')
            continue;
        AUTO_FREE char *controller = path_join(CGROUP_ROOT, e->d_name);
        int r = remove_groups_in(controller, name, result < 0 ? NULL : err);
        if (r < 0 && result >= 0)
            result = r;
    }
    return result;
}

int undo_cgroup(const char *name, struct error *err)
{
    if (!path_is_safe_relative(name) || strchr(name, '/'))
        return error_set(err, -EINVAL, "\"%s\" is not the name of a cgroup", name);
    int64_t deadline = clock_monotonic_ms() + END_WAIT_MS;
    int r = end_matching(in_cgroup, name, err);
    if (r < 0)
        return r;
    /* A process that was killed holds its group until it is gone altogether. */
    while ((r = remove_groups(name, err)) == -EBUSY && clock_left_ms(deadline) > 0)
        usleep(END_STEP_MS * 1000);
    return r;
}
