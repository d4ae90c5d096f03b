#include "lib/strbuf.h"
#include "tests/unit/unit.h"

#include <errno.h>

static void is_empty_text_from_the_start(void **state)
{
    (void) state;
    STRBUF(b, 10);
    assert_string_equal(b.data, "");
    assert_int_equal(b.len, 0);
    assert_false(strbuf_full(&b));
}

static void appends(void **state)
{
    (void) state;
    STRBUF(b, 1000);
    assert_int_equal(strbuf_adds(&b, "one"), 0);
    assert_int_equal(strbuf_addc(&b, ' '), 0);
    assert_int_equal(strbuf_add(&b, "two\0!", 5), 0);
    assert_int_equal(strbuf_addf(&b, " %d", 3), 0);
    assert_int_equal(b.len, 11);
    assert_memory_equal(b.data, "one two\0! 3", 12);
}

static void grows_far(void **state)
{
    (void) state;
    STRBUF(b, 1 << 20);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(strbuf_addf(&b, "%c", 'a' + i % 26), 0);
    assert_int_equal(b.len, 100000);
    for (size_t i = 0; i < b.len; i++)
        assert_int_equal(b.data[i], 'a' + (int) (i % 26));
}

static void takes_exactly_its_maximum(void **state)
{
    (void) state;
    STRBUF(b, 5);
    assert_int_equal(strbuf_adds(&b, "12345"), 0);
    assert_false(strbuf_full(&b));
    assert_int_equal(strbuf_addc(&b, '6'), -E2BIG);
    assert_true(strbuf_full(&b));
    assert_string_equal(b.data, "12345");
}

static void stays_full_until_reset(void **state)
{
    (void) state;
    STRBUF(b, 4);
    assert_int_equal(strbuf_addf(&b, "%s", "too long"), -E2BIG);
    assert_int_equal(strbuf_adds(&b, "ok"), -E2BIG);
    assert_string_equal(b.data, "");
    strbuf_reset(&b);
    assert_int_equal(strbuf_adds(&b, "ok"), 0);
    assert_string_equal(b.data, "ok");
}

static void survives_huge_sizes(void **state)
{
    (void) state;
    STRBUF(b, SIZE_MAX);
    assert_int_equal(strbuf_add(&b, "x", 1), 0);
    assert_int_equal(strbuf_add(&b, "x", SIZE_MAX), -E2BIG);
    assert_int_equal(b.len, 1);
}

static void consumes_from_the_front(void **state)
{
    (void) state;
    STRBUF(b, 100);
    strbuf_consume(&b, 5);
    strbuf_adds(&b, "abcdef");
    strbuf_consume(&b, 2);
    assert_string_equal(b.data, "cdef");
    strbuf_consume(&b, 100);
    assert_string_equal(b.data, "");
    assert_int_equal(b.len, 0);
}

static void gives_its_memory_away(void **state)
{
    (void) state;
    STRBUF(b, 100);
    AUTO_FREE char *nothing = strbuf_steal(&b);
    assert_string_equal(nothing, "");
    strbuf_adds(&b, "mine");
    AUTO_FREE char *text = strbuf_steal(&b);
    assert_string_equal(text, "mine");
    assert_string_equal(b.data, "");
    assert_int_equal(strbuf_adds(&b, "again"), 0);
    assert_string_equal(text, "mine");
}

static void check_printable(const char *in, size_t len, const char *expected)
{
    STRBUF(b, 1000);
    strbuf_add_printable(&b, in, len);
    assert_string_equal(b.data, expected);
}
#define CHECK_PRINTABLE(in, expected) check_printable(in, sizeof(in) - 1, expected)

static void makes_text_printable(void **state)
{
    (void) state;
    CHECK_PRINTABLE("plain text", "plain text");
    CHECK_PRINTABLE("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x98", "grüß € 🐘");
    CHECK_PRINTABLE("\x1b[31mred\r\n\t", "\\x1b[31mred\\x0d\\x0a\\x09");
    CHECK_PRINTABLE("a\0b\x7f", "a\\x00b\\x7f");
    CHECK_PRINTABLE("\xc2\x9b"
                    "31m",
                    "\\xc2\\x9b31m"); /* C1: CSI in one character */
    CHECK_PRINTABLE("a\xe2\x80\xae"
                    "b",
                    "a\\xe2\\x80\\xaeb"); /* right-to-left override */
}

static void escapes_what_is_not_utf8(void **state)
{
    (void) state;
    CHECK_PRINTABLE("\xff\xfe", "\\xff\\xfe");
    CHECK_PRINTABLE("\xc0\xaf", "\\xc0\\xaf");                   /* over-long */
    CHECK_PRINTABLE("\xe0\x80\xaf", "\\xe0\\x80\\xaf");          /* over-long */
    CHECK_PRINTABLE("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* surrogate */
    CHECK_PRINTABLE("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* above U+10FFFF */
    CHECK_PRINTABLE("x\xe2\x82", "x\\xe2\\x82");                 /* cut */
    CHECK_PRINTABLE("\x80"
                    "a\xc3(",
                    "\\x80a\\xc3(");
}

static void printable_respects_the_maximum(void **state)
{
    (void) state;
    STRBUF(b, 5);
    assert_int_equal(strbuf_add_printable(&b, "ab\x01z", 4), -E2BIG);
    assert_string_equal(b.data, "ab");
}

static void formats_into_fresh_memory(void **state)
{
    (void) state;
    AUTO_FREE char *a = xasprintf("%s-%03d", "n", 7);
    AUTO_FREE char *b = xstrndup("abcdef", 3);
    assert_string_equal(a, "n-007");
    assert_string_equal(b, "abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_empty_text_from_the_start),
        cmocka_unit_test(appends),
        cmocka_unit_test(grows_far),
        cmocka_unit_test(takes_exactly_its_maximum),
        cmocka_unit_test(stays_full_until_reset),
        cmocka_unit_test(survives_huge_sizes),
        cmocka_unit_test(consumes_from_the_front),
        cmocka_unit_test(gives_its_memory_away),
        cmocka_unit_test(makes_text_printable),
        cmocka_unit_test(escapes_what_is_not_utf8),
        cmocka_unit_test(printable_respects_the_maximum),
        cmocka_unit_test(formats_into_fresh_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
