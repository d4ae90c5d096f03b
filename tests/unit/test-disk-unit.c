#include "agent/disk-unit.h"
#include "tests/unit/unit.h"

static void assert_name(const char *path, const char *expected)
{
    AUTO_FREE char *name = unit_name_from_path(path, ".mount");
    assert_string_equal(name, expected);
}

/* As `systemd-escape --path --suffix=mount` says. */
static void test_names(void **state)
{
    (void) state;
    assert_name("/srv/data", "srv-data.mount");
    assert_name("/var/lib/bigtop-volumes/fast", "var-lib-bigtop\\x2dvolumes-fast.mount");
    assert_name("/a//b/", "a-b.mount");
    assert_name("/.hidden/x.y", "\\x2ehidden-x.y.mount");
    assert_name("/a b", "a\\x20b.mount");
    assert_name("/", "-.mount");
}

static void test_with_udev(void **state)
{
    (void) state;
    const struct disk_mount m = {
        .label = "bigtop-fast", .uuid = "12-34", .fs = "xfs", .mount = "/srv/data"};
    STRBUF(text, 4096);
    disk_unit_render(&m, &text);
    assert_string_equal(text.data, "# Made by bigtop-bootstrap.\n"
                                   "[Unit]\n"
                                   "Description=Data disk bigtop-fast\n"
                                   "Before=containerd.service kubelet.service\n"
                                   "Requires=systemd-fsck@dev-disk-by\\x2duuid-12\\x2d34.service\n"
                                   "After=systemd-fsck@dev-disk-by\\x2duuid-12\\x2d34.service\n"
                                   "\n[Mount]\n"
                                   "What=/dev/disk/by-uuid/12-34\n"
                                   "Where=/srv/data\n"
                                   "Type=xfs\n"
                                   "Options=noatime,nofail\n"
                                   "\n[Install]\n"
                                   "WantedBy=multi-user.target\n");
}

static void test_without_udev(void **state)
{
    (void) state;
    const struct disk_mount m = {
        .label = "bigtop-fast", .uuid = "12-34", .fs = "ext4", .mount = "/x", .path = "/lab/disk0"};
    STRBUF(text, 4096);
    disk_unit_render(&m, &text);
    assert_non_null(strstr(text.data, "\nWhat=/lab/disk0\n"));
    assert_null(strstr(text.data, "fsck"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_with_udev),
        cmocka_unit_test(test_without_udev),
    };
    return cmocka_run_group_tests_name("disk-unit", tests, NULL, NULL);
}
