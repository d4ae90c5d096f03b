#include "lib/proc-text.h"
#include "tests/unit/unit.h"

static void unescapes(void **state)
{
    (void) state;
    static const char *const cases[][2] = {
        {"plain", "plain"},     {"a\\040b\\011c", "a b\tc"}, {"\\134", "\\"}, {"", ""},
        {"cut\\04", "cut\\04"}, {"\\999", "\\999"},          {"\\", "\\"},    {"\\0401", " 1"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *text = xstrdup(cases[i][0]);
        proc_unescape(text);
        assert_string_equal(text, cases[i][1]);
    }
}

static void reads_the_devices(void **state)
{
    (void) state;
    STRV(devices);
    proc_swaps("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
               "/dev/sda2                               partition\t999420\t0\t-2\n"
               "/my\\040swap\\134file                    file\t\t4\t0\t-3\n",
               &devices);
    assert_int_equal(devices.count, 2);
    assert_string_equal(devices.items[0], "/dev/sda2");
    assert_string_equal(devices.items[1], "/my swap\\file");
}

static void a_heading_is_no_device(void **state)
{
    (void) state;
    STRV(devices);
    proc_swaps("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n", &devices);
    proc_swaps("", &devices);
    assert_int_equal(devices.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unescapes),
        cmocka_unit_test(reads_the_devices),
        cmocka_unit_test(a_heading_is_no_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
