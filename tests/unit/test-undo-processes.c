/* Processes, cgroups and mounts that outlive the services that made them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/ledger-kinds.h"
#include "agent/ledger.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[64];

static int setup(void **state)
{
    (void) state;
    snprintf(root, sizeof root, "/tmp/test-undo-processes.XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
    (void) state;
    return path_remove_tree(root, NULL);
}

/* A mount namespace of our own, from which nothing propagates. */
static int setup_mounts(void **state)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return -1;
    return setup(state);
}

static char *at(const char *name)
{
    return path_join(root, name);
}

static void copy_program(const char *from, const char *to)
{
    STRBUF(content, 64u << 20);
    assert_int_equal(file_read(from, &content, NULL), 0);
    assert_int_equal(file_write_atomic(to, content.data, content.len, 0755, NULL), 0);
}

static pid_t start(const char *program)
{
    pid_t pid = fork();
    if (pid == 0) {
        execl(program, program, "60", (char *) NULL);
        _exit(127);
    }
    return pid;
}

static void await_exec(pid_t pid, const char *program)
{
    AUTO_FREE char *link = xasprintf("/proc/%d/exe", pid);
    for (int i = 0; i < 500; i++) {
        char target[4096] = "";
        if (readlink(link, target, sizeof target - 1) > 0 && strcmp(target, program) == 0)
            return;
        usleep(10000);
    }
    fail_msg("%s did not start", program);
}

static void test_program_is_ended_others_stay(void **state)
{
    (void) state;
    AUTO_FREE char *shim = at("shim");
    AUTO_FREE char *other = at("shim-of-others");
    /* An init would reap them; here nobody does before undo looks, so zombies are let go. */
    signal(SIGCHLD, SIG_IGN);
    copy_program("/bin/sleep", shim);
    copy_program("/bin/sleep", other);
    pid_t ours[2] = {start(shim), start(shim)};
    pid_t theirs = start(other);
    await_exec(ours[0], shim);
    await_exec(ours[1], shim);
    await_exec(theirs, other);
    assert_int_equal(unlink(shim), 0);
    assert_int_equal(undo_program(shim, NULL), 0);
    assert_int_equal(kill(ours[0], 0), -1);
    assert_int_equal(kill(ours[1], 0), -1);
    assert_int_equal(kill(theirs, 0), 0);
    assert_int_equal(undo_program(shim, NULL), 0);
    kill(theirs, SIGKILL);
    signal(SIGCHLD, SIG_DFL);
}

static bool is_cgroup_root(const char *path)
{
    AUTO_FREE char *procs = path_join(path, "cgroup.procs");
    return access(procs, W_OK) == 0;
}

/* Where a group can be made on this machine: v2's root, or a controller of v1. */
static char *cgroup_parent(void)
{
    static const char *const parents[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/pids",
                                          "/sys/fs/cgroup/unified"};
    for (size_t i = 0; i < ARRAY_SIZE(parents); i++)
        if (is_cgroup_root(parents[i]))
            return xstrdup(parents[i]);
    return NULL;
}

static pid_t start_in(const char *group)
{
    AUTO_FREE char *procs = path_join(group, "cgroup.procs");
    pid_t pid = start("/bin/sleep");
    AUTO_FREE char *text = xasprintf("%d", pid);
    AUTO_FD fd = open(procs, O_WRONLY | O_CLOEXEC);
    assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
    return pid;
}

/* As a cluster in containers of this host has them. */
static void test_cgroup_below_another_stays(void **state)
{
    (void) state;
    AUTO_FREE char *parent = cgroup_parent();
    if (!parent)
        skip();
    AUTO_FREE char *name = xasprintf("bigtop-test-%d", getpid());
    AUTO_FREE char *container = xasprintf("%s/container-%d", parent, getpid());
    AUTO_FREE char *group = path_join(container, name);
    assert_int_equal(mkdir(container, 0755), 0);
    assert_int_equal(mkdir(group, 0755), 0);
    signal(SIGCHLD, SIG_IGN);
    pid_t pid = start_in(group);
    assert_int_equal(undo_cgroup(name, NULL), 0);
    assert_int_equal(kill(pid, 0), 0);
    kill(pid, SIGKILL);
    for (int i = 0; i < 500 && rmdir(group) < 0; i++)
        usleep(10000);
    assert_int_equal(rmdir(container), 0);
    signal(SIGCHLD, SIG_DFL);
}

static void test_cgroup_is_emptied_and_removed(void **state)
{
    (void) state;
    AUTO_FREE char *parent = cgroup_parent();
    if (!parent)
        skip();
    AUTO_FREE char *name = xasprintf("bigtop-test-%d", getpid());
    AUTO_FREE char *group = path_join(parent, name);
    AUTO_FREE char *pod = path_join(group, "pod1");
    assert_int_equal(mkdir(group, 0755), 0);
    assert_int_equal(mkdir(pod, 0755), 0);
    signal(SIGCHLD, SIG_IGN);
    pid_t pid = start_in(pod);
    struct error err = ERROR_INIT;
    if (undo_cgroup(name, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(access(group, F_OK), -1);
    assert_int_equal(undo_cgroup(name, NULL), 0);
    assert_int_equal(undo_cgroup("../x", NULL), -EINVAL);
    assert_int_equal(undo_cgroup("", NULL), -EINVAL);
    signal(SIGCHLD, SIG_DFL);
}

static void mount_tmpfs(const char *path)
{
    assert_int_equal(path_mkdir_p(path, 0755, NULL), 0);
    assert_int_equal(mount("tmpfs", path, "tmpfs", 0, "size=64k"), 0);
}

static bool is_mounted(const char *path)
{
    STRBUF(text, 1 << 20);
    AUTO_FREE char *needle = xasprintf(" %s ", path);
    assert_int_equal(file_read("/proc/self/mountinfo", &text, NULL), 0);
    return strstr(text.data, needle) != NULL;
}

static void test_mounts_end_before_trees_go(void **state)
{
    (void) state;
    AUTO_LEDGER *l = NULL;
    AUTO_FREE char *path = at("ledger");
    AUTO_FREE char *tree = at("kubelet");
    AUTO_FREE char *inner = at("kubelet/pods/a b");
    AUTO_FREE char *deeper = at("kubelet/pods/a b/deeper");
    AUTO_FREE char *foreign = at("kubelet-of-others");
    AUTO_FREE char *canary = at("kubelet-of-others/canary");
    AUTO_FREE char *netns = at("cni-123");
    AUTO_FREE char *netns_pattern = at("cni-*");
    assert_int_equal(ledger_open(path, &l, NULL), 0);
    assert_int_equal(ledger_will_appear(l, "mount-below", tree, NULL), 0);
    assert_int_equal(ledger_will_appear(l, "mount-below", netns_pattern, NULL), 0);
    assert_int_equal(ledger_will_own_tree(l, tree, NULL), 0);
    assert_int_equal(path_mkdir_p(tree, 0755, NULL), 0);
    mount_tmpfs(inner);
    mount_tmpfs(deeper);
    mount_tmpfs(foreign);
    assert_int_equal(file_write_atomic(canary, "c", 1, 0644, NULL), 0);
    assert_int_equal(file_write_atomic(netns, "", 0, 0644, NULL), 0);
    assert_int_equal(mount("/proc/self/ns/net", netns, NULL, MS_BIND, NULL), 0);
    struct error err = ERROR_INIT;
    if (ledger_undo(l, NULL, NULL, NULL, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(access(tree, F_OK), -1);
    assert_int_equal(access(netns, F_OK), -1);
    assert_true(is_mounted(foreign));
    assert_int_equal(file_is(canary, "c", 1, 0644), 1);
    assert_int_equal(umount2(foreign, 0), 0);
}

/* A disk for the volumes is emptied when it is named, and stays mounted. */
static void test_volumes_on_a_disk_of_their_own(void **state)
{
    (void) state;
    AUTO_LEDGER *l = NULL;
    AUTO_FREE char *path = at("ledger-volumes");
    AUTO_FREE char *volumes = at("volumes");
    AUTO_FREE char *file = at("volumes/pvc-1/data");
    AUTO_FREE char *folder = at("volumes/pvc-1");
    STRV(named);
    strv_add(&named, volumes);
    assert_int_equal(ledger_open(path, &l, NULL), 0);
    assert_int_equal(ledger_mkdir(l, volumes, 0700, NULL), 1);
    assert_int_equal(ledger_will_appear(l, "data", volumes, NULL), 0);
    mount_tmpfs(volumes);
    assert_int_equal(mkdir(folder, 0755), 0);
    assert_int_equal(file_write_atomic(file, "d", 1, 0644, NULL), 0);
    struct error err = ERROR_INIT;
    if (ledger_undo(l, &named, NULL, NULL, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(access(folder, F_OK), -1);
    assert_true(is_mounted(volumes));
    assert_int_equal(umount2(volumes, 0), 0);
}

/* A session's runtime folder, swap in memory before a reboot: no reason never to come to an end. */
static void test_what_is_gone_is_undone(void **state)
{
    (void) state;
    AUTO_LEDGER *l = NULL;
    AUTO_FREE char *path = at("ledger-gone");
    AUTO_FREE char *gone = at("no-such-folder");
    AUTO_FREE char *unmounted = at("no-mount");
    AUTO_FREE char *not_set_up = at("no-swap");
    assert_int_equal(ledger_open(path, &l, NULL), 0);
    assert_int_equal(mkdir(unmounted, 0755), 0);
    assert_int_equal(file_write_atomic(not_set_up, "", 0, 0600, NULL), 0);
    assert_int_equal(ledger_will_appear(l, "shared-mount", gone, NULL), 0);
    assert_int_equal(ledger_will_appear(l, "shared-mount", unmounted, NULL), 0);
    assert_int_equal(ledger_swap_off(l, gone, NULL), 0);
    assert_int_equal(ledger_swap_off(l, not_set_up, NULL), 0);
    struct error err = ERROR_INIT;
    if (ledger_undo(l, NULL, NULL, NULL, &err) < 0)
        fail_msg("%s", err.text);
}

static void test_foreign_mount_in_our_tree_is_not_emptied(void **state)
{
    (void) state;
    AUTO_LEDGER *l = NULL;
    AUTO_FREE char *path = at("ledger");
    AUTO_FREE char *tree = at("tree");
    AUTO_FREE char *disk = at("tree/disk");
    AUTO_FREE char *canary = at("tree/disk/canary");
    assert_int_equal(ledger_open(path, &l, NULL), 0);
    assert_int_equal(ledger_will_own_tree(l, tree, NULL), 0);
    mount_tmpfs(disk);
    assert_int_equal(file_write_atomic(canary, "c", 1, 0644, NULL), 0);
    struct error err = ERROR_INIT;
    assert_true(ledger_undo(l, NULL, NULL, NULL, &err) < 0);
    assert_non_null(strstr(err.text, disk));
    assert_int_equal(file_is(canary, "c", 1, 0644), 1);
    assert_int_equal(umount2(disk, 0), 0);
    assert_int_equal(ledger_undo(l, NULL, NULL, NULL, &err), 0);
    assert_int_equal(access(tree, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_program_is_ended_others_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cgroup_is_emptied_and_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cgroup_below_another_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mounts_end_before_trees_go, setup_mounts, teardown),
        cmocka_unit_test_setup_teardown(test_volumes_on_a_disk_of_their_own, setup_mounts,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_is_gone_is_undone, setup_mounts, teardown),
        cmocka_unit_test_setup_teardown(test_foreign_mount_in_our_tree_is_not_emptied, setup_mounts,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
