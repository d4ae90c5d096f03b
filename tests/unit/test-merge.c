#include "images/merge.h"
#include "tests/unit/unit.h"

#include "tests/unit/bundle-fixture.h"

#include <errno.h>
#include <sys/stat.h>

/* Makes both, merges them into "out" and opens that. */
static int merge(const char *dir, const struct fixture *a, const struct fixture *b, int64_t serial,
                 struct bundle *out, struct error *err)
{
    AUTO_FREE char *left = fixture_make(dir, "left", a), *right = fixture_make(dir, "right", b);
    AUTO_FREE char *path = path_join(dir, "out");
    struct bundle in[2] = {BUNDLE_INIT, BUNDLE_INIT};
    assert_int_equal(bundle_open(left, NULL, &in[0], NULL), 0);
    assert_int_equal(bundle_open(right, NULL, &in[1], NULL), 0);
    int r = bundle_merge(in, 2, serial, path, err);
    bundle_release(&in[0]);
    bundle_release(&in[1]);
    if (r < 0)
        return r;
    assert_int_equal(bundle_open(path, NULL, out, err), 0);
    return bundle_verify(out, err);
}

static void has_all_of_both(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    struct fixture stack = FIXTURE;
    stack.image = "kafka";
    stack.image_text = "a broker";
    stack.serial = 7;
    if (merge(*state, &FIXTURE, &stack, 0, &b, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(b.component_count, 3); /* the note is the same in both */
    assert_string_equal(b.components[0].name, "note");
    assert_string_equal(b.components[1].name, "box");
    assert_string_equal(b.components[2].name, "kafka");
    assert_int_equal(b.serial, 7);
    assert_null(b.signature_text);
    AUTO_JSON *index = NULL;
    assert_int_equal(bundle_index(&b, &index, &err), 0);
    assert_int_equal(json_array_size(json_object_get(index, "manifests")), 3);
    assert_int_equal(json_object_size(json_object_get(b.json, "sources")), 3);
}

static void takes_the_serial_that_is_named(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    assert_int_equal(merge(*state, &FIXTURE, &FIXTURE, 12, &b, &err), 0);
    assert_int_equal(b.serial, 12);
    assert_int_equal(b.component_count, 2);
}

static void needs_no_kubernetes(void **state)
{
    struct fixture stack = FIXTURE, more = FIXTURE;
    struct error err = ERROR_INIT;
    CLEANUP(bundle_release) struct bundle with = BUNDLE_INIT, without = BUNDLE_INIT;
    stack.kubernetes = more.kubernetes = NULL;
    AUTO_FREE char *first = path_join(*state, "first"), *second = path_join(*state, "second");
    assert_int_equal(mkdir(first, 0700), 0);
    assert_int_equal(mkdir(second, 0700), 0);
    if (merge(first, &stack, &more, 0, &without, &err) < 0)
        fail_msg("%s", err.text);
    assert_null(without.kubernetes);
    if (merge(second, &stack, &FIXTURE, 0, &with, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(with.kubernetes, FIXTURE.kubernetes);
}

static void refuses_what_does_not_fit(void **state)
{
    struct fixture others[6];
    static const char *const says[] = {"product",     "architecture", "Kubernetes",
                                       "another box", "another note", "another note"};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        others[i] = FIXTURE;
    others[0].product = "other";
    others[1].architecture = "arm64";
    others[2].kubernetes = "v1.35.0";
    others[3].image_text = "something else";
    others[4].files_text = "another text";
    others[5].version = "v2";
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
        struct error err = ERROR_INIT;
        AUTO_FREE char *out = path_join(*state, "out");
        assert_int_equal(merge(*state, &FIXTURE, &others[i], 0, &b, &err), -ENOTUNIQ);
        assert_error_has(err, says[i]);
        assert_error_has(err, "/left");
        assert_error_has(err, "/right");
        assert_string_not_equal(err.remedy, "");
        assert_int_equal(access(out, F_OK), -1);
    }
}

/* One ref under two names would be found twice in the merged index. */
static void refuses_a_ref_of_two_names(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    AUTO_FREE char *left = fixture_make(*state, "left", &FIXTURE);
    AUTO_FREE char *right = fixture_make(*state, "right", &FIXTURE);
    AUTO_FREE char *list = path_join(right, "bigtop.json"), *out = path_join(*state, "out");
    AUTO_JSON *json = json_parse_file(list, 65536, NULL);
    json_object_set_new(json_array_get(json_object_get(json, "components"), 1), "name",
                        json_string("crate"));
    AUTO_FREE char *text = json_dumps(json, 0);
    assert_int_equal(file_write_atomic(list, text, strlen(text), 0644, NULL), 0);
    struct bundle in[2] = {BUNDLE_INIT, BUNDLE_INIT};
    assert_int_equal(bundle_open(left, NULL, &in[0], NULL), 0);
    assert_int_equal(bundle_open(right, NULL, &in[1], NULL), 0);
    assert_int_equal(bundle_merge(in, 2, 0, out, &err), -ENOTUNIQ);
    assert_error_has(err, "example.org/box:v1 is box in ");
    assert_error_has(err, "crate in ");
    bundle_release(&in[0]);
    bundle_release(&in[1]);
}

static void refuses_a_damaged_one(void **state)
{
    struct error err = ERROR_INIT;
    struct fixture stack = FIXTURE;
    stack.image = "kafka";
    AUTO_FREE char *left = fixture_make(*state, "left", &FIXTURE);
    AUTO_FREE char *right = fixture_make(*state, "right", &stack);
    AUTO_FREE char *out = path_join(*state, "out"), *index = path_join(right, "index.json");
    AUTO_FREE char *list = path_join(out, "bigtop.json");
    struct bundle in[2] = {BUNDLE_INIT, BUNDLE_INIT};
    assert_int_equal(bundle_open(left, NULL, &in[0], NULL), 0);
    assert_int_equal(bundle_open(right, NULL, &in[1], NULL), 0);
    STRBUF(kept, 65536);
    assert_int_equal(file_read(index, &kept, NULL), 0);
    assert_int_equal(file_write_atomic(index, "{}", 2, 0644, NULL), 0);
    assert_int_equal(bundle_merge(in, 2, 0, out, &err), -EBADMSG);
    assert_error_has(err, "index.json");
    assert_int_equal(file_write_atomic(index, kept.data, kept.len, 0644, NULL), 0);
    AUTO_FREE char *blob =
        xasprintf("%s/blobs/sha256/%s", right,
                  json_string_value(json_array_get(in[1].components[1].blobs, 2)) + 7);
    STRBUF(bytes, 65536);
    assert_int_equal(file_read(blob, &bytes, NULL), 0);
    bytes.data[0] ^= 1;
    assert_int_equal(file_write_atomic(blob, bytes.data, bytes.len, 0644, NULL), 0);
    assert_int_equal(bundle_merge(in, 2, 0, out, &err), -EBADMSG);
    assert_error_has(err, "/right");
    assert_int_equal(access(list, F_OK), -1);
    bundle_release(&in[0]);
    bundle_release(&in[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(has_all_of_both),
        cmocka_folder_test(takes_the_serial_that_is_named),
        cmocka_folder_test(needs_no_kubernetes),
        cmocka_folder_test(refuses_what_does_not_fit),
        cmocka_folder_test(refuses_a_ref_of_two_names),
        cmocka_folder_test(refuses_a_damaged_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
