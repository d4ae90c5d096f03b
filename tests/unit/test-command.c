#include "coordinator/command.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static const struct command apply = {.name = "apply", .synopsis = "HOSTS.YAML"};
static const struct command build = {.name = "bundle build", .synopsis = "RECIPE"};
static const struct command verify = {.name = "bundle verify", .synopsis = "DIR"};
static const struct command *const list[] = {&apply, &build, &verify, NULL};

static int saved_stderr, file;

static void capture(void)
{
    saved_stderr = dup(STDERR_FILENO);
    file = memfd_create("stderr", MFD_CLOEXEC);
    assert_true(file >= 0 && dup2(file, STDERR_FILENO) >= 0);
}

static void assert_captured(const char *expected)
{
    char text[8192] = "";
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    ssize_t n = pread(file, text, sizeof(text) - 1, 0);
    close(file);
    assert_true(n >= 0);
    assert_string_equal(text, expected);
}

static const struct command *find(const char *first, const char *second, int *words)
{
    char *argv[] = {(char *) first, (char *) second, NULL};
    return command_find(list, second ? 2 : 1, argv, words);
}

static void test_find(void **state)
{
    (void) state;
    int words = 0;
    assert_ptr_equal(find("apply", NULL, &words), &apply);
    assert_int_equal(words, 1);
    assert_ptr_equal(find("apply", "verify", &words), &apply);
    assert_int_equal(words, 1);
    assert_ptr_equal(find("bundle", "verify", &words), &verify);
    assert_int_equal(words, 2);
    assert_null(find("bundle", NULL, &words));
    assert_null(find("bundle", "apply", &words));
    assert_null(find("bundle build", NULL, &words));
    assert_null(find("app", NULL, &words));
    assert_null(find("", NULL, &words));
}

static void test_unknown(void **state)
{
    (void) state;
    static const struct {
        const char *first, *second, *text;
    } cases[] = {
        {"aply", NULL,
         "unknown command 'aply', did you mean 'apply'?\n"
         "  see: bigtop-bootstrap --help\n"},
        {"bundle", NULL, "unknown command 'bundle'\n  there is: bundle build, bundle verify\n"},
        {"bundle", "verfy",
         "unknown command 'bundle', did you mean 'bundle verify'?\n"
         "  there is: bundle build, bundle verify\n"},
        {"\033[2J", "\n", "unknown command '\\x1b[2J'\n  see: bigtop-bootstrap --help\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *argv[] = {(char *) cases[i].first, (char *) cases[i].second, NULL};
        AUTO_FREE char *expected = xasprintf("bigtop-bootstrap: %s", cases[i].text);
        capture();
        int code = command_unknown(list, cases[i].second ? 2 : 1, argv);
        assert_captured(expected);
        assert_int_equal(code, EXIT_BAD_INPUT);
    }
}

/* What a host said stays on its lines and moves no cursor. */
static void test_fail(void **state)
{
    (void) state;
    struct error err = {.code = -EIO, .text = "one\ntwo \033[2J", .remedy = "try again"};
    capture();
    int code = command_fail(EXIT_REFUSED, &err);
    assert_captured("bigtop-bootstrap: one\n  two \\x1b[2J\n  remedy: try again\n");
    assert_int_equal(code, EXIT_REFUSED);
    capture();
    code = command_fail(EXIT_HOST_FAILED, &ERROR_INIT);
    assert_captured("bigtop-bootstrap: failed without a reason\n");
    assert_int_equal(code, EXIT_HOST_FAILED);
}

static int parse(int argc, const char *first, const char *second)
{
    STRV(positionals);
    char *argv[] = {(char *) first, (char *) second, NULL};
    int code = command_parse(&apply, argc, argv, NULL, &positionals, 1, 1);
    assert_true(code != 0 || positionals.count == 1);
    return code;
}

static void test_parse(void **state)
{
    (void) state;
    assert_int_equal(parse(1, "hosts.yaml", NULL), 0);
    capture();
    int code = parse(0, NULL, NULL);
    assert_captured("bigtop-bootstrap apply: an argument is missing: HOSTS.YAML\n"
                    "  see: bigtop-bootstrap apply --help\n");
    assert_int_equal(code, EXIT_BAD_INPUT);
    capture();
    code = parse(2, "a", "b\033");
    assert_captured("bigtop-bootstrap apply: one argument too many: b\\x1b\n"
                    "  see: bigtop-bootstrap apply --help\n");
    assert_int_equal(code, EXIT_BAD_INPUT);
    capture();
    code = parse(2, "a", "--no");
    assert_captured("bigtop-bootstrap apply: unknown option --no\n"
                    "  see: bigtop-bootstrap apply --help\n");
    assert_int_equal(code, EXIT_BAD_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_fail),
        cmocka_unit_test(test_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
