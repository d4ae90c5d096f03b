#include "agent/data-disks.h"
#include "agent/disk-watch.h"
#include "agent/paths.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>

static json_t *disk(const char *mount, const char *state)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "mount", mount, "identity", "S1", "unit", "x.mount",
                     "state", state);
}

static void assert_condition(json_t *disks, const char *status, const char *reason,
                             const char *message)
{
    AUTO_JSON *condition = disk_condition(disks);
    assert_string_equal(json_get_string(condition, "type", ""), "DataDisksReady");
    assert_string_equal(json_get_string(condition, "status", ""), status);
    assert_string_equal(json_get_string(condition, "reason", ""), reason);
    assert_string_equal(json_get_string(condition, "message", ""), message);
    json_decref(disks);
}

static void test_condition(void **state)
{
    (void) state;
    AUTO_JSON *none = json_array();
    assert_null(disk_condition(none));
    assert_condition(json_pack("[o]", disk("/a", "mounted")), "True", "AllMounted",
                     "every data disk is mounted");
    assert_condition(json_pack("[o,o]", disk("/a", "mounted"), disk("/b", "missing")), "False",
                     "DiskMissing", "/b (S1) is missing");
    assert_condition(json_pack("[o,o]", disk("/a", "wrong"), disk("/b", "missing")), "False",
                     "DiskMissing", "/a (S1) is wrong; /b (S1) is missing");
    assert_condition(json_pack("[o]", disk("/a", "wrong")), "False", "WrongDisk",
                     "/a (S1) is wrong");
    /* What is not known to be right is wrong. */
    assert_condition(json_pack("[{s:s}]", "mount", "/a"), "False", "WrongDisk", "/a (?) is ?");
}

static void prepare(const char *folder)
{
    AUTO_FREE char *dir = path_join(folder, "var/lib/bigtop");
    agent_root_set(folder);
    assert_int_equal(path_mkdir_p(dir, 0700, NULL), 0);
}

static size_t count(void)
{
    AUTO_JSON *disks = NULL;
    assert_int_equal(data_disks_read(&disks, NULL), 0);
    return json_array_size(disks);
}

static void test_list(void **state)
{
    prepare(*state);
    assert_int_equal(count(), 0);
    AUTO_JSON *a = disk("/a", "x"), *b = disk("/b", "x"), *other = disk("/a", "y");
    assert_int_equal(data_disks_remember(a, NULL), 1);
    assert_int_equal(data_disks_remember(b, NULL), 1);
    assert_int_equal(data_disks_remember(b, NULL), 0); /* nothing is written */
    assert_int_equal(data_disks_remember(other, NULL), 1);
    assert_int_equal(count(), 2);
    assert_int_equal(data_disks_forget("/a", NULL), 1);
    assert_int_equal(data_disks_forget("/a", NULL), 0);
    assert_int_equal(count(), 1);
    agent_root_set("");
}

/* Damage is an error, not an empty list: what was forgotten would not be mounted again. */
static void test_damaged_list(void **state)
{
    prepare(*state);
    AUTO_FREE char *path = agent_path(DATA_DISKS_FILE);
    AUTO_JSON *disks = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(file_write_atomic(path, "{}", 2, 0600, NULL), 0);
    assert_int_equal(data_disks_read(&disks, &err), -EBADMSG);
    assert_true(err.remedy[0] != '\0');
    agent_root_set("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_condition),
        cmocka_folder_test(test_list),
        cmocka_folder_test(test_damaged_list),
    };
    return cmocka_run_group_tests_name("disk-watch", tests, NULL, NULL);
}
