#include "kubeadm/version.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct kube_version parse(const char *text)
{
    struct kube_version v;
    assert_int_equal(kube_version_parse(text, &v, NULL), 0);
    return v;
}

static void test_parse(void **state)
{
    (void) state;
    struct kube_version v = parse("v1.34.4");
    assert_int_equal(v.major, 1);
    assert_int_equal(v.minor, 34);
    assert_int_equal(v.patch, 4);
    assert_string_equal(v.prerelease, "");
    v = parse("1.35.0-rc.1");
    assert_int_equal(v.minor, 35);
    assert_string_equal(v.prerelease, "rc.1");
}

static void test_parse_refuses(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "",
        "v",
        "vv1.2.3",
        "1",
        "1.2",
        "1.2.",
        "1.2.3.4",
        "1.2.3 ",
        " 1.2.3",
        "1.02.3",
        "01.2.3",
        "1.2.03",
        "1.-2.3",
        "+1.2.3",
        "1.2.3-",
        "1.2.3-rc.",
        "1.2.3-.rc",
        "1.2.3-rc..1",
        "1.2.3-01",
        "1.2.3-rc_1",
        "1.2.3+abc",
        "1.2.99999",
        "v1.34.4\n",
        "1.2.3-rc\n",
        "a.b.c",
        "1.2.x",
        "1,2,3",
        "1.2.3-12345678901",
        "1.2.3-0123456789.0123456789.0123456789.0123456789",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct kube_version v = {7, 7, 7, "x"};
        struct error err = ERROR_INIT;
        assert_int_equal(kube_version_parse(bad[i], &v, &err), -EINVAL);
        assert_int_equal(v.major, 7); /* untouched */
        assert_non_null(strstr(err.text, "not a version"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
