#include "agent/mounts.h"
#include "tests/unit/unit.h"

static void names_what_does_not_propagate(void **state)
{
    (void) state;
    STRV(points);
    mounts_not_shared("22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
                      "23 22 0:5 / /a\\040b rw master:7 - tmpfs tmpfs rw\n"
                      "24 22 0:6 / /both rw shared:3 master:4 - tmpfs tmpfs rw\n"
                      "25 22 0:7 / /private rw - tmpfs shared:9 rw\n"
                      "torn line without its end",
                      &points);
    assert_int_equal(points.count, 2);
    assert_string_equal(points.items[0], "/a b");
    assert_string_equal(points.items[1], "/private");
}

static void names_mount_points_in_their_order(void **state)
{
    (void) state;
    STRV(points);
    STRV(none);
    mounts_points("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
                  "36 22 8:16 / /srv/a\\040b rw,noatime - ext4 /dev/sdb rw\n"
                  "37 22 8:17 /",
                  &points);
    assert_int_equal(points.count, 2);
    assert_string_equal(points.items[0], "/");
    assert_string_equal(points.items[1], "/srv/a b");
    mounts_points("", &none);
    assert_int_equal(none.count, 0);
}

static void lists_what_this_host_has(void **state)
{
    (void) state;
    STRV(points);
    struct error err = ERROR_INIT;
    assert_int_equal(mounts_list(&points, &err), 0);
    assert_true(strv_contains(&points, "/proc"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_what_does_not_propagate),
                                       cmocka_unit_test(names_mount_points_in_their_order),
                                       cmocka_unit_test(lists_what_this_host_has)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
