#include "lib/clock.h"
#include "tests/unit/unit.h"

#include <limits.h>
#include <time.h>

static void formats_utc(void **state)
{
    (void) state;
    char out[21];
    clock_format_utc(0, out);
    assert_string_equal(out, "1970-01-01T00:00:00Z");
    clock_format_utc(1795284600999, out);
    assert_string_equal(out, "2026-11-21T18:10:00Z");
    clock_format_utc(-1, out);
    assert_string_equal(out, "1969-12-31T23:59:59Z");
    clock_format_utc(-1000, out);
    assert_string_equal(out, "1969-12-31T23:59:59Z");
}

static void formats_what_has_no_year_of_four_digits(void **state)
{
    (void) state;
    char out[21];
    clock_format_utc(INT64_MAX, out);
    assert_string_equal(out, "0000-00-00T00:00:00Z");
    clock_format_utc(INT64_MIN, out);
    assert_string_equal(out, "0000-00-00T00:00:00Z");
}

static void monotonic_goes_on(void **state)
{
    (void) state;
    int64_t before = clock_monotonic_ms();
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    int64_t passed = clock_monotonic_ms() - before;
    assert_in_range(passed, 19, 5000);
}

static void wall_is_the_time_of_day(void **state)
{
    (void) state;
    int64_t seconds = time(NULL);
    assert_in_range(clock_wall_ms() / 1000 - seconds + 1, 0, 3);
}

static void left_is_clamped(void **state)
{
    (void) state;
    int64_t now = clock_monotonic_ms();
    assert_int_equal(clock_left_ms(now - 1), 0);
    assert_int_equal(clock_left_ms(0), 0);
    assert_int_equal(clock_left_ms(INT64_MAX), INT_MAX);
    assert_in_range(clock_left_ms(now + 60000), 1, 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_utc),
        cmocka_unit_test(formats_what_has_no_year_of_four_digits),
        cmocka_unit_test(monotonic_goes_on),
        cmocka_unit_test(wall_is_the_time_of_day),
        cmocka_unit_test(left_is_clamped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
