#include "lib/fd.h"
#include "lib/path.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void check_join(const char *dir, const char *name, const char *expected)
{
    AUTO_FREE char *joined = path_join(dir, name);
    assert_string_equal(joined, expected);
}

static void joins_with_one_slash(void **state)
{
    (void) state;
    check_join("a", "b", "a/b");
    check_join("a/", "b", "a/b");
    check_join("a//", "/b", "a/b");
    check_join("/", "b", "/b");
    check_join("", "b", "b");
}

static void check_parts(const char *path, const char *dir, const char *base)
{
    AUTO_FREE char *folder = path_dirname(path);
    assert_string_equal(folder, dir);
    assert_string_equal(path_basename(path), base);
}

static void splits(void **state)
{
    (void) state;
    check_parts("a", ".", "a");
    check_parts("/a", "/", "a");
    check_parts("/a/b", "/a", "b");
    check_parts("a//b", "a", "b");
    check_parts("//a", "/", "a");
}

static void knows_safe_names(void **state)
{
    (void) state;
    static const char *const good[] = {"a",       "a/b",  "usr/bin/kube let",  "..a", "a..",
                                       ".hidden", "a/-b", "gr\xc3\xbc\xc3\x9f"};
    static const char *const bad[] = {"",   "/",    "/a",     "a/",     "a//b", ".",
                                      "..", "./a",  "a/..",   "a/../b", "../a", "a/.",
                                      "-a", "a\nb", "a\x7f/", "\x01"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        if (!path_is_safe_relative(good[i]))
            fail_msg("%s should be safe", good[i]);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (path_is_safe_relative(bad[i]))
            fail_msg("\"%s\" should not be safe", bad[i]);
}

static void refuses_long_names(void **state)
{
    (void) state;
    char path[PATH_MAX + 2];
    memset(path, 'a', sizeof(path));
    path[NAME_MAX] = '\0';
    assert_true(path_is_safe_relative(path));
    path[NAME_MAX] = 'a';
    path[NAME_MAX + 1] = '\0';
    assert_false(path_is_safe_relative(path));
    path[NAME_MAX + 1] = 'a';
    for (size_t i = 1; i < sizeof(path); i += 2)
        path[i] = '/';
    path[PATH_MAX] = '\0';
    path[PATH_MAX - 1] = 'a';
    assert_false(path_is_safe_relative(path));
    path[PATH_MAX - 1] = '\0';
    path[PATH_MAX - 2] = 'a';
    path[PATH_MAX - 3] = 'a';
    assert_true(path_is_safe_relative(path));
}

static void makes_missing_parents(void **state)
{
    AUTO_FREE char *deep = path_join(*state, "a/b//c/");
    struct error err = ERROR_INIT;
    assert_int_equal(path_mkdir_p(deep, 0755, &err), 0);
    assert_int_equal(access(deep, F_OK), 0);
    assert_int_equal(path_mkdir_p(deep, 0755, &err), 0);
    assert_int_equal(path_mkdir_p("/", 0755, &err), 0);
    assert_int_equal(path_mkdir_p("", 0755, &err), -ENOENT);
}

static void a_file_is_not_a_folder(void **state)
{
    AUTO_FREE char *file = path_join(*state, "f");
    AUTO_FREE char *below = path_join(file, "x");
    struct error err = ERROR_INIT;
    assert_int_equal(file_write_atomic(file, "", 0, 0600, NULL), 0);
    assert_int_equal(path_mkdir_p(file, 0755, &err), -ENOTDIR);
    assert_int_equal(path_mkdir_p(below, 0755, &err), -ENOTDIR);
    assert_error_has(err, file);
}

static void opens_beneath_only(void **state)
{
    AUTO_FREE char *sub = path_join(*state, "sub");
    AUTO_FREE char *link = path_join(*state, "sub/link");
    AUTO_FREE char *file = path_join(*state, "sub/file");
    AUTO_FREE char *folder_link = path_join(*state, "sub/d");
    assert_int_equal(mkdir(sub, 0700), 0);
    assert_int_equal(file_write_atomic(file, "x", 1, 0600, NULL), 0);
    assert_int_equal(symlink("file", link), 0);
    assert_int_equal(symlink(".", folder_link), 0);
    AUTO_FD dir = open(sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_FD good = path_open_beneath(dir, "file", O_RDONLY, 0);
    assert_true(good >= 0);
    assert_true(fcntl(good, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(path_open_beneath(dir, "link", O_RDONLY, 0), -ELOOP);
    assert_int_equal(path_open_beneath(dir, "d/file", O_RDONLY, 0), -ELOOP);
    assert_int_equal(path_open_beneath(dir, "../sub/file", O_RDONLY, 0), -EXDEV);
    assert_int_equal(path_open_beneath(dir, file, O_RDONLY, 0), -EXDEV);
    assert_int_equal(path_open_beneath(dir, "missing", O_RDONLY, 0), -ENOENT);
    AUTO_FD made = path_open_beneath(dir, "new", O_WRONLY | O_CREAT | O_EXCL, 0640);
    assert_true(made >= 0);
}

static void removes_trees_but_not_what_links_point_at(void **state)
{
    AUTO_FREE char *tree = path_join(*state, "tree");
    AUTO_FREE char *deep = path_join(tree, "a/b/c");
    AUTO_FREE char *outside = path_join(*state, "outside");
    AUTO_FREE char *precious = path_join(outside, "precious");
    AUTO_FREE char *link = path_join(deep, "link");
    struct error err = ERROR_INIT;
    assert_int_equal(path_mkdir_p(deep, 0700, NULL), 0);
    assert_int_equal(path_mkdir_p(outside, 0700, NULL), 0);
    assert_int_equal(file_write_atomic(precious, "x", 1, 0600, NULL), 0);
    assert_int_equal(symlink(outside, link), 0);
    assert_int_equal(path_remove_tree(tree, &err), 0);
    assert_int_equal(access(tree, F_OK), -1);
    assert_int_equal(access(precious, F_OK), 0);

    assert_int_equal(symlink(outside, tree), 0);
    assert_int_equal(path_remove_tree(tree, &err), 0);
    assert_int_equal(access(precious, F_OK), 0);
    assert_int_equal(path_remove_tree(tree, &err), 0); /* nothing there: fine */
    assert_int_equal(path_remove_tree("/nonexistent/x", &err), 0);
}

static void refuses_to_remove_what_has_no_name(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    assert_int_equal(path_remove_tree("/", &err), -EINVAL);
    assert_int_equal(path_remove_tree("", &err), -EINVAL);
    assert_int_equal(path_remove_tree("/tmp/..", &err), -EINVAL);
    assert_int_equal(path_remove_tree(".", &err), -EINVAL);
}

/* In a mount namespace of its own; exit code 0 when all is as it should be. */
static int remove_around_a_mount(const char *tree)
{
    AUTO_FREE char *mount_point = path_join(tree, "mnt");
    AUTO_FREE char *source = path_join(tree, "../source");
    AUTO_FREE char *kept = path_join(source, "kept");
    AUTO_FREE char *other = path_join(tree, "other");
    struct error err = ERROR_INIT;
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return 77;
    if (path_mkdir_p(mount_point, 0700, NULL) < 0 || path_mkdir_p(source, 0700, NULL) < 0 ||
        path_mkdir_p(other, 0700, NULL) < 0 || file_write_atomic(kept, "x", 1, 0600, NULL) < 0)
        return 1;
    if (mount(source, mount_point, NULL, MS_BIND, NULL) < 0) /* the same file system */
        return 77;
    if (path_remove_tree(tree, &err) != -EBUSY || !strstr(err.text, "mount point"))
        return 2;
    if (path_remove_tree(mount_point, &err) != -EBUSY || access(kept, F_OK) < 0)
        return 3;
    return access(other, F_OK) == 0 ? 4 : 0;
}

static void never_crosses_a_mount(void **state)
{
    AUTO_FREE char *tree = path_join(*state, "tree");
    pid_t child = fork();
    if (child == 0)
        _exit(remove_around_a_mount(tree));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void expands_home(void **state)
{
    (void) state;
    AUTO_FREE char *before = xstrdup(getenv("HOME") ? getenv("HOME") : "");
    setenv("HOME", "/home/ann/", 1);
    AUTO_FREE char *expanded = path_expand_home("~/.ssh/id");
    AUTO_FREE char *other = path_expand_home("~bob/x");
    AUTO_FREE char *plain = path_expand_home("/a/~/b");
    setenv("XDG_CACHE_HOME", "relative", 1);
    AUTO_FREE char *cache = path_cache_dir();
    setenv("XDG_CACHE_HOME", "/var/cache/x", 1);
    AUTO_FREE char *own = path_cache_dir();
    unsetenv("XDG_CACHE_HOME");
    setenv("HOME", before, 1);
    assert_string_equal(expanded, "/home/ann/.ssh/id");
    assert_string_equal(other, "~bob/x");
    assert_string_equal(plain, "/a/~/b");
    assert_string_equal(cache, "/home/ann/.cache/bigtop-bootstrap");
    assert_string_equal(own, "/var/cache/x/bigtop-bootstrap");
}

static void takes_an_empty_folder_only(void **state)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *dir = path_join(*state, "a/b");
    AUTO_FREE char *inside = path_join(dir, ".hidden");
    assert_int_equal(path_make_empty(dir, 0755, &err), 0);
    assert_int_equal(path_make_empty(dir, 0755, &err), 0);
    assert_int_equal(file_write_atomic(inside, "x", 1, 0600, NULL), 0);
    assert_int_equal(path_make_empty(dir, 0755, &err), -ENOTEMPTY);
    assert_error_has(err, "a/b is not empty");
    assert_int_equal(path_make_empty(inside, 0755, &err), -ENOTDIR);
    assert_int_equal(path_is_empty(dir, &err), 0);
    assert_int_equal(path_is_empty(inside, &err), -ENOTDIR);
    assert_int_equal(unlink(inside), 0);
    assert_int_equal(path_is_empty(dir, &err), 1);
    assert_int_equal(path_is_empty(inside, &err), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins_with_one_slash),
        cmocka_unit_test(splits),
        cmocka_unit_test(knows_safe_names),
        cmocka_unit_test(refuses_long_names),
        cmocka_folder_test(makes_missing_parents),
        cmocka_folder_test(a_file_is_not_a_folder),
        cmocka_folder_test(opens_beneath_only),
        cmocka_folder_test(removes_trees_but_not_what_links_point_at),
        cmocka_unit_test(refuses_to_remove_what_has_no_name),
        cmocka_folder_test(never_crosses_a_mount),
        cmocka_unit_test(expands_home),
        cmocka_folder_test(takes_an_empty_folder_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
