#include "agent/images-labels.h"
#include "tests/unit/unit.h"

#define HEX(c) c c c c c c c c c c c c c c c c
#define A "sha256:" HEX("aaaa")
#define B "sha256:" HEX("bbbb")
#define C "sha256:" HEX("cccc")
#define SOURCE "containerd.io/distribution.source."

static json_t *images(void)
{
    return json_pack("[{s:s, s:s, s:[s]}, {s:s, s:s, s:[s, s]}]", "ref", "registry.k8s.io/pause:3",
                     "manifest", A, "blobs", B, "ref", "localhost:5000/x/y:v1", "manifest", C,
                     "blobs", B, B);
}

static const char *value(const json_t *of, const char *digest, const char *label)
{
    return json_get_string(json_object_get(of, digest), label, "");
}

static void wants_the_repository_on_every_blob(void **state)
{
    (void) state;
    AUTO_JSON *list = images();
    AUTO_JSON *wanted = images_sources(list);
    AUTO_JSON *found = json_pack("{s:{}, s:{}, s:{}}", A, B, C);
    AUTO_JSON *missing = images_missing_sources(wanted, found);
    assert_int_equal(json_object_size(missing), 3);
    assert_string_equal(value(missing, A, SOURCE "registry.k8s.io"), "pause");
    assert_string_equal(value(missing, B, SOURCE "registry.k8s.io"), "pause");
    /* As containerd does: the host without its port. */
    assert_string_equal(value(missing, B, SOURCE "localhost"), "x/y");
    assert_string_equal(value(missing, C, SOURCE "localhost"), "x/y");
    assert_int_equal(json_object_size(json_object_get(missing, C)), 1);
}

static void adds_to_what_is_there(void **state)
{
    (void) state;
    AUTO_JSON *list = images();
    AUTO_JSON *wanted = images_sources(list);
    AUTO_JSON *found = images_parse_content(
        "DIGEST\tSIZE\tAGE\tLABELS\n" A "\t1kB\t2 minutes\tcontainerd.io/gc.ref.content.0=" B
        "," SOURCE "registry.k8s.io=pause\n" B "\t\t1kB\t\tAbout an hour\t" SOURCE
        "localhost=z,aa,x/y," SOURCE "registry.k8s.io=b,zz,other=1\n" C "\t1kB\t1 second\t-\n");
    AUTO_JSON *missing = images_missing_sources(wanted, found);
    assert_null(json_object_get(missing, A));
    assert_string_equal(value(missing, B, SOURCE "registry.k8s.io"), "b,pause,zz");
    assert_int_equal(json_object_size(json_object_get(missing, B)), 1);
    assert_string_equal(value(missing, C, SOURCE "localhost"), "x/y");
}

static void leaves_what_is_not_there(void **state)
{
    (void) state;
    AUTO_JSON *list = images();
    AUTO_JSON *wanted = images_sources(list);
    AUTO_JSON *found = images_parse_content("ctr: something went wrong\n\na\tb\tc\td\n" A "\n" B
                                            "\t1kB\t1 second\n");
    AUTO_JSON *missing = images_missing_sources(wanted, found);
    assert_int_equal(json_object_size(found), 0);
    assert_int_equal(json_object_size(missing), 0);
}

static void leaves_a_label_that_is_full(void **state)
{
    (void) state;
    AUTO_JSON *list = images();
    AUTO_JSON *wanted = images_sources(list);
    AUTO_FREE char *large = xcalloc(1, 4096);
    memset(large, 'r', 4095 - strlen(SOURCE "registry.k8s.io"));
    AUTO_JSON *found = json_pack("{s:{s:[s]}}", A, SOURCE "registry.k8s.io", large);
    AUTO_JSON *missing = images_missing_sources(wanted, found);
    assert_int_equal(json_object_size(missing), 0);
    large[4000 - strlen(SOURCE "registry.k8s.io")] = '\0';
    AUTO_JSON *shorter = json_pack("{s:{s:[s]}}", A, SOURCE "registry.k8s.io", large);
    AUTO_JSON *fits = images_missing_sources(wanted, shorter);
    assert_int_equal(json_object_size(fits), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wants_the_repository_on_every_blob),
        cmocka_unit_test(adds_to_what_is_there),
        cmocka_unit_test(leaves_what_is_not_there),
        cmocka_unit_test(leaves_a_label_that_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
