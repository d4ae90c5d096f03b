#include "images/toml.h"
#include "tests/unit/unit.h"

static void reads_what_hosts_toml_has(void **state)
{
    (void) state;
    static const char text[] = "# mirrors\r\n"
                               "server = \"https://docker.io\"   # the last\r\n"
                               "\n"
                               "[host.\"https://mirror:5000\"]\n"
                               "  capabilities = [\"pull\",\n"
                               "     'resolve', # and a comment\n"
                               "  ]\n"
                               "  ca = '/etc/\\x'\n"
                               "  skip_verify = false\n"
                               "[ host . 'http://b' ]\n"
                               "override_path=true\n"
                               "\"quo\\\"ted\" = \"a\\\\b\\tc\"";
    AUTO_JSON *json = toml_parse(text, "hosts.toml", NULL);
    AUTO_JSON *expected = json_pack(
        "{s:s, s:{s:{s:[s, s], s:s, s:b}, s:{s:b, s:s}}}", "server", "https://docker.io", "host",
        "https://mirror:5000", "capabilities", "pull", "resolve", "ca", "/etc/\\x", "skip_verify",
        0, "http://b", "override_path", 1, "quo\"ted", "a\\b\tc");
    assert_non_null(json);
    assert_true(json_equal(json, expected));
}

static void reads_nothing(void **state)
{
    (void) state;
    AUTO_JSON *json = toml_parse(" \n# only\n", "x", NULL);
    assert_int_equal(json_object_size(json), 0);
}

static void refuses_with_the_line(void **state)
{
    (void) state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"a", "t:1: expected \"=\""},
        {"a =", "t:1: expected a string"},
        {"\n\na = 12", "t:3: expected a string"},
        {"a = 1979-05-27", "expected a string"},
        {"a = {b = \"c\"}", "expected a string"},
        {"a = truely", "expected a string"},
        {"a = \"x\" b = \"y\"", "should end"},
        {"a = \"x\"\na = \"y\"", "t:2: the same name"},
        {"a = \"x", "without an end"},
        {"a = \"x\ny\"", "without an end"},
        {"a = \"\"\"x\"\"\"", "should end"},
        {"a = \"\\u0041\"", "escape"},
        {"a = \"\xff\"", "UTF-8"},
        {"a = [\"x\" \"y\"]", "expected \",\""},
        {"a = [1]", "list of strings"},
        {"a = [[\"x\"]]", "list of strings"},
        {"a = [\"x\",", "list of strings"},
        {"[a", "expected \".\" or \"]\""},
        {"[]", "expected a name"},
        {"[[a]]", "expected a name"},
        {"[a]\nb = true\n[a]", "t:3: the same name"},
        {"a = \"x\"\n[a.b]", "t:2: the same name"},
        {"[a.b.c.d.e]", "too many tables"},
        {"= \"x\"", "expected a name"},
        {"a.b = \"x\"", "expected \"=\""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err = ERROR_INIT;
        AUTO_JSON *json = toml_parse(cases[i].text, "t", &err);
        if (json || !strstr(err.text, cases[i].says))
            fail_msg("%s: \"%s\" instead of \"%s\"", cases[i].text, err.text, cases[i].says);
    }
}

static void has_limits(void **state)
{
    (void) state;
    STRBUF(text, 10000);
    strbuf_adds(&text, "a = \"");
    for (int i = 0; i < 5000; i++)
        strbuf_addc(&text, 'x');
    strbuf_adds(&text, "\"\n");
    struct error err = ERROR_INIT;
    assert_null(toml_parse(text.data, "t", &err));
    assert_error_has(err, "too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_hosts_toml_has),
        cmocka_unit_test(reads_nothing),
        cmocka_unit_test(refuses_with_the_line),
        cmocka_unit_test(has_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
