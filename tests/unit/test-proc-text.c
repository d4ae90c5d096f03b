#include "agent/proc-text.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(unescapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
