#include "images/image.h"
#include "lib/json.h"
#include "tests/unit/unit.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const struct image_layer layers[] = {{.digest = A, .diff_id = B, .size = 7},
                                            {.digest = B, .diff_id = A, .size = 5000000000}};

/* Byte for byte: a digest hangs on it. */
static void writes_a_manifest(void **state)
{
    (void) state;
    STRBUF(out, IMAGE_JSON_MAX);
    image_manifest(A, 12, layers, 2, &out);
    assert_string_equal(
        out.data,
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
        "\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"" A
        "\",\"size\":12},\"layers\":["
        "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+zstd\",\"digest\":\"" A
        "\",\"size\":7},"
        "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+zstd\",\"digest\":\"" B
        "\",\"size\":5000000000}]}");
}

static void writes_a_configuration(void **state)
{
    (void) state;
    STRBUF(out, IMAGE_JSON_MAX);
    STRV(entrypoint);
    STRV(env);
    strv_add(&entrypoint, "/x");
    strv_add(&env, "A=\"b\"");
    const struct recipe recipe = {.architecture = "arm64", .created = "2026-02-10T12:53:36Z"};
    const struct recipe_component c = {.entrypoint = entrypoint, .env = env, .user = "1:2"};
    image_config(&recipe, &c, layers, 1, &out);
    assert_string_equal(
        out.data,
        "{\"created\":\"2026-02-10T12:53:36Z\",\"architecture\":\"arm64\",\"os\":\"linux\","
        "\"config\":{\"User\":\"1:2\",\"Env\":["
        "\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\",\"A=\\\"b\\\"\"],"
        "\"Entrypoint\":[\"/x\"],\"WorkingDir\":\"/\"},"
        "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" B "\"]},"
        "\"history\":[{\"created\":\"2026-02-10T12:53:36Z\","
        "\"created_by\":\"bigtop-bootstrap bundle build\"}]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_a_manifest),
        cmocka_unit_test(writes_a_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
