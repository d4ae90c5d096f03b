/* What is asked and refused; that the clock is set, machines in qemu show. */
#include "tests/unit/unit.h"

#include "agent/step.h"
#include "lib/clock.h"

#include <errno.h>

static int check(int64_t time_ms, struct strv *differences, struct error *err)
{
    AUTO_JSON *params = json_pack("{s:I}", "time_ms", (json_int_t) time_ms);
    const struct step_context ctx = {0};
    return step_find("clock")->check(&ctx, params, differences, err);
}

static void right_enough(void **state)
{
    (void) state;
    STRV(none);
    assert_int_equal(check(clock_wall_ms(), &none, NULL), 1);
    assert_int_equal(check(clock_wall_ms() + 1000, &none, NULL), 1);
    assert_int_equal(check(clock_wall_ms() - 1000, &none, NULL), 1);
    assert_int_equal(none.count, 0);
}

static void off(void **state)
{
    (void) state;
    STRV(differences);
    assert_int_equal(check(clock_wall_ms() + 600500, &differences, NULL), 0);
    assert_int_equal(check(clock_wall_ms() - 600500, &differences, NULL), 0);
    assert_string_equal(differences.items[0], "set the clock, which is 600 s behind");
    assert_string_equal(differences.items[1], "set the clock, which is 600 s ahead");
}

static void times_that_are_none(void **state)
{
    (void) state;
    static const char *const bad[] = {"{}", "{\"time_ms\":0}", "{\"time_ms\":-1}",
                                      "{\"time_ms\":\"1800000000000\"}",
                                      "{\"time_ms\":9223372036854775807}"};
    const struct step_context ctx = {0};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        AUTO_JSON *params = json_loads(bad[i], 0, NULL);
        STRV(none);
        struct error err = ERROR_INIT;
        assert_non_null(params);
        assert_int_equal(step_find("clock")->check(&ctx, params, &none, &err), -EINVAL);
        assert_int_equal(step_find("clock")->apply(&ctx, params, NULL, &err), -EINVAL);
        assert_error_has(err, "time_ms");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_enough),
        cmocka_unit_test(off),
        cmocka_unit_test(times_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
