#include "images/image-ref.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define D "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void reads_names(void **state)
{
    (void) state;
    static const struct {
        const char *text, *name, *full;
    } cases[] = {
        {"busybox", "docker.io/library/busybox:latest", "docker.io/library/busybox:latest"},
        {"calico/cni:v3.30.3", "docker.io/calico/cni:v3.30.3", "docker.io/calico/cni:v3.30.3"},
        {"docker.io/busybox:1.36", "docker.io/library/busybox:1.36",
         "docker.io/library/busybox:1.36"},
        {"registry.k8s.io/etcd:3.6.5-0", "registry.k8s.io/etcd:3.6.5-0",
         "registry.k8s.io/etcd:3.6.5-0"},
        {"127.0.0.1:5000/a/b/c:x", "127.0.0.1:5000/a/b/c:x", "127.0.0.1:5000/a/b/c:x"},
        {"localhost/a:x", "localhost/a:x", "localhost/a:x"},
        {"quay.io/a/b@" D, NULL, "quay.io/a/b@" D},
        {"quay.io/a/b:v1@" D, "quay.io/a/b:v1", "quay.io/a/b:v1@" D},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_IMAGE_REF r = {0};
        assert_int_equal(image_ref_parse(cases[i].text, &r, NULL), 0);
        AUTO_FREE char *name = image_ref_name(&r);
        AUTO_FREE char *full = image_ref_text(&r);
        if (cases[i].name)
            assert_string_equal(name, cases[i].name);
        else
            assert_null(name);
        assert_string_equal(full, cases[i].full);
    }
}

static void refuses_others(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "",          "/",          "a b",         "A/b:c",     "x:",       "x@sha256:12",
        "x@" D "0",  "x@md5:1",    "https://a/b", "a//b",      "a/../b",   "a.io/b:c d",
        "a.io/b:-x", "a.io/b\n:x", "a.io/",       "-a.io/b:x", "a.io/b:é", "a.io/$(id):x",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        AUTO_IMAGE_REF r = {0};
        struct error err = ERROR_INIT;
        if (image_ref_parse(bad[i], &r, &err) != -EINVAL)
            fail_msg("\"%s\" was taken", bad[i]);
        assert_null(r.host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_names),
        cmocka_unit_test(refuses_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
