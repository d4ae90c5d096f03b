#include "images/layout.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define HELLO "hello"
#define D_HELLO "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

static char *put(const char *dir, const char *name, const char *text)
{
    char *path = path_join(dir, name);
    AUTO_FREE char *parent = path_dirname(path);
    assert_int_equal(path_mkdir_p(parent, 0755, NULL), 0);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, NULL), 0);
    return path;
}

static bool has_blob(const char *dir, const char *digest)
{
    AUTO_FREE char *path = xasprintf("%s/blobs/sha256/%s", dir, digest + 7);
    char found[DIGEST_SIZE];
    return digest_file(path, found, NULL, NULL) == 0 && strcmp(found, digest) == 0;
}

static void writes_a_layout(void **state)
{
    CLEANUP(layout_close) struct layout *l = NULL;
    char digest[DIGEST_SIZE];
    AUTO_FREE char *dir = path_join(*state, "out");
    AUTO_FREE char *source = put(*state, "source", HELLO);
    assert_int_equal(layout_open(dir, &l, NULL), 0);
    assert_int_equal(layout_put_file(l, source, D_HELLO, 5, NULL), 0);
    assert_int_equal(layout_put_data(l, "{}", 2, digest, NULL), 0);
    const struct layout_manifest manifest = {
        .media_type = "application/vnd.oci.image.manifest.v1+json",
        .digest = digest,
        .size = 2,
        .ref = "a.io/b:c",
        .architecture = "amd64"};
    layout_add_manifest(l, &manifest);
    AUTO_JSON *json = json_pack("{s:s}", "x", "y");
    assert_int_equal(layout_finish(l, json, NULL), 0);
    assert_true(has_blob(dir, D_HELLO));
    assert_true(has_blob(dir, digest));
    assert_int_equal(json_integer_value(json_object_get(layout_blobs(l), D_HELLO)), 5);
    AUTO_FREE char *path = path_join(dir, "index.json");
    AUTO_JSON *index = json_parse_file(path, 65536, NULL);
    assert_non_null(index);
    const json_t *first = json_array_get(json_object_get(index, "manifests"), 0);
    assert_string_equal(json_get_string(first, "digest", ""), digest);
    assert_string_equal(json_get_string(json_object_get(first, "annotations"), LAYOUT_REF, ""),
                        "a.io/b:c");
    AUTO_FREE char *marker = path_join(dir, "oci-layout");
    AUTO_JSON *version = json_parse_file(marker, 65536, NULL);
    assert_string_equal(json_get_string(version, "imageLayoutVersion", ""), "1.0.0");
}

static void refuses_content_that_is_not_the_digests(void **state)
{
    CLEANUP(layout_close) struct layout *l = NULL;
    struct error err = ERROR_INIT;
    AUTO_FREE char *dir = path_join(*state, "out");
    AUTO_FREE char *source = put(*state, "source", "other");
    assert_int_equal(layout_open(dir, &l, NULL), 0);
    assert_int_equal(layout_put_file(l, source, D_HELLO, 5, &err), -EBADMSG);
    assert_false(has_blob(dir, D_HELLO));
    assert_null(json_object_get(layout_blobs(l), D_HELLO));
    AUTO_FREE char *same = put(*state, "source", HELLO);
    assert_int_equal(layout_put_file(l, same, D_HELLO, 6, &err), -EBADMSG);
}

static void goes_on_where_a_build_was_killed(void **state)
{
    CLEANUP(layout_close) struct layout *l = NULL;
    AUTO_FREE char *dir = path_join(*state, "out");
    AUTO_FREE char *claiming = put(*state, "out/.oci-layout.abcdef", "");
    assert_int_equal(layout_open(dir, &l, NULL), 0);
    AUTO_FREE char *name = xasprintf("out/blobs/sha256/.%s.abcdef", &D_HELLO[7]);
    AUTO_FREE char *torn = put(*state, name, "hel");
    AUTO_FREE char *foreign = put(*state, "out/blobs/sha256/.keep", "");
    AUTO_JSON *json = json_pack("{s:s}", "x", "y");
    assert_int_equal(layout_finish(l, json, NULL), 0);
    assert_int_equal(access(torn, F_OK), -1);
    assert_int_equal(access(foreign, F_OK), 0);
}

static void replaces_a_torn_blob(void **state)
{
    CLEANUP(layout_close) struct layout *l = NULL;
    AUTO_FREE char *dir = path_join(*state, "out");
    AUTO_FREE char *source = put(*state, "source", HELLO);
    assert_int_equal(layout_open(dir, &l, NULL), 0);
    AUTO_FREE char *name = xasprintf("blobs/sha256/%s", &D_HELLO[7]);
    AUTO_FREE char *torn = put(dir, name, "hel");
    assert_int_equal(layout_put_file(l, source, D_HELLO, 5, NULL), 0);
    assert_true(has_blob(dir, D_HELLO));
    assert_int_equal(access(torn, F_OK), 0);
}

/* A link in the blobs' place must not be written through. */
static void does_not_follow_links(void **state)
{
    CLEANUP(layout_close) struct layout *l = NULL;
    AUTO_FREE char *dir = path_join(*state, "out");
    AUTO_FREE char *source = put(*state, "source", HELLO);
    AUTO_FREE char *victim = put(*state, "victim", "precious");
    assert_int_equal(layout_open(dir, &l, NULL), 0);
    AUTO_FREE char *blob = xasprintf("%s/blobs/sha256/%s", dir, &D_HELLO[7]);
    AUTO_FREE char *incoming = path_join(dir, "blobs/sha256/.incoming");
    assert_int_equal(symlink(victim, blob), 0);
    assert_int_equal(symlink(victim, incoming), 0);
    assert_int_equal(layout_put_file(l, source, D_HELLO, 5, NULL), 0);
    assert_true(has_blob(dir, D_HELLO));
    STRBUF(text, 100);
    assert_int_equal(file_read(victim, &text, NULL), 0);
    assert_string_equal(text.data, "precious");
}

static void removes_only_blobs_that_nobody_names(void **state)
{
    CLEANUP(layout_close) struct layout *l = NULL;
    char digest[DIGEST_SIZE];
    AUTO_FREE char *dir = path_join(*state, "out");
    assert_int_equal(layout_open(dir, &l, NULL), 0);
    AUTO_FREE char *name = xasprintf("blobs/sha256/%s", &D_HELLO[7]);
    AUTO_FREE char *old = put(dir, name, HELLO);
    AUTO_FREE char *half = put(dir, "blobs/sha256/.incoming", "he");
    AUTO_FREE char *note = put(dir, "blobs/sha256/README", "mine");
    assert_int_equal(layout_put_data(l, "{}", 2, digest, NULL), 0);
    AUTO_JSON *json = json_object();
    assert_int_equal(layout_finish(l, json, NULL), 0);
    assert_int_equal(access(old, F_OK), -1);
    assert_int_equal(access(half, F_OK), -1);
    assert_int_equal(access(note, F_OK), 0);
    assert_true(has_blob(dir, digest));
}

static int finish(const char *dir, const char *product)
{
    CLEANUP(layout_close) struct layout *l = NULL;
    AUTO_JSON *json = json_pack("{s:s}", "product", product);
    assert_int_equal(layout_open(dir, &l, NULL), 0);
    return layout_finish(l, json, NULL);
}

/* index.json is no blob: without its hash in the list nothing would vouch for it. */
static void lists_the_hash_of_the_index(void **state)
{
    AUTO_FREE char *dir = path_join(*state, "out");
    AUTO_FREE char *list = path_join(dir, "bigtop.json");
    AUTO_FREE char *index = path_join(dir, "index.json");
    char digest[DIGEST_SIZE];
    assert_int_equal(finish(dir, "a"), 0);
    assert_int_equal(digest_file(index, digest, NULL, NULL), 0);
    AUTO_JSON *json = json_parse_file(list, 65536, NULL);
    assert_string_equal(json_get_string(json, "index", ""), digest);
    assert_string_equal(json_get_string(json, "product", ""), "a");
}

static void writes_images_without_a_list(void **state)
{
    CLEANUP(layout_close) struct layout *l = NULL;
    char digest[DIGEST_SIZE];
    AUTO_FREE char *dir = path_join(*state, "out");
    AUTO_FREE char *list = path_join(dir, "bigtop.json");
    AUTO_FREE char *index_path = path_join(dir, "index.json");
    AUTO_JSON *entry = json_pack("{s:s, s:i}", "digest", "sha256:0", "size", 7);
    assert_int_equal(layout_open(dir, &l, NULL), 0);
    assert_int_equal(layout_put_data(l, "{}", 2, digest, NULL), 0);
    layout_add_entry(l, entry);
    assert_int_equal(layout_finish_images(l, NULL), 0);
    assert_int_equal(access(list, F_OK), -1);
    AUTO_JSON *index = json_parse_file(index_path, 65536, NULL);
    assert_true(json_equal(json_array_get(json_object_get(index, "manifests"), 0), entry));
}

static void puts_a_part_of_a_file(void **state)
{
    CLEANUP(layout_close) struct layout *l = NULL;
    struct error err = ERROR_INIT;
    AUTO_FREE char *dir = path_join(*state, "out");
    AUTO_FREE char *whole = put(*state, "whole", "before" HELLO "behind");
    AUTO_BLOB_SOURCE part = {.fd = open(whole, O_RDONLY), .offset = 6, .size = 5};
    assert_int_equal(layout_open(dir, &l, NULL), 0);
    assert_int_equal(layout_put_blob(l, &part, D_HELLO, &err), 0);
    assert_true(has_blob(dir, D_HELLO));
    /* What is there has another size than the source: it is not taken for the same. */
    CLEANUP(layout_close) struct layout *again = NULL;
    assert_int_equal(layout_open(dir, &again, NULL), 0);
    part.size = 4;
    assert_int_equal(layout_put_blob(again, &part, D_HELLO, &err), -EBADMSG);
}

static void keeps_the_signature_of_the_same_list_only(void **state)
{
    AUTO_FREE char *dir = path_join(*state, "out");
    assert_int_equal(finish(dir, "a"), 0);
    AUTO_FREE char *signature = put(dir, "bigtop.json.minisig", "of a");
    assert_int_equal(finish(dir, "a"), 0);
    assert_int_equal(access(signature, F_OK), 0);
    assert_int_equal(finish(dir, "b"), 0);
    assert_int_equal(access(signature, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(writes_a_layout),
        cmocka_folder_test(refuses_content_that_is_not_the_digests),
        cmocka_folder_test(goes_on_where_a_build_was_killed),
        cmocka_folder_test(replaces_a_torn_blob),
        cmocka_folder_test(does_not_follow_links),
        cmocka_folder_test(removes_only_blobs_that_nobody_names),
        cmocka_folder_test(lists_the_hash_of_the_index),
        cmocka_folder_test(writes_images_without_a_list),
        cmocka_folder_test(puts_a_part_of_a_file),
        cmocka_folder_test(keeps_the_signature_of_the_same_list_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
