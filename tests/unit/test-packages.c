#include "agent/packages.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

static void finds_the_package_of_a_file(void **state)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *one = path_join(*state, "runc.list");
    AUTO_FREE char *two = path_join(*state, "libfoo:amd64.list");
    AUTO_FREE char *other = path_join(*state, "x.md5sums");
    const char *runc = "/.\n/usr\n/usr/sbin\n/usr/sbin/runc\n";
    const char *foo = "/bin/foo\n/usr/lib/foo";
    assert_int_equal(file_write_atomic(one, runc, strlen(runc), 0600, &err), 0);
    assert_int_equal(file_write_atomic(two, foo, strlen(foo), 0600, &err), 0);
    assert_int_equal(file_write_atomic(other, "/usr/local/bin/x\n", 17, 0600, &err), 0);
    char package[64] = "";
    assert_true(package_owns_dpkg(*state, "/usr/sbin/runc", package, sizeof(package)));
    assert_string_equal(package, "runc");
    assert_true(package_owns_dpkg(*state, "/usr/bin/foo", package, sizeof(package)));
    assert_string_equal(package, "libfoo:amd64");
    assert_true(package_owns_dpkg(*state, "/usr/lib/foo", package, sizeof(package)));
    static const char *const foreign[] = {
        "/usr/sbin/run", "/usr/sbin/runc2", "/sbin/run", "/usr/local/bin/x", "/usr/local/bin/runc",
    };
    for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
        assert_false(package_owns_dpkg(*state, foreign[i], package, sizeof(package)));
    }
}

static void no_dpkg_no_package(void **state)
{
    char package[64];
    AUTO_FREE char *none = path_join(*state, "none");
    assert_false(package_owns_dpkg(none, "/usr/sbin/runc", package, sizeof(package)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(finds_the_package_of_a_file),
        cmocka_folder_test(no_dpkg_no_package),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
