#include "images/go-parts.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

/* Of `go version -m`, Go 1.25: two programs of one folder. */
static const char versions[] = "/x/kubeadm: go1.25.4\n"
                               "\tpath\tk8s.io/kubernetes/cmd/kubeadm\n"
                               "\tmod\tk8s.io/kubernetes\tv1.34.4\th1:kube=\n"
                               "\tdep\tgithub.com/a/b\tv1.0.0\th1:ab=\n"
                               "\tdep\tk8s.io/api\tv0.0.0\n"
                               "\t=>\tk8s.io/api\tv0.34.4\th1:api=\n"
                               "\tdep\tgithub.com/z\tv2.0.0+incompatible\th1:z=\n"
                               "\tbuild\t-compiler=gc\n"
                               "/x/kubelet: go1.25.4\n"
                               "\tpath\tk8s.io/kubernetes/cmd/kubelet\n"
                               "\tmod\tk8s.io/kubernetes\tv1.34.4\th1:kube=\n"
                               "\tdep\tgithub.com/a/b\tv1.0.0\th1:ab=\n"
                               "\tdep\tgithub.com/l\tv0.0.0\n"
                               "\t=>\t./local\t(devel)\t\n"
                               "/x/ours: go1.25.4\n"
                               "\tpath\tbigtop.local/ours\n"
                               "\tmod\tbigtop.local/ours\t(devel)\t\n"
                               "\tdep\tgithub.com/z\tv2.0.0+incompatible\th1:z=\n";

static void reads_modules(void **state)
{
    (void) state;
    static const char *const expected[] = {
        "k8s.io/kubernetes@v1.34.4 h1:kube=", "github.com/a/b@v1.0.0 h1:ab=",
        "k8s.io/api@v0.34.4 h1:api=", "github.com/z@v2.0.0+incompatible h1:z=", "./local@(devel) "};
    STRV(modules);
    go_parts_read(versions, &modules);
    assert_int_equal(modules.count, ARRAY_SIZE(expected));
    for (size_t i = 0; i < modules.count; i++)
        assert_string_equal(modules.items[i], expected[i]);
}

static void reads_nothing_from_nonsense(void **state)
{
    (void) state;
    static const char *const cases[] = {"", "\n\n", "\tdep\n", "\tdep\tx\n", "=>", "dep x v1\n"};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        STRV(modules);
        go_parts_read(cases[i], &modules);
        assert_int_equal(modules.count, 0);
    }
}

static void adds_a_module(void **state)
{
    AUTO_FREE char *from = path_join(*state, "LICENSE");
    AUTO_FREE char *dir = path_join(*state, "texts");
    static const char text[] = "Apache License\nVersion 2.0, January 2004";
    AUTO_JSON *list = json_array();
    struct parts p = {.list = list, .dir = dir};
    struct error err = ERROR_INIT;
    assert_int_equal(file_write_atomic(from, text, strlen(text), 0644, NULL), 0);
    if (go_parts_add(&p, "github.com/Azure/x@v1.0.0", *state, "h1:s=", &err) < 0)
        fail_msg("%s", err.text);
    const json_t *part = json_array_get(list, 0);
    assert_string_equal(json_get_string(part, "name", ""), "github.com/Azure/x");
    assert_string_equal(json_get_string(part, "version", ""), "v1.0.0");
    assert_string_equal(json_get_string(part, "purl", ""), "pkg:golang/github.com/azure/x@v1.0.0");
    assert_string_equal(json_get_string(part, "licence", ""), "Apache-2.0");
    assert_string_equal(json_get_string(part, "comment", ""), "go.sum: h1:s=");
    AUTO_FREE char *taken = path_join(dir, "go/github.com/Azure/x@v1.0.0/LICENSE");
    assert_int_equal(file_is(taken, text, strlen(text), 0644), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_modules),
        cmocka_unit_test(reads_nothing_from_nonsense),
        cmocka_folder_test(adds_a_module),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
