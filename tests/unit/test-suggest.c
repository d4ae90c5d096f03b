#include "coordinator/suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *nearest(const char *wanted)
{
    static const char *const words[] = {"apply", "plan", "status", "reset", "bundle build", "user"};
    struct suggestion s;
    suggest_start(&s, wanted);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        suggest_offer(&s, words[i]);
    return s.word;
}

static void test_near(void **state)
{
    (void) state;
    assert_string_equal(nearest("aply"), "apply");
    assert_string_equal(nearest("appply"), "apply");
    assert_string_equal(nearest("plam"), "plan");
    assert_string_equal(nearest("paln"), "plan");
    assert_string_equal(nearest("sttaus"), "status");
    assert_string_equal(nearest("usr"), "user");
    assert_string_equal(nearest("bundle biuld"), "bundle build");
}

static void test_far(void **state)
{
    (void) state;
    assert_null(nearest("frobnicate"));
    assert_null(nearest("x"));
    assert_null(nearest("pxyn"));
    char longest[4096];
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_null(nearest(longest));
}

static void test_phrase(void **state)
{
    (void) state;
    char out[64];
    struct suggestion s;
    suggest_start(&s, "aply");
    assert_string_equal(suggest_phrase(&s, out, sizeof(out)), "");
    suggest_offer(&s, "apply");
    assert_string_equal(suggest_phrase(&s, out, sizeof(out)), ", did you mean 'apply'?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_near),
        cmocka_unit_test(test_far),
        cmocka_unit_test(test_phrase),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
