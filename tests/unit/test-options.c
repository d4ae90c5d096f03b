#include "coordinator/options.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

struct values {
    const char *text;
    bool flag, other;
    int64_t number;
    int choice;
    struct strv list;
};

static const struct option_spec specs[] = {
    {"text", 't', OPTION_TEXT, offsetof(struct values, text), "TEXT", "some text"},
    {"flag", 'f', OPTION_FLAG, offsetof(struct values, flag), NULL, "a flag"},
    {"other", 'o', OPTION_FLAG, offsetof(struct values, other), NULL, "another flag"},
    {"number", 0, OPTION_NUMBER, offsetof(struct values, number), "N", "a number"},
    {"list", 'l', OPTION_LIST, offsetof(struct values, list), "ITEM", "items"},
    OPTION_OUTPUT(struct values, choice),
    OPTION_END,
};

struct fixture {
    struct values v;
    struct strv positionals;
    struct error err;
};

static int parse(struct fixture *f, const char *line)
{
    STRV(words);
    memset(f, 0, sizeof(*f));
    strv_split(&words, line, ' ');
    /* Texts are borrowed from argv: those of the test live for ever. */
    static struct strv kept[64];
    static size_t count;
    assert_true(count < sizeof(kept) / sizeof(kept[0]));
    kept[count] = words;
    words = STRV_INIT;
    char *nothing[] = {NULL};
    struct strv *argv = &kept[count++];
    int rc = options_parse(specs, (int) argv->count, argv->items ? argv->items : nothing, &f->v,
                           &f->positionals, &f->err);
    if (rc < 0) {
        strv_release(&f->positionals);
        strv_release(&f->v.list);
    }
    return rc;
}

static void done(struct fixture *f)
{
    strv_release(&f->positionals);
    strv_release(&f->v.list);
}

static void test_all_forms(void **state)
{
    (void) state;
    struct fixture f;
    assert_int_equal(
        parse(&f, "a --text=x=y -f --number 7 b --list 1 -l2 --output=json -- --flag -"), 0);
    assert_string_equal(f.v.text, "x=y");
    assert_true(f.v.flag);
    assert_false(f.v.other);
    assert_int_equal(f.v.number, 7);
    assert_int_equal(f.v.choice, 3);
    assert_int_equal(f.v.list.count, 2);
    assert_string_equal(f.v.list.items[1], "2");
    assert_int_equal(f.positionals.count, 4);
    assert_string_equal(f.positionals.items[2], "--flag");
    assert_string_equal(f.positionals.items[3], "-");
    done(&f);
}

static void test_short_forms(void **state)
{
    (void) state;
    struct fixture f;
    assert_int_equal(parse(&f, "-fotx"), 0);
    assert_true(f.v.flag && f.v.other);
    assert_string_equal(f.v.text, "x");
    done(&f);
    assert_int_equal(parse(&f, "-t x -"), 0);
    assert_string_equal(f.v.text, "x");
    assert_string_equal(f.positionals.items[0], "-");
    done(&f);
}

/* An option's value may look like an option: the user said that it is the value. */
static void test_value_with_dash(void **state)
{
    (void) state;
    struct fixture f;
    assert_int_equal(parse(&f, "--text --flag"), 0);
    assert_string_equal(f.v.text, "--flag");
    assert_false(f.v.flag);
    done(&f);
}

static void test_nothing(void **state)
{
    (void) state;
    struct fixture f;
    assert_int_equal(parse(&f, ""), 0);
    assert_null(f.v.text);
    assert_int_equal(f.positionals.count, 0);
    done(&f);
}

static void test_errors(void **state)
{
    (void) state;
    static const struct {
        const char *line, *text;
    } cases[] = {
        {"--txet x", "unknown option --txet, did you mean --text?"},
        {"--tex=secret", "unknown option --tex, did you mean --text?"},
        {"--quite-different", "unknown option --quite-different"},
        {"-x", "unknown option -x"},
        {"-fx", "unknown option -fx"},
        {"--flag=1", "--flag takes no value"},
        {"a --text", "--text needs a value: TEXT"},
        {"-t", "--text needs a value: TEXT"},
        {"--text=", "--text is empty, expected TEXT"},
        {"--text a --text b", "--text is given twice"},
        {"--number 1x", "--number is '1x', expected a number"},
        {"--number -1", "--number is '-1', expected a number"},
        {"--number 9223372036854775808", "--number is '9223372036854775808', expected a number"},
        {"--output xml", "--output is 'xml', expected auto, plain, live or json"},
        {"--output pl", "--output is 'pl', expected auto, plain, live or json"},
        {"--output xml\033[2J", "--output is 'xml\\x1b[2J', expected auto, plain, live or json"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fixture f;
        assert_int_equal(parse(&f, cases[i].line), -EINVAL);
        assert_string_equal(f.err.text, cases[i].text);
    }
}

static void test_no_table(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    char *argv[] = {(char *) "a", (char *) "--text"};
    STRV(positionals);
    assert_int_equal(options_parse(NULL, 1, argv, NULL, &positionals, &err), 0);
    assert_int_equal(options_parse(NULL, 2, argv, NULL, &positionals, &err), -EINVAL);
    assert_string_equal(err.text, "unknown option --text");
}

static void test_help(void **state)
{
    (void) state;
    STRBUF(out, 4096);
    options_help(specs, &out);
    assert_string_equal(out.data,
                        "  -t, --text TEXT  some text\n"
                        "  -f, --flag       a flag\n"
                        "  -o, --other      another flag\n"
                        "      --number N   a number\n"
                        "  -l, --list ITEM  items\n"
                        "      --output auto|plain|live|json\n"
                        "                   how progress is shown; auto: live on a terminal, plain "
                        "elsewhere\n");
    strbuf_reset(&out);
    options_help(NULL, &out);
    assert_int_equal(out.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_forms),
        cmocka_unit_test(test_short_forms),
        cmocka_unit_test(test_value_with_dash),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_no_table),
        cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
