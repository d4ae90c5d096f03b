#include "coordinator/inventory-keys.h"
#include "coordinator/inventory.h"
#include "tests/unit/hosts-fixture.h"

#include <errno.h>

static int load(const char *disks, struct inventory *inv, struct error *err)
{
    AUTO_FREE char *text = xasprintf("hosts:\n  - address: 10.0.0.11\n    disks: %s\n", disks);
    return try_hosts(text, inv, err);
}

static void test_accepted(void **state)
{
    (void) state;
    CLEANUP(inventory_release)
    struct inventory inv = INVENTORY_INIT;
    struct error err;
    if (load("[{serial: 0012, class: fast}, {wwn: 0x5000c500a1b2c3d4, mount: /var/lib/etcd, fs: "
             "xfs}, {path: /lab/disk0, class: slow, wipe: /lab/disk0}]",
             &inv, &err) < 0)
        fail_msg("%s", err.text);
    const struct host *h = &inv.hosts[0];
    assert_int_equal(h->disk_count, 3);
    assert_string_equal(h->disks[0].serial, "0012"); /* not the number ten */
    assert_string_equal(h->disks[0].fs, "ext4");
    assert_null(h->disks[0].wipe);
    assert_string_equal(h->disks[1].fs, "xfs");
    assert_string_equal(h->disks[1].mount, "/var/lib/etcd");
    assert_string_equal(h->disks[2].wipe, "/lab/disk0");
    AUTO_FREE char *of_class = inventory_disk_mount(&h->disks[0]);
    AUTO_FREE char *own = inventory_disk_mount(&h->disks[1]);
    assert_string_equal(of_class, "/var/lib/bigtop-volumes/fast");
    assert_string_equal(own, "/var/lib/etcd");
}

static void test_refused(void **state)
{
    (void) state;
    static const char *const cases[][2] = {
        {"{serial: S}", "disks is a mapping, expected a list of disks"},
        {"[sdb]", "disk is a plain value, expected a mapping such as"},
        {"[{class: fast}]", "named by none of serial, wwn and path"},
        {"[{serial: S, path: /dev/x, class: fast}]", "named by several of"},
        {"[{serial: S}]", "has none of class and mount"},
        {"[{serial: S, class: a, mount: /data}]", "has both of class and mount"},
        {"[{serial: S, class: a, wipe: T}]", "wipe is 'T' and the disk's serial 'S'"},
        {"[{serial: S, class: a, fs: btrfs}]", "fs is 'btrfs', expected ext4 or xfs"},
        {"[{serial: S, class: A}]", "class is 'A'"},
        {"[{serial: S, class: a, size: 3}]", "unknown key 'size'"},
        {"[{serial: S, class: a}, {serial: S, class: b}]", "disk S is named twice"},
        {"[{serial: S, class: a}, {serial: T, class: a}]", "class a has a disk already"},
        {"[{serial: S, mount: /data}, {serial: T, mount: /data}]", "lie in each other"},
        {"[{serial: S, mount: /data}, {serial: T, mount: /data/x}]", "lie in each other"},
        {"[{serial: 'S;id', class: a}]", "serial is 'S;id'"},
        {"[{path: disk0, class: a}]", "path is 'disk0'"},
        {"[{path: '/dev/$(id)', class: a}]", "path is"},
        {"[{path: /dev/../x, class: a}]", "path is"},
        {"[{wwn: '-x', class: a}]", "wwn is"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(inventory_release)
        struct inventory inv = INVENTORY_INIT;
        struct error err;
        assert_int_equal(load(cases[i][0], &inv, &err), -EINVAL);
        if (!strstr(err.text, cases[i][1]))
            fail_msg("%s: %s", cases[i][0], err.text);
    }
}

static void test_mount_points(void **state)
{
    (void) state;
    static const char *const good[] = {"/data",        "/var/lib/etcd",       "/home/data",
                                       "/srv/a.b-c_d", "/var/lib/containerd", "/variable"};
    static const char *const bad[] = {"",
                                      "/",
                                      "data",
                                      "/data/",
                                      "/var",
                                      "/var/lib",
                                      "/home",
                                      "/root",
                                      "/etc/x",
                                      "/usr/local",
                                      "/boot",
                                      "/dev/shm",
                                      "/run/data",
                                      "/a//b",
                                      "/a/./b",
                                      "/a/.",
                                      "/a/../b",
                                      "/a b",
                                      "/a%b",
                                      "/a\\b",
                                      "/var/lib/bigtop",
                                      "/var/lib/bigtop/x",
                                      "/var/lib/bigtop-volumes",
                                      "/var/lib/bigtop-volumes/x"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        if (!inventory_is_mount_point(good[i]))
            fail_msg("%s", good[i]);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (inventory_is_mount_point(bad[i]))
            fail_msg("%s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_mount_points),
    };
    return cmocka_run_group_tests_name("inventory-disks", tests, NULL, NULL);
}
