#include "tests/unit/unit.h"

#include "images/drop.h"
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void put(const char *dir, const char *path)
{
    AUTO_FREE char *to = path_join(dir, path);
    AUTO_FREE char *parent = path_dirname(to);
    assert_int_equal(path_mkdir_p(parent, 0755, NULL), 0);
    assert_int_equal(file_write_new(to, path, strlen(path), 0644, NULL), 0);
}

static bool is_there(const char *dir, const char *path)
{
    AUTO_FREE char *full = path_join(dir, path);
    return faccessat(AT_FDCWD, full, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void drop(const char *dir, const char *pattern)
{
    STRV(patterns);
    strv_add(&patterns, "*/nothing-has-this-name");
    strv_add(&patterns, pattern);
    assert_int_equal(drop_matching(dir, &patterns, NULL), 0);
}

static void test_by_pattern(void **state)
{
    const char *dir = *state;
    put(dir, "x-1/plugin/hive/a.jar");
    put(dir, "x-1/plugin/hudi/a.jar");
    put(dir, "x-1/lib/a-osx-x86.jar");
    put(dir, "x-1/lib/deep/down/b-osx-x86.jar");
    put(dir, "x-1/lib/a.jar");
    drop(dir, "*/plugin/h[!i]*");
    assert_false(is_there(dir, "x-1/plugin/hudi"));
    assert_true(is_there(dir, "x-1/plugin/hive/a.jar"));
    drop(dir, "*-osx-*.jar");
    assert_false(is_there(dir, "x-1/lib/a-osx-x86.jar"));
    assert_false(is_there(dir, "x-1/lib/deep/down/b-osx-x86.jar"));
    assert_true(is_there(dir, "x-1/lib/deep/down"));
    assert_true(is_there(dir, "x-1/lib/a.jar"));
}

/* A pattern matches the path from the folder's root, never a part of it. */
static void test_whole_path(void **state)
{
    const char *dir = *state;
    put(dir, "bin/tool");
    put(dir, "x/bin/tool");
    drop(dir, "bin");
    assert_false(is_there(dir, "bin"));
    assert_true(is_there(dir, "x/bin/tool"));
}

static void test_link_itself(void **state)
{
    const char *dir = *state;
    put(dir, "kept/file");
    AUTO_FREE char *link = path_join(dir, "link");
    AUTO_FREE char *dangling = path_join(dir, "link-to-nothing");
    assert_int_equal(symlink("kept", link), 0);
    assert_int_equal(symlink("nothing", dangling), 0);
    drop(dir, "link*");
    assert_false(is_there(dir, "link"));
    assert_false(is_there(dir, "link-to-nothing"));
    assert_true(is_there(dir, "kept/file"));
}

static void test_no_folder(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    STRV(patterns);
    strv_add(&patterns, "*");
    assert_int_equal(drop_matching("/nonexistent/folder", &patterns, &err), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(test_by_pattern),
        cmocka_folder_test(test_whole_path),
        cmocka_folder_test(test_link_itself),
        cmocka_unit_test(test_no_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
