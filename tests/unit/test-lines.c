#include "tests/unit/unit.h"

#include "iso/lines.h"

#include <stdio.h>

/* In one piece and byte by byte. */
static void expect(const char *written, const char *shown)
{
    AUTO_ISO_LINES whole = {0};
    AUTO_ISO_LINES pieces = {0};
    STRBUF(text, 1 << 20);
    iso_lines_write(&whole, written, strlen(written));
    iso_lines_text(&whole, &text);
    assert_string_equal(text.data, shown);
    for (const char *c = written; *c; c++)
        iso_lines_write(&pieces, c, 1);
    strbuf_reset(&text);
    iso_lines_text(&pieces, &text);
    assert_string_equal(text.data, shown);
}

static void test_text(void **state)
{
    (void) state;
    expect("", "");
    expect("one\r\ntwo", "one\ntwo\n");
    expect("\033[31mred\033[0m \033[1;32mand bold\033[0m\n", "red and bold\n");
    expect("\033[?25l\033[?7lhidden cursor\033[?7h", "hidden cursor\n");
    expect("50 %\r100 %\r\n", "100 %\n");
    expect("\342\240\213 working", "\342\240\213 working\n");
}

/* As view-live.c redraws. */
static void test_drawn_again(void **state)
{
    (void) state;
    expect("before\r\none connecting\r\n1 working\r\n\033[2F\033[Jone joined\r\n1 done\r\n",
           "before\none joined\n1 done\n");
    expect("a\r\nb\r\nc\r\n\033[3F\033[Jend", "end\n");
    expect("a\r\n\033[99F\033[Jend", "end\n");
}

static void test_cleared(void **state)
{
    (void) state;
    expect("old\r\nolder\033[H\033[2Jnew\n", "new\n");
}

static void test_not_text(void **state)
{
    (void) state;
    expect("\033[1\033[m", ""); /* one within another */
    expect("\033Xplain", "plain\n");
    expect("\001\377", "\\x01\\xff\n");
    expect("\033[99999999999999999999Fx", "x\n");
}

static void test_bounded(void **state)
{
    (void) state;
    AUTO_ISO_LINES l = {0};
    STRBUF(text, 4 << 20);
    char line[64];
    for (int i = 0; i < 2 * ISO_LINES_MAX; i++) {
        (void) snprintf(line, sizeof(line), "line %d\n", i);
        iso_lines_write(&l, line, strlen(line));
    }
    for (int i = 0; i < 4 * ISO_LINE_MAX; i++)
        iso_lines_write(&l, "x", 1);
    iso_lines_text(&l, &text);
    assert_false(strbuf_full(&text));
    assert_true(l.count <= ISO_LINES_MAX);
    assert_null(strstr(text.data, "line 12\n"));
    assert_non_null(strstr(text.data, "line 999\n"));
    assert_true(strlen(strchr(text.data, 'x')) <= ISO_LINE_MAX + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),    cmocka_unit_test(test_drawn_again),
        cmocka_unit_test(test_cleared), cmocka_unit_test(test_not_text),
        cmocka_unit_test(test_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
