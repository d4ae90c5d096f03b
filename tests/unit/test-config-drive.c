#include "tests/unit/unit.h"

#include "iso/config-drive.h"

#include <errno.h>

#define LIST(devices) "{\"blockdevices\":[" devices "]}"
#define DEVICE(name, parent, label) \
    "{\"name\":\"" name "\",\"pkname\":" parent ",\"label\":" label ",\"fstype\":\"vfat\"}"
#define OURS "\"BIGTOP-CFG\""

static void expect(const char *text, const char *found)
{
    STRV(devices);
    assert_int_equal(iso_config_parse(text, strlen(text), &devices, NULL), 0);
    AUTO_FREE char *names = strv_join(&devices, " ");
    assert_string_equal(names, found);
}

static void test_found(void **state)
{
    (void) state;
    expect(LIST(""), "");
    expect(LIST(DEVICE("/dev/sda", "null", "null")), "");
    expect(LIST(DEVICE("/dev/sda", "null", "\"BIGTOP-CFG2\"")), "");
    expect(LIST(DEVICE("/dev/sda", "null", OURS)), "/dev/sda");
    expect(LIST(DEVICE("/dev/sdb1", "\"/dev/sdb\"", OURS) "," DEVICE("/dev/sda", "null", OURS)),
           "/dev/sda /dev/sdb1");
}

/* A hybrid image on a stick: the disk and its partition are one and the same. */
static void test_disk_and_partition(void **state)
{
    (void) state;
    expect(LIST(DEVICE("/dev/sdb", "null", OURS) "," DEVICE("/dev/sdb1", "\"/dev/sdb\"", OURS)),
           "/dev/sdb1");
}

static void test_unexpected(void **state)
{
    (void) state;
    static const char *const bad[] = {"", "[]", "{}", "{\"blockdevices\":{}}", "lsblk: error"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        STRV(devices);
        struct error err = ERROR_INIT;
        assert_int_equal(iso_config_parse(bad[i], strlen(bad[i]), &devices, &err), -EBADMSG);
    }
    expect(LIST("{\"name\":null,\"label\":" OURS "},{\"name\":\"sda\",\"label\":" OURS "}"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_disk_and_partition),
        cmocka_unit_test(test_unexpected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
