#include "agent/blobs.h"
#include "agent/images-archive.h"
#include "agent/paths.h"
#include "lib/archive.h"
#include "lib/digest.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static char *put_blob(const char *content)
{
    char digest[DIGEST_SIZE];
    struct error err = ERROR_INIT;
    digest_buffer(content, strlen(content), digest);
    AUTO_FREE char *path = blob_path(digest);
    assert_int_equal(file_write_atomic(path, content, strlen(content), 0600, &err), 0);
    return xstrdup(digest);
}

static int store_setup(void **state)
{
    struct error err = ERROR_INIT;
    if (folder_setup(state) < 0) {
        return -1;
    }
    agent_root_set(*state);
    return agent_prepare_folders(&err);
}

static int store_teardown(void **state)
{
    agent_root_set("");
    return folder_teardown(state);
}
#define store_test(f) cmocka_unit_test_setup_teardown(f, store_setup, store_teardown)

/* Two images that share a layer. */
static json_t *two_images(void)
{
    AUTO_FREE char *layer = put_blob("layer");
    AUTO_FREE char *config_a = put_blob("config a");
    AUTO_FREE char *config_b = put_blob("config b");
    AUTO_FREE char *manifest_a = put_blob("{\"mediaType\":\"application/x-test\"}");
    AUTO_FREE char *manifest_b = put_blob("{\"schemaVersion\":2}");
    return json_pack("[{s:s, s:s, s:[s, s]}, {s:s, s:s, s:[s, s]}]", "ref", "example.org/a/a:v1",
                     "manifest", manifest_a, "blobs", config_a, layer, "ref", "example.org/b:2",
                     "manifest", manifest_b, "blobs", config_b, layer);
}

static void names_every_blob_once(void **state)
{
    (void) state;
    AUTO_JSON *images = two_images();
    STRV(digests);
    images_archive_blobs(images, &digests);
    assert_int_equal(digests.count, 5);
    for (size_t i = 1; i < digests.count; i++) {
        assert_true(strcmp(digests.items[i - 1], digests.items[i]) < 0);
    }
}

static void the_index_names_images_for_containerd(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    AUTO_JSON *images = two_images();
    AUTO_JSON *index = NULL;
    assert_int_equal(images_archive_index(images, &index, &err), 0);
    const json_t *first = json_array_get(json_object_get(index, "manifests"), 0);
    assert_string_equal(json_get_string(first, "mediaType", ""), "application/x-test");
    assert_int_equal(json_get_int(first, "size", 0), 34);
    const json_t *notes = json_object_get(first, "annotations");
    assert_string_equal(json_get_string(notes, "io.containerd.image.name", ""),
                        "example.org/a/a:v1");
    assert_string_equal(json_get_string(notes, "org.opencontainers.image.ref.name", ""), "v1");
    const json_t *second = json_array_get(json_object_get(index, "manifests"), 1);
    assert_string_equal(json_get_string(second, "mediaType", ""),
                        "application/vnd.oci.image.manifest.v1+json");
}

static void the_stream_is_an_oci_layout(void **state)
{
    struct error err = ERROR_INIT;
    AUTO_JSON *images = two_images();
    AUTO_FREE char *tar = path_join(*state, "out.tar");
    AUTO_FREE char *out = path_join(*state, "out");
    struct step_context ctx = {0};
    struct images_archive archive = {.ctx = &ctx, .images = images};
    archive.fd = open(tar, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(images_archive_write(&archive, &err), 0);
    assert_int_equal(path_mkdir_p(out, 0700, &err), 0);
    AUTO_FD in = open(tar, O_RDONLY | O_CLOEXEC);
    AUTO_FD dir = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct archive_limits limits = ARCHIVE_LIMITS_DEFAULT;
    assert_int_equal(archive_unpack(in, dir, &limits, NULL, NULL, &err), 0);
    assert_int_equal(faccessat(dir, "oci-layout", R_OK, 0), 0);
    assert_int_equal(faccessat(dir, "index.json", R_OK, 0), 0);
    STRV(digests);
    images_archive_blobs(images, &digests);
    for (size_t i = 0; i < digests.count; i++) {
        char digest[DIGEST_SIZE];
        AUTO_FREE char *blob = xasprintf("%s/blobs/sha256/%s", out, digests.items[i] + 7);
        assert_int_equal(digest_file(blob, digest, NULL, &err), 0);
        assert_string_equal(digest, digests.items[i]);
    }
}

static void a_missing_blob_is_named(void **state)
{
    struct error err = ERROR_INIT;
    AUTO_JSON *images = two_images();
    const char *layer =
        json_string_value(json_array_get(json_object_get(json_array_get(images, 0), "blobs"), 1));
    AUTO_FREE char *path = blob_path(layer);
    assert_int_equal(unlink(path), 0);
    AUTO_FREE char *tar = path_join(*state, "out.tar");
    struct step_context ctx = {0};
    struct images_archive archive = {.ctx = &ctx, .images = images};
    archive.fd = open(tar, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(images_archive_write(&archive, &err), -ENOENT);
    assert_error_has(err, layer + 7);
}

static void parameters_are_checked(void **state)
{
    (void) state;
    const char *good = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const char *const bad[][3] = {
        {"no-tag.example/x", good, good},
        {"example.org/x:1", "sha256:short", good},
        {"example.org/x:1", good, "../../etc/shadow"},
        {"--help", good, good},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct error err = ERROR_INIT;
        AUTO_JSON *images = json_pack("[{s:s, s:s, s:[s]}]", "ref", bad[i][0], "manifest",
                                      bad[i][1], "blobs", bad[i][2]);
        assert_int_equal(images_check_params(images, &err), -EINVAL);
    }
    struct error err = ERROR_INIT;
    AUTO_JSON *fine = json_pack("[{s:s, s:s, s:[s]}]", "ref", "example.org/x:1", "manifest", good,
                                "blobs", good);
    assert_int_equal(images_check_params(fine, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(names_every_blob_once),        store_test(the_index_names_images_for_containerd),
        store_test(the_stream_is_an_oci_layout),  store_test(a_missing_blob_is_named),
        cmocka_unit_test(parameters_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
