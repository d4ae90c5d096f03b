#include "coordinator/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_index(void **state)
{
    (void) state;
    assert_int_equal(words_index("auto|none|password", "auto"), 0);
    assert_int_equal(words_index("auto|none|password", "password"), 2);
    assert_int_equal(words_index("auto|none|password", "pass"), -1);
    assert_int_equal(words_index("auto|none|password", "none|password"), -1);
    assert_int_equal(words_index("auto|none|password", ""), -1);
    assert_int_equal(words_index("one", "one"), 0);
    assert_int_equal(words_index("one", "ones"), -1);
}

static void test_phrase(void **state)
{
    (void) state;
    static const struct {
        const char *words, *phrase;
    } cases[] = {{"a", "a"}, {"a|b", "a or b"}, {"a|b|c", "a, b or c"}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        STRBUF(out, 64);
        words_phrase(cases[i].words, &out);
        assert_string_equal(out.data, cases[i].phrase);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index),
        cmocka_unit_test(test_phrase),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
