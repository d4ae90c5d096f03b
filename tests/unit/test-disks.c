/* A host out of files: /sys, /proc and udev's database below a folder. */
#include "lib/disk-choice.h"
#include "lib/disks-sysfs.h"
#include "lib/disks-use.h"
#include "lib/disks.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static void put(const char *root, const char *path, const char *text)
{
    AUTO_FREE char *full = path_join(root, path);
    AUTO_FREE char *dir = path_dirname(full);
    assert_int_equal(path_mkdir_p(dir, 0755, NULL), 0);
    assert_int_equal(file_write_atomic(full, text, strlen(text), 0644, NULL), 0);
}

static void put_device(const char *root, const char *name, const char *number, const char *size)
{
    AUTO_FREE char *dev = xasprintf("sys/class/block/%s/dev", name);
    AUTO_FREE char *sectors = xasprintf("sys/class/block/%s/size", name);
    put(root, dev, number);
    put(root, sectors, size);
}

static void put_disk(const char *root, const char *name, const char *number, const char *size)
{
    AUTO_FREE char *listed = xasprintf("sys/block/%s/here", name);
    put(root, listed, "");
    put_device(root, name, number, size);
}

static void put_partition(const char *root, const char *disk, const char *name, const char *number)
{
    AUTO_FREE char *below = xasprintf("sys/class/block/%s/%s/partition", disk, name);
    AUTO_FREE char *own = xasprintf("sys/class/block/%s/partition", name);
    put(root, below, "1\n");
    put(root, own, "1\n");
    put_device(root, name, number, "2048\n");
}

static void put_holder(const char *root, const char *of, const char *holder)
{
    AUTO_FREE char *path = xasprintf("sys/class/block/%s/holders/%s", of, holder);
    put(root, path, "");
}

/* No device has such numbers: nothing real is opened. sda: the system, LVM on a RAID on its
 * partition. sdb: empty. vda: no udev. sr0, loop0, sdc: none.
 */
static void build(const char *root)
{
    put_disk(root, "sda", "1208:0\n", "1000215216\n");
    put_partition(root, "sda", "sda1", "1208:1\n");
    put_partition(root, "sda", "sda2", "1208:2\n");
    put_holder(root, "sda2", "md0");
    put_disk(root, "md0", "1209:0\n", "1000000\n");
    put_holder(root, "md0", "dm-0");
    put_disk(root, "dm-0", "1453:0\n", "1000000\n");
    put_disk(root, "sdb", "1208:16\n", "976773168\n");
    put(root, "sys/class/block/sdb/queue/rotational", "1\n");
    put(root, "sys/class/block/sdb/ro", "1\n");
    put(root, "sys/class/block/sdb/device/model", "Fine Disk       \n");
    put(root, "run/udev/data/b1208:16",
        "S:disk/by-id/ata-Fine_S1\nS:disk/by-path/pci-1\nE:ID_SERIAL=Fine_Disk_S1\n"
        "E:ID_SERIAL_SHORT=S1\nE:ID_WWN=0x5000c500a1\nE:ID_WWN_WITH_EXTENSION=0x5000c500a1b2\n");
    put_disk(root, "vda", "1454:0\n", "2097152\n");
    put(root, "sys/class/block/vda/serial", "virtio-serial\n");
    put_disk(root, "sr0", "1211:0\n", "1000\n");
    put_disk(root, "loop0", "1207:0\n", "1000\n");
    put_disk(root, "sdc", "1208:32\n", "0\n");
    put(root, "proc/self/mountinfo",
        "22 1 1453:0 / / rw shared:1 - ext4 /dev/mapper/root rw\n"
        "30 22 1208:1 / /boot rw - ext4 /dev/sda1 rw\n"
        "31 22 1208:1 / /boot rw - ext4 /dev/sda1 rw\n"
        "40 22 0:40 / /run rw - tmpfs tmpfs rw\ngarbage\n1 2 3 4 5 6\n");
    put(root, "proc/swaps", "Filename Type Size Used Priority\n/no/such/device partition 1 0 -2\n");
}

static json_t *list(const char *root, const char *wanted_text)
{
    const struct disks_context ctx = {.root = root};
    AUTO_JSON *wanted = wanted_text ? json_parse(wanted_text, strlen(wanted_text), "wanted", NULL)
                                    : NULL;
    json_t *disks = NULL;
    struct error err = ERROR_INIT;
    if (disks_list(&ctx, wanted, &disks, &err) < 0)
        fail_msg("%s", err.text);
    return disks;
}

static const json_t *named(const json_t *disks, const char *name)
{
    size_t i;
    json_t *disk;
    json_array_foreach(disks, i, disk)
        if (strcmp(json_get_string(disk, "name", ""), name) == 0)
            return disk;
    return NULL;
}

static void assert_list(const json_t *disk, const char *key, const char *expected)
{
    STRBUF(found, 512);
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(disk, key), i, item)
        strbuf_addf(&found, "%s%s", i ? " " : "", json_string_value(item));
    assert_string_equal(found.data, expected);
}

static void test_names(void **state)
{
    build(*state);
    AUTO_JSON *disks = list(*state, NULL);
    assert_int_equal(json_array_size(disks), 5); /* dm-0 md0 sda sdb vda */
    assert_null(named(disks, "sr0"));
    assert_null(named(disks, "loop0"));
    assert_null(named(disks, "sdc"));
}

static void test_details(void **state)
{
    build(*state);
    AUTO_JSON *disks = list(*state, NULL);
    const json_t *sdb = named(disks, "sdb"), *vda = named(disks, "vda");
    assert_string_equal(json_get_string(sdb, "serial", ""), "S1");
    assert_string_equal(json_get_string(sdb, "wwn", ""), "0x5000c500a1b2");
    assert_string_equal(json_get_string(sdb, "model", ""), "Fine Disk");
    assert_true(json_get_int(sdb, "size", 0) == 976773168LL * 512);
    assert_true(json_get_bool(sdb, "rotational", false));
    assert_true(json_get_bool(sdb, "read_only", false));
    assert_list(sdb, "links", "/dev/disk/by-id/ata-Fine_S1");
    assert_string_equal(json_get_string(vda, "serial", ""), "virtio-serial");
    assert_true(json_is_null(json_object_get(vda, "wwn")));
    assert_false(json_get_bool(vda, "read_only", true));
}

/* The chain sda2 → md0 → dm-0 ends at /. */
static void test_use(void **state)
{
    build(*state);
    AUTO_JSON *disks = list(*state, NULL);
    const json_t *sda = named(disks, "sda");
    assert_list(sda, "partitions", "sda1 sda2");
    assert_list(sda, "holders", "md0");
    assert_list(sda, "mounts", "/ /boot");
    assert_list(named(disks, "md0"), "mounts", "/");
    assert_list(named(disks, "md0"), "holders", "dm-0");
    assert_list(named(disks, "sdb"), "mounts", "");
}

/* A fake disk has no node: what cannot be read is never taken for empty. */
static void test_unread_is_refused(void **state)
{
    build(*state);
    static const char wish[] = "[{\"serial\":\"virtio-serial\",\"fs\":\"ext4\",\"mount\":\"/data\","
                               "\"label\":\"bigtop-x\"}]";
    AUTO_JSON *disks = list(*state, wish);
    AUTO_JSON *wishes = json_parse(wish, strlen(wish), "wish", NULL);
    struct disk_choice choice;
    struct error err = ERROR_INIT;
    assert_int_equal(disk_choose(disks, wishes, 0, &choice, &err), -EIO);
    assert_error_has(err, "the host has no node for it");
    /* Of the others only the names are told. */
    assert_null(json_object_get(named(disks, "sdb"), "mounts"));
    assert_non_null(json_object_get(named(disks, "vda"), "mounts"));
}

static void test_scsi_page(void **state)
{
    put_disk(*state, "sdd", "8:48\n", "2048\n");
    AUTO_FREE char *path = path_join(*state, "sys/class/block/sdd/device/vpd_pg80");
    AUTO_FREE char *dir = path_dirname(path);
    assert_int_equal(path_mkdir_p(dir, 0755, NULL), 0);
    assert_int_equal(file_write_atomic(path, "\0\x80\0\x06 WD-1 more", 15, 0644, NULL), 0);
    AUTO_JSON *disk = json_object();
    sysfs_describe(*state, "sdd", disk);
    assert_string_equal(json_get_string(disk, "serial", ""), "WD-1");
}

static void test_no_mountinfo(void **state)
{
    const struct disks_context ctx = {.root = *state};
    json_t *disks = NULL;
    assert_true(disks_list(&ctx, NULL, &disks, NULL) < 0);
    assert_null(disks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(test_names),     cmocka_folder_test(test_details),
        cmocka_folder_test(test_use),       cmocka_folder_test(test_unread_is_refused),
        cmocka_folder_test(test_scsi_page), cmocka_folder_test(test_no_mountinfo),
    };
    return cmocka_run_group_tests_name("disks", tests, NULL, NULL);
}
