#include "images/purl.h"
#include "tests/unit/unit.h"

#define A "sha256:aa"

static void is(char *found, const char *expected)
{
    assert_non_null(found);
    assert_string_equal(found, expected);
    free(found);
}

/* Forms: github.com/package-url/purl-spec, PURL-TYPES. */
static void names_packages(void **state)
{
    (void) state;
    is(purl_golang("github.com/Azure/go-autorest", "v14.2.0+incompatible"),
       "pkg:golang/github.com/azure/go-autorest@v14.2.0%2Bincompatible");
    is(purl_deb("libgmp10", "2:6.2.1+dfsg1-1.1~x", "bookworm"),
       "pkg:deb/debian/libgmp10@2:6.2.1%2Bdfsg1-1.1~x?distro=bookworm");
    is(purl_deb("libc6-dev", "2.36", NULL), "pkg:deb/debian/libc6-dev@2.36");
    is(purl_maven("org.slf4j:slf4j-api:2.0.16"), "pkg:maven/org.slf4j/slf4j-api@2.0.16");
    is(purl_maven("io.trino:trino-server:476@tar.gz"),
       "pkg:maven/io.trino/trino-server@476?type=tar.gz");
    is(purl_maven("a:b:1:bin@zip"), "pkg:maven/a/b@1?classifier=bin&type=zip");
    is(purl_pypi("Py_Socks", "1.7.1"), "pkg:pypi/py-socks@1.7.1");
    is(purl_oci("registry.k8s.io/pause:3.10.1", A),
       "pkg:oci/pause@sha256:aa?repository_url=registry.k8s.io/pause&tag=3.10.1");
    is(purl_oci("r.io:5000/a/b@sha256:bb", A), "pkg:oci/b@sha256:aa?repository_url=r.io:5000/a/b");
    is(purl_generic("runc", "https://x.org/a b?c&d", A),
       "pkg:generic/runc?checksum=sha256:aa&download_url=https://x.org/a%20b%3Fc%26d");
}

static void refuses_what_is_no_coordinate(void **state)
{
    (void) state;
    assert_null(purl_maven("a:b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_packages),
        cmocka_unit_test(refuses_what_is_no_coordinate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
