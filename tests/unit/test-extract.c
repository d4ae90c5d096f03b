#include "images/extract.h"
#include "tests/unit/unit.h"

#include "tests/unit/bundle-fixture.h"

#include <errno.h>

static void open_fixture(const char *dir, struct bundle *out)
{
    AUTO_FREE char *path = fixture_make(dir, "bundle", &FIXTURE);
    assert_int_equal(bundle_open(path, NULL, out, NULL), 0);
}

static void unpacks_files(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    AUTO_FREE char *out = path_join(*state, "a/out"), *note = path_join(out, "etc/note");
    open_fixture(*state, &b);
    if (bundle_extract(&b, bundle_find(&b, "note"), out, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(file_is(note, "a note", 6, 0644), 1);
    /* Nothing else is there: the folder would not be empty without it. */
    assert_int_equal(unlink(note), 0);
    AUTO_FREE char *etc = path_join(out, "etc");
    assert_int_equal(rmdir(etc), 0);
    assert_int_equal(rmdir(out), 0);
}

static void makes_a_layout_of_an_image(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    AUTO_FREE char *out = path_join(*state, "out"), *index_path = path_join(out, "index.json");
    AUTO_FREE char *list = path_join(out, "bigtop.json");
    open_fixture(*state, &b);
    const struct component *c = bundle_find(&b, "box");
    assert_int_equal(bundle_extract(&b, c, out, &err), 0);
    AUTO_JSON *index = json_parse_file(index_path, 65536, NULL);
    const json_t *entries = json_object_get(index, "manifests");
    assert_int_equal(json_array_size(entries), 1);
    assert_string_equal(json_get_string(json_array_get(entries, 0), "digest", ""), c->manifest);
    size_t i;
    json_t *digest;
    json_array_foreach(c->blobs, i, digest) {
        char found[DIGEST_SIZE];
        AUTO_FREE char *blob = xasprintf("%s/blobs/sha256/%s", out, json_string_value(digest) + 7);
        assert_int_equal(digest_file(blob, found, NULL, NULL), 0);
        assert_string_equal(found, json_string_value(digest));
    }
    assert_int_equal(access(list, F_OK), -1);
}

static void refuses_a_folder_in_use(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    open_fixture(*state, &b);
    assert_int_equal(bundle_extract(&b, bundle_find(&b, "note"), b.path, &err), -ENOTEMPTY);
    assert_int_equal(bundle_extract(&b, bundle_find(&b, "box"), b.path, &err), -ENOTEMPTY);
    assert_int_equal(bundle_verify(&b, &err), 0);
}

/* Replaces a blob by another of the same size: a tar that would be fine. */
static void unpacks_nothing_that_was_altered(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    AUTO_FREE char *out = path_join(*state, "out"), *etc = path_join(out, "etc");
    AUTO_FREE char *image = path_join(*state, "image");
    open_fixture(*state, &b);
    AUTO_FREE char *blob = xasprintf("%s/blobs/sha256/%s", b.path,
                                     bundle_find(&b, "note")->blob + 7);
    STRBUF(bytes, 65536);
    assert_int_equal(file_read(blob, &bytes, NULL), 0);
    bytes.data[bytes.len - 1] ^= 1;
    assert_int_equal(file_write_atomic(blob, bytes.data, bytes.len, 0644, NULL), 0);
    assert_int_equal(bundle_extract(&b, bundle_find(&b, "note"), out, &err), -EBADMSG);
    assert_error_has(err, "note: blob ");
    assert_int_equal(access(etc, F_OK), -1);
    /* The same with the entry that skopeo would follow. */
    AUTO_FREE char *index = path_join(b.path, "index.json");
    assert_int_equal(file_write_atomic(index, "{}", 2, 0644, NULL), 0);
    assert_int_equal(bundle_extract(&b, bundle_find(&b, "box"), image, &err), -EBADMSG);
    assert_error_has(err, "index.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(unpacks_files),
        cmocka_folder_test(makes_a_layout_of_an_image),
        cmocka_folder_test(refuses_a_folder_in_use),
        cmocka_folder_test(unpacks_nothing_that_was_altered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
