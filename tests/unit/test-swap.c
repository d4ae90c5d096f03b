#include "agent/swap.h"
#include "tests/unit/unit.h"

static void reads_the_devices(void **state)
{
    (void) state;
    STRV(devices);
    swap_parse_proc("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
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
    swap_parse_proc("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n", &devices);
    swap_parse_proc("", &devices);
    assert_int_equal(devices.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_devices),
        cmocka_unit_test(a_heading_is_no_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
