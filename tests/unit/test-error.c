#include "lib/error.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

static void fills_and_returns_the_code(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    assert_int_equal(error_set(&err, -EIO, "read %s", "disk"), -EIO);
    assert_int_equal(err.code, -EIO);
    assert_string_equal(err.text, "read disk");
    assert_string_equal(err.remedy, "");
}

static void null_is_allowed_everywhere(void **state)
{
    (void) state;
    assert_int_equal(error_set(NULL, -EPERM, "x"), -EPERM);
    assert_int_equal(error_errno(NULL, -ENOENT, "x"), -ENOENT);
    assert_int_equal(error_prefix(NULL, "x"), -EIO);
    assert_int_equal(error_remedy(NULL, "x"), -EIO);
}

static void appends_the_text_of_the_errno(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    assert_int_equal(error_errno(&err, -ENOENT, "open %s", "/x"), -ENOENT);
    assert_string_equal(err.text, "open /x: No such file or directory");
    error_errno(&err, -100000, "odd");
    assert_string_equal(err.text, "odd: unknown error");
}

static void puts_context_in_front(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    error_set(&err, -EIO, "inner");
    assert_int_equal(error_prefix(&err, "host %s", "n1"), -EIO);
    assert_string_equal(err.text, "host n1: inner");
}

static void may_quote_itself(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    error_set(&err, -EIO, "inner");
    error_remedy(&err, "old remedy");
    error_set(&err, -EPERM, "outer (%s)", err.text);
    assert_string_equal(err.text, "outer (inner)");
    assert_string_equal(err.remedy, "");
}

static void keeps_the_inner_remedy(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    error_set(&err, -EIO, "x");
    assert_int_equal(error_remedy(&err, "free %d MB", 5), -EIO);
    assert_int_equal(error_remedy(&err, "call someone"), -EIO);
    assert_string_equal(err.remedy, "free 5 MB");
}

static void cuts_what_is_too_long(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    char text[3 * ERROR_TEXT_MAX];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    error_set(&err, -EIO, "%s", text);
    assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
    error_errno(&err, -EIO, "%s", text);
    assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
    error_prefix(&err, "%s", text);
    assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
    error_remedy(&err, "%s", text);
    assert_int_equal(strlen(err.remedy), ERROR_REMEDY_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_and_returns_the_code),
        cmocka_unit_test(null_is_allowed_everywhere),
        cmocka_unit_test(appends_the_text_of_the_errno),
        cmocka_unit_test(puts_context_in_front),
        cmocka_unit_test(may_quote_itself),
        cmocka_unit_test(keeps_the_inner_remedy),
        cmocka_unit_test(cuts_what_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
