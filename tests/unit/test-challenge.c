#include "images/challenge.h"
#include "tests/unit/unit.h"

static void assert_text(const char *found, const char *expected)
{
    if (expected)
        assert_string_equal(found, expected);
    else
        assert_null(found);
}

static void reads_headers(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        bool basic, bearer;
        const char *realm, *service, *scope;
    } cases[] = {
        {"Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
         "scope=\"repository:library/busybox:pull\"",
         false, true, "https://auth.docker.io/token", "registry.docker.io",
         "repository:library/busybox:pull"},
        {"bearer realm = https , SERVICE=\"a \\\"b\\\"\"", false, true, "https", "a \"b\"", NULL},
        {"Basic realm=\"Registry\"", true, false, NULL, NULL, NULL},
        {"Basic realm=\"a, Bearer realm=b\", Bearer realm=\"c\"", true, true, "c", NULL, NULL},
        {"Bearer realm=\"c\", Basic realm=\"d\"", true, true, "c", NULL, NULL},
        {"Bearer realm=a, Bearer realm=b", false, true, "a", NULL, NULL},
        {"Negotiate, Digest realm=\"x\", nonce=\"y\"", false, false, NULL, NULL, NULL},
        {"Bearer realm=\"no end", false, true, NULL, NULL, NULL},
        {"Bearer", false, true, NULL, NULL, NULL},
        {"\"", false, false, NULL, NULL, NULL},
        {"", false, false, NULL, NULL, NULL},
        {"=,=,=", false, false, NULL, NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_CHALLENGE c = {0};
        challenge_parse(cases[i].text, &c);
        assert_int_equal(c.basic, cases[i].basic);
        assert_int_equal(c.bearer, cases[i].bearer);
        assert_text(c.realm, cases[i].realm);
        assert_text(c.service, cases[i].service);
        assert_text(c.scope, cases[i].scope);
    }
}

static void takes_no_endless_value(void **state)
{
    (void) state;
    STRBUF(text, 100000);
    strbuf_adds(&text, "Bearer realm=\"");
    for (int i = 0; i < 90000; i++)
        strbuf_addc(&text, 'a');
    strbuf_adds(&text, "\", service=x");
    AUTO_CHALLENGE c = {0};
    challenge_parse(text.data, &c);
    assert_null(c.realm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_headers),
        cmocka_unit_test(takes_no_endless_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
