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

/* semver.org, 11.4.4, with ours around it: each is smaller than the next. */
static void test_compare(void **state)
{
    (void) state;
    static const char *const ascending[] = {
        "v1.9.9",       "v1.10.0-alpha",  "v1.10.0-alpha.1", "v1.10.0-alpha.beta",
        "v1.10.0-beta", "v1.10.0-beta.2", "v1.10.0-beta.11", "v1.10.0-rc.1",
        "v1.10.0",      "v1.10.1",        "v1.34.4",         "v1.34.10",
        "v2.0.0",
    };
    size_t count = sizeof(ascending) / sizeof(ascending[0]);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            struct kube_version a = parse(ascending[i]), b = parse(ascending[j]);
            int order = kube_version_compare(&a, &b);
            assert_int_equal(i < j, order < 0);
            assert_int_equal(i > j, order > 0);
        }
    }
}

static bool fits(const char *kubelet, const char *api_server)
{
    struct kube_version k = parse(kubelet), a = parse(api_server);
    return kube_version_kubelet_fits(&k, &a);
}

static void test_kubelet_fits(void **state)
{
    (void) state;
    assert_true(fits("v1.34.4", "v1.34.4"));
    assert_true(fits("v1.34.9", "v1.34.4")); /* patches do not count */
    assert_true(fits("v1.31.0", "v1.34.4"));
    assert_false(fits("v1.30.9", "v1.34.4"));
    assert_false(fits("v1.35.0", "v1.34.4")); /* never newer than the API */
    assert_false(fits("v1.34.4", "v2.34.4"));
    assert_false(fits("v2.0.0", "v1.34.4"));
}

static int upgrade(const char *from, const char *to, struct error *err)
{
    struct kube_version f = parse(from), t = parse(to);
    return kube_version_upgrade_check(&f, &t, err);
}

static void test_upgrade(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    assert_int_equal(upgrade("v1.34.4", "v1.34.4", &err), 0);
    assert_int_equal(upgrade("v1.34.3", "v1.34.4", &err), 0);
    assert_int_equal(upgrade("v1.34.4", "v1.35.0", &err), 0);
    assert_int_equal(upgrade("v1.35.0-rc.1", "v1.35.0", &err), 0);
    assert_int_equal(upgrade("v1.34.4", "v1.34.3", &err), -EINVAL);
    assert_non_null(strstr(err.text, "cannot go back"));
    assert_int_equal(upgrade("v1.35.0", "v1.34.9", &err), -EINVAL);
    assert_int_equal(upgrade("v1.35.0", "v1.35.0-rc.1", &err), -EINVAL);
    err = ERROR_INIT;
    assert_int_equal(upgrade("v1.34.4", "v1.36.0", &err), -EINVAL);
    assert_non_null(strstr(err.remedy, "v1.35"));
    assert_int_equal(upgrade("v1.34.4", "v2.0.0", &err), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),   cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_compare), cmocka_unit_test(test_kubelet_fits),
        cmocka_unit_test(test_upgrade),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
