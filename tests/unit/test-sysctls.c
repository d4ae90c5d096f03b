#include "agent/sysctls.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>

static void keys_become_paths(void **state)
{
    (void) state;
    static const char *const cases[][2] = {
        {"net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward"},
        {"net.ipv4.conf.eth0/1.rp_filter", "/proc/sys/net/ipv4/conf/eth0.1/rp_filter"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *path = sysctls_path(cases[i][0]);
        assert_string_equal(path, cases[i][1]);
    }
}

static void hostile_keys_have_no_path(void **state)
{
    (void) state;
    static const char *const keys[] = {
        "", ".", "net..ipv4", "//etc/passwd", "/etc", "net.", "a b", "a\nb", "a$(id)", "..",
    };
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        assert_null(sysctls_path(keys[i]));
    }
}

static json_t *params_of(const char *key, const char *value)
{
    return json_pack("{s:{s:s}}", "sysctls", key, value);
}

static void compares_with_the_kernel(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    STRBUF(now, 256);
    assert_int_equal(file_read("/proc/sys/kernel/pid_max", &now, &err), 0);
    now.data[strcspn(now.data, "\n")] = '\0';
    STRV(none);
    AUTO_JSON *same = params_of("kernel.pid_max", now.data);
    assert_int_equal(sysctls_check(same, &none, &err), 1);
    AUTO_JSON *other = params_of("kernel.pid_max", "1");
    assert_int_equal(sysctls_check(other, &none, &err), 0);
    assert_int_equal(none.count, 1);
    assert_string_equal(none.items[0], "set kernel.pid_max to 1");
    AUTO_JSON *absent = params_of("net.there.is.no.such", "1");
    assert_int_equal(sysctls_check(absent, &none, &err), 1);
}

static void refuses_malformed(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    STRV(none);
    AUTO_JSON *key = params_of("../../etc/passwd", "1");
    assert_int_equal(sysctls_check(key, &none, &err), -EINVAL);
    AUTO_JSON *value = params_of("kernel.pid_max", "1\n2");
    assert_int_equal(sysctls_check(value, &none, &err), -EINVAL);
    AUTO_JSON *type = json_pack("{s:{s:i}}", "sysctls", "kernel.pid_max", 1);
    assert_int_equal(sysctls_check(type, &none, &err), -EINVAL);
    assert_int_equal(none.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_become_paths),
        cmocka_unit_test(hostile_keys_have_no_path),
        cmocka_unit_test(compares_with_the_kernel),
        cmocka_unit_test(refuses_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
