#include "tests/unit/unit.h"

#include "iso/template.h"

static void expect_filled(const char *text, const char *filled)
{
    STRBUF(out, 256);
    iso_template_fill(text, "@IMAGE@", "0123456789abcdef", &out);
    assert_string_equal(out.data, filled);
}

static void test_fill(void **state)
{
    (void) state;
    expect_filled("", "");
    expect_filled("nothing", "nothing");
    expect_filled("@IMAGE", "@IMAGE");
    expect_filled("@IMAGE@", "0123456789abcdef");
    expect_filled("a @IMAGE@ b @IMAGE@.", "a 0123456789abcdef b 0123456789abcdef.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fill)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
