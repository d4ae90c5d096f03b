#include "tests/unit/unit.h"

#include "iso/steps.h"
#include "lib/architecture.h"

#include <errno.h>

static void test_machine(void **state)
{
    (void) state;
    const struct iso_steps steps = {0};
    struct error err = ERROR_INIT;
    assert_int_equal(iso_need_machine(&steps, OWN_ARCHITECTURE, &err), 0);
    assert_int_equal(iso_need_machine(&steps, "none-such", &err), -ENOENT);
    assert_error_has(err, "packages of none-such");
    assert_non_null(strstr(err.remedy, "qemu-user-static"));
    assert_non_null(strstr(err.remedy, "arch-test none-such"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
