#include "lib/disk-choice.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#define WISH "{'serial':'S1','fs':'ext4','mount':'/data','label':'bigtop-fast'}"

/* An empty disk with serial S1, and on top of it what the text changes. */
static json_t *disk_with(const char *changes)
{
    json_t *disk = parse_json("{'name':'sdb','number':'8:16','node':'/dev/sdb','serial':'S1',"
                              "'wwn':'0x5000C500A1','model':'Fine Disk','size':500107862016,"
                              "'rotational':false,'removable':false,'read_only':false,'links':[],"
                              "'paths':[],'partition':false,'signatures':[],'partitions':[],"
                              "'holders':[],'mounts':[],'swaps':[],'busy':false}");
    AUTO_JSON *more = parse_json(changes);
    json_object_update(disk, more);
    return disk;
}

static int choose(const char *changes, const char *wish_changes, enum disk_fate *fate,
                  struct error *err)
{
    AUTO_JSON *disks = json_pack("[o]", disk_with(changes));
    AUTO_JSON *wishes = parse_json("[" WISH "]");
    AUTO_JSON *more = parse_json(wish_changes);
    json_object_update(json_array_get(wishes, 0), more);
    assert_int_equal(disk_wishes_check(wishes, NULL), 0);
    struct disk_choice choice;
    *err = ERROR_INIT;
    int r = disk_choose(disks, wishes, 0, &choice, err);
    if (r == 0)
        *fate = choice.fate;
    return r;
}

static void assert_fate(const char *changes, const char *wish, enum disk_fate expected)
{
    struct error err;
    enum disk_fate fate = DISK_WIPE;
    if (choose(changes, wish, &fate, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(fate, expected);
}

/* The message names the disk, what is wrong with it, and there is a remedy. */
static void assert_refused(const char *changes, const char *wish, int code, const char *what,
                           const char *remedy)
{
    struct error err;
    enum disk_fate fate;
    assert_int_equal(choose(changes, wish, &fate, &err), code);
    assert_error_has(err, "sdb (Fine Disk, serial S1, ");
    assert_error_has(err, what);
    if (!strstr(err.remedy, remedy))
        fail_msg("remedy: %s", err.remedy);
}

static void test_empty(void **state)
{
    (void) state;
    assert_fate("{}", "{}", DISK_FORMAT);
    assert_fate("{}", "{'wipe':'S1'}", DISK_FORMAT);
    assert_refused("{}", "{'wipe':'S2'}", -EPERM, "not the one that `wipe: \"S2\"` names",
                   "\"S1\"");
}

static void test_ours(void **state)
{
    (void) state;
    const char *ours =
        "{'signatures':[{'type':'ext4','usage':'filesystem','label':'bigtop-fast'}]}";
    assert_fate(ours, "{}", DISK_ATTACH);
    assert_fate(ours, "{'wipe':'S1'}", DISK_ATTACH); /* the second run must not wipe it again */
    assert_fate("{'signatures':[{'type':'ext4','usage':'filesystem','label':'bigtop-fast'}],"
                "'mounts':['/data','/var/lib/kubelet/pods/x'],'busy':true}",
                "{}", DISK_ATTACH);
    assert_refused("{'signatures':[{'type':'ext4','usage':'filesystem','label':'bigtop-fast'}],"
                   "'mounts':['/mnt'],'busy':true}",
                   "{}", -EBUSY, "is mounted at /mnt", "unmount");
    /* Of another class, of another file system, or not alone: not ours to attach. */
    assert_refused("{'signatures':[{'type':'ext4','usage':'filesystem','label':'bigtop-slow'}]}",
                   "{}", -EEXIST, "ext4 \"bigtop-slow\"", "wipe: \"S1\"");
    assert_refused(ours, "{'fs':'xfs'}", -EEXIST, "ext4 \"bigtop-fast\"", "wipe");
    assert_refused("{'signatures':[{'type':'ext4','usage':'filesystem','label':'bigtop-fast'},"
                   "{'type':'gpt','usage':'partition table'}]}",
                   "{}", -EEXIST, "gpt (partition table)", "wipe");
    assert_refused("{'signatures':[{'type':'ext4','usage':'filesystem','label':'bigtop-fast'}],"
                   "'partitions':['sdb1']}",
                   "{}", -EEXIST, "partitions sdb1", "wipe");
}

static void test_content(void **state)
{
    (void) state;
    static const char *const found[][2] = {
        {"{'type':'xfs','usage':'filesystem','label':'x'}", "xfs \"x\""},
        {"{'type':'LVM2_member','usage':'raid'}", "LVM2_member (raid)"},
        {"{'type':'linux_raid_member','usage':'raid'}", "linux_raid_member (raid)"},
        {"{'type':'zfs_member','usage':'filesystem'}", "zfs_member"},
        {"{'type':'swap','usage':'other'}", "swap (other)"},
        {"{'type':'dos','usage':'partition table'}", "dos (partition table)"},
        {"{'type':'unknown data','usage':'other'}", "unknown data (other)"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(found); i++) {
        AUTO_FREE char *changes = xasprintf("{'signatures':[%s]}", found[i][0]);
        assert_refused(changes, "{}", -EEXIST, found[i][1], "wipe: \"S1\"");
        assert_refused(changes, "{'wipe':'S1 '}", -EPERM, "not the one", "nothing is wiped");
        assert_fate(changes, "{'wipe':'S1'}", DISK_WIPE);
    }
    assert_refused("{'partitions':['sdb1','sdb2']}", "{}", -EEXIST, "partitions sdb1 and sdb2",
                   "wipe");
}

static void test_wipe_does_not_help(void **state)
{
    (void) state;
    const char *wipe = "{'wipe':'S1'}";
    assert_refused("{'mounts':['/srv','/'],'busy':true}", wipe, -EBUSY,
                   "carries / of the running system", "never touched");
    assert_refused("{'mounts':['/boot/efi'],'busy':true}", wipe, -EBUSY, "carries /boot/efi",
                   "another");
    assert_refused("{'mounts':['/srv'],'busy':true}", wipe, -EBUSY, "mounted at /srv", "unmount");
    assert_refused("{'swaps':['/dev/sdb2'],'busy':true}", wipe, -EBUSY, "swap: /dev/sdb2",
                   "swapoff");
    assert_refused("{'holders':['md0','dm-3'],'busy':true}", wipe, -EBUSY, "held by md0 and dm-3",
                   "mdadm --stop");
    assert_refused("{'busy':true}", wipe, -EBUSY, "claimed", "fuser");
    assert_refused("{'read_only':true}", wipe, -EROFS, "read-only", "write protection");
    assert_refused("{'size':1048576}", wipe, -ENOTSUP, "too small", "314.6 MB");
    assert_refused("{'partition':true}", wipe, -ENOTSUP, "one of its partitions", "whole disk");
    assert_refused("{'signatures':null,'unread':'no device node'}", wipe, -EIO,
                   "cannot be read: no device node", "dmesg");
}

/* What an agent leaves out counts against the disk. */
static void test_missing_members(void **state)
{
    (void) state;
    assert_refused("{'busy':null}", "{}", -EBUSY, "claimed", "fuser");
    assert_refused("{'read_only':null}", "{}", -EROFS, "read-only", "");
    assert_refused("{'signatures':null}", "{}", -EIO, "cannot be read", "");
    assert_refused("{'size':null}", "{}", -ENOTSUP, "too small", "");
}

static void test_begun(void **state)
{
    (void) state;
    assert_fate("{'begun':'u-1','signatures':[{'type':'unknown data','usage':'other'}]}", "{}",
                DISK_FORMAT);
    assert_fate("{'begun':'u-1','signatures':[{'type':'ext4','usage':'filesystem','uuid':'u-1'}]}",
                "{}", DISK_FORMAT);
    assert_refused("{'begun':'u-1','signatures':[{'type':'ext4','usage':'filesystem',"
                   "'uuid':'u-2'}]}",
                   "{}", -EEXIST, "not empty: ext4", "wipe");
    assert_refused("{'begun':'u-1','signatures':[{'type':'xfs','usage':'filesystem','uuid':'u-1'}]"
                   "}",
                   "{}", -EEXIST, "not empty: xfs", "wipe");
    assert_refused("{'begun':'u-1','partitions':['sdb1']}", "{}", -EEXIST, "sdb1", "wipe");
}

static int choose_among(const char *disks_text, const char *wishes_text, struct disk_choice *choice,
                        struct error *err)
{
    AUTO_JSON *changes = parse_json(disks_text);
    AUTO_JSON *wishes = parse_json(wishes_text);
    AUTO_JSON *disks = json_array();
    size_t i;
    json_t *change;
    *err = ERROR_INIT;
    json_array_foreach(changes, i, change) {
        AUTO_FREE char *text = json_dumps(change, 0);
        json_array_append_new(disks, disk_with(text));
    }
    return disk_choose(disks, wishes, 0, choice, err);
}

static void test_which(void **state)
{
    (void) state;
    struct error err;
    struct disk_choice choice;
    assert_int_equal(
        choose_among("[{}, {'name':'sdc','serial':'S1'}]", "[" WISH "]", &choice, &err), -ENOTUNIQ);
    assert_error_has(err, "serial S1 matches several disks: sdb (Fine Disk, serial S1, 500.1 GB) "
                          "and sdc (");
    assert_int_equal(
        choose_among("[{'serial':'S10'}, {'serial':null}]", "[" WISH "]", &choice, &err), -ENODEV);
    assert_error_has(err, "no disk of this host has serial S1");
    assert_non_null(strstr(err.remedy, "the host has: sdb (Fine Disk, serial S10, 500.1 GB); sdb"));
    assert_int_equal(choose_among("[]", "[" WISH "]", &choice, &err), -ENODEV);
    assert_int_equal(choose_among("[{'paths':['/dev/disk/by-id/a']}]",
                                  "[" WISH ",{'path':'/dev/disk/by-id/a'}]", &choice, &err),
                     -ENOTUNIQ);
    assert_error_has(err, "two entries");
}

static void test_matches(void **state)
{
    (void) state;
    AUTO_JSON *disk = disk_with("{'paths':['/lab/disk0']}");
    static const struct {
        const char *wish;
        bool matches;
    } cases[] = {
        {"{'serial':'S1'}", true},
        {"{'serial':'s1'}", false},
        {"{'serial':'S'}", false},
        {"{'wwn':'naa.5000c500a1'}", true},
        {"{'wwn':'wwn-0x5000c500A1'}", true},
        {"{'wwn':'5000c500a1'}", true},
        {"{'wwn':'5000c500a'}", false},
        {"{'wwn':'0x'}", false},
        {"{'path':'/lab/disk0'}", true},
        {"{'path':'/dev/sdb'}", false},
        {"{}", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_JSON *wish = parse_json(cases[i].wish);
        if (disk_matches(disk, wish) != cases[i].matches)
            fail_msg("%s", cases[i].wish);
    }
    /* A disk without a WWN is not the one of an empty WWN. */
    AUTO_JSON *none = disk_with("{'wwn':null,'serial':null}");
    AUTO_JSON *empty = parse_json("{'wwn':''}");
    assert_false(disk_matches(none, empty));
}

static void test_identity(void **state)
{
    (void) state;
    AUTO_JSON *wish = parse_json("{'path':'/lab/disk0','wwn':'w'}");
    AUTO_JSON *full = disk_with("{}");
    AUTO_JSON *by_wwn = disk_with("{'serial':null}");
    AUTO_JSON *by_path = disk_with("{'serial':null,'wwn':null}");
    assert_string_equal(disk_identity(full, wish), "S1");
    assert_string_equal(disk_identity(by_wwn, wish), "0x5000C500A1");
    assert_string_equal(disk_identity(by_path, wish), "/lab/disk0");
}

static void test_wishes(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "{}",
        "[1]",
        "[{'fs':'ext4','mount':'/data','label':'bigtop-fast'}]",
        "[{'serial':'S','wwn':'W','fs':'ext4','mount':'/data','label':'bigtop-fast'}]",
        "[{'path':'disk','fs':'ext4','mount':'/data','label':'bigtop-fast'}]",
        "[{'serial':'S','fs':'btrfs','mount':'/data','label':'bigtop-fast'}]",
        "[{'serial':'S','fs':'ext4','mount':'data','label':'bigtop-fast'}]",
        "[{'serial':'S','fs':'ext4','mount':'/','label':'bigtop-fast'}]",
        "[{'serial':'S','fs':'ext4','mount':'/data/','label':'bigtop-fast'}]",
        "[{'serial':'S','fs':'ext4','mount':'/a/../b','label':'bigtop-fast'}]",
        "[{'serial':'S','fs':'ext4','mount':'/data','label':'fast'}]",
        "[{'serial':'S','fs':'ext4','mount':'/data','label':'bigtop-'}]",
        "[{'serial':'S','fs':'ext4','mount':'/data','label':'bigtop-toolong'}]",
        "[{'serial':'S','fs':'ext4','mount':'/data','label':'bigtop-a/b'}]",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        AUTO_JSON *wishes = parse_json(bad[i]);
        if (disk_wishes_check(wishes, NULL) != -EINVAL)
            fail_msg("%s", bad[i]);
    }
    AUTO_JSON *good = parse_json("[" WISH "]");
    assert_int_equal(disk_wishes_check(good, NULL), 0);
}

/* The wish of a machine that installs itself. */
static int choose_for_install(const char *changes, const char *wish, enum disk_fate *fate,
                              struct error *err)
{
    AUTO_JSON *disks = json_pack("[o]", disk_with(changes));
    AUTO_JSON *wishes = json_pack("[o]", parse_json(wish));
    struct disk_choice choice;
    *err = ERROR_INIT;
    int r = disk_choose(disks, wishes, 0, &choice, err);
    if (r == 0)
        *fate = choice.fate;
    return r;
}

static void test_install(void **state)
{
    (void) state;
    static const struct {
        const char *disk, *wish;
        int outcome; /* the fate, or -errno */
    } cases[] = {
        {"{}", "{'id':'S1'}", DISK_FORMAT},
        {"{}", "{'id':'wwn-0x5000c500A1'}", DISK_FORMAT},
        {"{}", "{'id':'S2'}", -ENODEV},
        {"{}", "{'id':'S1','size':500107862016}", DISK_FORMAT},
        {"{}", "{'id':'S1','size':500107862017}", -ENOTSUP},
        {"{'partitions':['sdb1']}", "{'id':'S1'}", -EEXIST},
        {"{'partitions':['sdb1']}", "{'id':'0x5000c500A1','wipe':'S1'}", DISK_WIPE},
        {"{'partitions':['sdb1']}", "{'id':'S1','wipe':'S2'}", -EPERM},
        {"{'mounts':['/run/bigtop/medium'],'busy':true}", "{'id':'S1','wipe':'S1'}", -EBUSY},
        {"{'busy':true}", "{'id':'S1','wipe':'S1'}", -EBUSY},
        {"{'read_only':true}", "{'id':'S1'}", -EROFS},
        /* An installation that was cut. */
        {"{'begun':'ab-1'}", "{'id':'S1'}", DISK_FORMAT},
        {"{'begun':'ab-1','partitions':['sdb1'],'signatures':[{'type':'gpt','uuid':'AB-10'}]}",
         "{'id':'S1'}", DISK_FORMAT},
        {"{'begun':'ab-1','signatures':[{'type':'PMBR'}]}", "{'id':'S1'}", DISK_FORMAT},
        {"{'begun':'ab-1','mounts':['/srv']}", "{'id':'S1'}", -EBUSY},
        /* It has been used for something else since. */
        {"{'begun':'ab-1','partitions':['sdb1'],'signatures':[{'type':'gpt','uuid':'AC-10'}]}",
         "{'id':'S1'}", -EEXIST},
        {"{'begun':'ab-1','signatures':[{'type':'gpt','uuid':'ab-10'},{'type':'ext4'}]}",
         "{'id':'S1'}", -EEXIST},
        {"{'begun':'ab-1','signatures':[{'type':'gpt','uuid':'AB-100'}]}", "{'id':'S1'}", -EEXIST},
        {"{'begun':'ab-1','signatures':[{'type':'unknown data'}]}", "{'id':'S1'}", -EEXIST},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err;
        enum disk_fate fate = DISK_ATTACH;
        int r = choose_for_install(cases[i].disk, cases[i].wish, &fate, &err);
        if ((r < 0 ? r : (int) fate) != cases[i].outcome)
            fail_msg("%s, %s: %d %s", cases[i].disk, cases[i].wish, r < 0 ? r : (int) fate,
                     err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),           cmocka_unit_test(test_ours),
        cmocka_unit_test(test_content),         cmocka_unit_test(test_wipe_does_not_help),
        cmocka_unit_test(test_missing_members), cmocka_unit_test(test_begun),
        cmocka_unit_test(test_which),           cmocka_unit_test(test_matches),
        cmocka_unit_test(test_identity),        cmocka_unit_test(test_wishes),
        cmocka_unit_test(test_install),
    };
    return cmocka_run_group_tests_name("disk-choice", tests, NULL, NULL);
}
