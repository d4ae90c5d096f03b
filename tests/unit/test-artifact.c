#include "images/artifact.h"
#include "images/image.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "tests/unit/unit.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
/* Of "{}": OCI image spec, "Guidance for an empty descriptor". */
#define EMPTY "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

static const struct artifact artifact = {
    .type = MEDIA_COMPONENT, .media = MEDIA_LAYER, .title = "x.tar.zst", .digest = A, .size = 7};

/* Byte for byte: a digest hangs on it. */
static void writes_a_manifest(void **state)
{
    (void) state;
    STRBUF(out, IMAGE_JSON_MAX);
    artifact_manifest(&artifact, &out);
    assert_string_equal(
        out.data,
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
        "\"artifactType\":\"application/vnd.bigtop.component.v1\",\"config\":"
        "{\"mediaType\":\"application/vnd.oci.empty.v1+json\",\"digest\":\"" EMPTY "\",\"size\":2},"
        "\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+zstd\","
        "\"digest\":\"" A "\",\"size\":7,"
        "\"annotations\":{\"org.opencontainers.image.title\":\"x.tar.zst\"}}]}");
}

static void puts_it_into_a_layout(void **state)
{
    struct layout *l = NULL;
    struct error err = ERROR_INIT;
    AUTO_JSON *list = json_object();
    STRBUF(text, IMAGE_JSON_MAX);
    assert_int_equal(layout_open(*state, &l, &err), 0);
    assert_int_equal(artifact_put(l, &artifact, "x:1", &err), 0);
    assert_non_null(json_object_get(layout_blobs(l), EMPTY));
    assert_int_equal(layout_finish(l, list, &err), 0);
    layout_close(&l);
    AUTO_FREE char *path = path_join(*state, "index.json");
    AUTO_JSON *index = json_parse_file(path, IMAGE_JSON_MAX, NULL);
    const json_t *entry = json_array_get(json_object_get(index, "manifests"), 0);
    assert_string_equal(json_get_string(entry, "artifactType", ""), MEDIA_COMPONENT);
    assert_string_equal(json_get_string(json_object_get(entry, "annotations"), LAYOUT_REF, ""),
                        "x:1");
    AUTO_FREE char *blob = xasprintf("%s/blobs/sha256/%s", (char *) *state,
                                     json_get_string(entry, "digest", "sha256:") + 7);
    STRBUF(expected, IMAGE_JSON_MAX);
    artifact_manifest(&artifact, &expected);
    assert_int_equal(file_read(blob, &text, &err), 0);
    assert_string_equal(text.data, expected.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_a_manifest),
        cmocka_folder_test(puts_it_into_a_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
