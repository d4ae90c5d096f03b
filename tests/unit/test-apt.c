#include "images/apt.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define URI "'http://deb.example/x.deb' "
#define OUTSIDE "http://deb.example/x.deb bash_5_amd64.deb 1 SHA256:" HEX

static void test_package_names(void **state)
{
    (void) state;
    static const char *const good[] = {"bash", "g++-12", "libc6=2.36-9+deb12u10", "a1",
                                       "ssh=1:9.2p1-2"};
    static const char *const bad[] = {"",      "a",        "-oDir=x", "Bash", "bash/sid",
                                      "bash=", "bash=1 2", "ba sh",   "+x"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_true(apt_is_package(good[i]));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(apt_is_package(bad[i]));
}

static void test_uri(void **state)
{
    (void) state;
    CLEANUP(apt_package_release) struct apt_package p = {0};
    struct error err = ERROR_INIT;
    assert_int_equal(apt_parse_uri(URI
                                   "openssh-server_1%3a9.2p1-2+deb12u5_amd64.deb 456 SHA256:" HEX,
                                   "/archives", &p, &err),
                     0);
    assert_string_equal(p.name, "openssh-server");
    assert_string_equal(p.version, "1:9.2p1-2+deb12u5");
    assert_string_equal(p.path, "/archives/openssh-server_1%3a9.2p1-2+deb12u5_amd64.deb");
    assert_string_equal(p.digest, "sha256:" HEX);
}

static void test_bad_uris(void **state)
{
    (void) state;
    static const char *const lines[] = {
        "",
        "E: no such package",
        URI "bash_5_amd64.deb 1 MD5Sum:" HEX,
        URI "bash_5_amd64.deb 1 SHA256:" HEX "00",
        URI "bash_5_amd64.deb 1 SHA256:0123",
        URI "../bash_5_amd64.deb 1 SHA256:" HEX,
        URI "-bash_5_amd64.deb 1 SHA256:" HEX,
        URI "bash_5.deb 1 SHA256:" HEX,
        OUTSIDE,
    };
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        struct apt_package p = {0};
        struct error err = ERROR_INIT;
        assert_int_equal(apt_parse_uri(lines[i], "/archives", &p, &err), -EBADMSG);
        assert_null(p.name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_package_names),
        cmocka_unit_test(test_uri),
        cmocka_unit_test(test_bad_uris),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
