#include "images/oci-manifest.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define D1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define OCI "application/vnd.oci.image."
#define DOCKER "application/vnd.docker."
#define MANIFEST OCI "manifest.v1+json"
#define INDEX OCI "index.v1+json"
#define DESC(type, digest, size) \
    "{\"mediaType\":\"" type "\",\"digest\":\"" digest "\",\"size\":" size "}"
#define CONFIG "\"config\":" DESC(OCI "config.v1+json", D1, "7")
#define LAYER(type) DESC(type, D2, "8")
#define LAYERS "\"layers\":[" LAYER(OCI "layer.v1.tar+gzip") "]"
#define IMAGE "{\"schemaVersion\":2," CONFIG "," LAYERS "}"
#define TYPED(type) "{\"schemaVersion\":2,\"mediaType\":\"" type "\"," CONFIG "," LAYERS "}"

static int parse(const char *text, const char *type, struct oci_manifest *out, struct error *err)
{
    return oci_manifest_parse(text, strlen(text), type, out, err);
}

static void reads_images(void **state)
{
    (void) state;
    static const struct {
        const char *text, *type, *media_type;
    } cases[] = {
        {IMAGE, NULL, MANIFEST},
        {IMAGE, "application/json", MANIFEST},
        {IMAGE, MANIFEST, MANIFEST},
        {TYPED(MANIFEST), NULL, MANIFEST},
        {TYPED(DOCKER "distribution.manifest.v2+json"), NULL,
         DOCKER "distribution.manifest.v2+json"},
        {TYPED(DOCKER "distribution.manifest.v2+json"), "text/plain",
         DOCKER "distribution.manifest.v2+json"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_MANIFEST m = {0};
        struct error err = ERROR_INIT;
        if (parse(cases[i].text, cases[i].type, &m, &err) < 0)
            fail_msg("%s: %s", cases[i].text, err.text);
        assert_false(m.is_index);
        assert_string_equal(m.media_type, cases[i].media_type);
        assert_int_equal(m.count, 2);
        assert_string_equal(m.blobs[0].digest, D1);
        assert_int_equal(m.blobs[1].size, 8);
    }
}

static void takes_every_compression(void **state)
{
    (void) state;
    static const char *const texts[] = {
        "{\"schemaVersion\":2," CONFIG
        ",\"layers\":[" LAYER(OCI "layer.v1.tar") "," LAYER(OCI "layer.v1.tar+zstd") "]}",
        "{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER(
            DOCKER "image.rootfs.diff.tar.gzip") "," LAYER(DOCKER "image.rootfs.diff.tar") "]}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        AUTO_MANIFEST m = {0};
        assert_int_equal(parse(texts[i], NULL, &m, NULL), 0);
        assert_int_equal(m.count, 3);
    }
}

static void refuses_what_is_wrong(void **state)
{
    (void) state;
    static const struct {
        const char *text, *type;
        int code;
    } cases[] = {
        {"", NULL, -EBADMSG},
        {"[]", NULL, -EBADMSG},
        {"{}", NULL, -ENOTSUP},
        {"{\"schemaVersion\":1}", NULL, -ENOTSUP},
        {"{\"schemaVersion\":2}", NULL, -EBADMSG},
        {IMAGE, INDEX, -EBADMSG},
        {TYPED(INDEX), NULL, -EBADMSG},
        {TYPED(MANIFEST), DOCKER "distribution.manifest.v2+json", -EBADMSG},
        {TYPED("application/vnd.oci.artifact.manifest.v1+json"), NULL, -ENOTSUP},
        {"{\"schemaVersion\":2," CONFIG "," LAYERS ",\"manifests\":[]}", NULL, -EBADMSG},
        {"{\"schemaVersion\":2," CONFIG ",\"layers\":[]}", NULL, -EBADMSG},
        {"{\"schemaVersion\":2," CONFIG ",\"layers\":[7]}", NULL, -EBADMSG},
        {"{\"schemaVersion\":2,\"config\":" DESC("application/vnd.cncf.helm.config.v1+json", D1,
                                                 "7") "," LAYERS "}",
         NULL, -ENOTSUP},
        {"{\"schemaVersion\":2," CONFIG
         ",\"layers\":[" LAYER(DOCKER "image.rootfs.foreign.diff.tar.gzip") "]}",
         NULL, -ENOTSUP},
        {"{\"schemaVersion\":2,\"config\":" DESC(OCI "config.v1+json", "sha512:1", "7") "," LAYERS
                                                                                        "}",
         NULL, -EBADMSG},
        {"{\"schemaVersion\":2,\"config\":" DESC(OCI "config.v1+json", D1, "-1") "," LAYERS "}",
         NULL, -EBADMSG},
        {"{\"schemaVersion\":2,\"config\":" DESC(OCI "config.v1+json", D1, "5000000") "," LAYERS
                                                                                      "}",
         NULL, -EBADMSG},
        {"{\"schemaVersion\":2," CONFIG
         ",\"layers\":[" DESC(OCI "layer.v1.tar", D2, "900000000000") "]}",
         NULL, -EBADMSG},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_MANIFEST m = {0};
        struct error err = ERROR_INIT;
        int r = parse(cases[i].text, cases[i].type, &m, &err);
        if (r != cases[i].code)
            fail_msg("%s: %d \"%s\"", cases[i].text, r, err.text);
        assert_int_equal(err.code, r);
        assert_null(m.json);
    }
}

#define ENTRY(digest, platform) \
    "{\"mediaType\":\"" MANIFEST "\",\"digest\":\"" digest "\",\"size\":5,\"platform\":{" platform \
    "}}"
#define PLATFORM(os, architecture) "\"os\":\"" os "\",\"architecture\":\"" architecture "\""
#define VARIANT(architecture, variant) \
    PLATFORM("linux", architecture) ",\"variant\":\"" variant "\""

static void choose(const char *text, struct oci_platform platform, const char *expected)
{
    AUTO_MANIFEST m = {0};
    struct oci_descriptor d = {0};
    struct error err = ERROR_INIT;
    assert_int_equal(parse(text, NULL, &m, NULL), 0);
    assert_true(m.is_index);
    int r = oci_index_choose(&m, &platform, &d, &err);
    if (expected) {
        assert_int_equal(r, 0);
        assert_string_equal(d.digest, expected);
        return;
    }
    assert_int_equal(r, -ENOENT);
    assert_error_has(err, "linux/arm64/v8");
}

static void chooses_a_platform(void **state)
{
    (void) state;
    static const char text[] =
        "{\"schemaVersion\":2,\"manifests\":[" ENTRY(D2, PLATFORM("unknown", "unknown")) "," ENTRY(
            D2,
            PLATFORM(
                "windows",
                "amd64")) "," ENTRY(D2,
                                    VARIANT(
                                        "amd64",
                                        "v3")) "," ENTRY(D1,
                                                         PLATFORM(
                                                             "linux",
                                                             "amd64")) "," ENTRY(D2,
                                                                                 VARIANT(
                                                                                     "arm64",
                                                                                     "v8")) "]}";
    choose(text, (struct oci_platform){"linux", "amd64", NULL}, D1);
    choose(text, (struct oci_platform){"linux", "amd64", "v3"}, D2);
    choose(text, (struct oci_platform){"linux", "arm64", NULL}, D2);
    choose(text, (struct oci_platform){"linux", "arm64", "v8"}, D2);
    choose(text, (struct oci_platform){"linux", "arm64", "v9"}, NULL);
    choose(text, (struct oci_platform){"linux", "riscv64", NULL}, NULL);
}

static void checks_configurations(void **state)
{
    (void) state;
    static const struct oci_platform amd64 = {"linux", "amd64", NULL};
    static const struct {
        const char *text;
        int code;
    } cases[] = {
        {"{" PLATFORM("linux", "amd64") ",\"rootfs\":{\"diff_ids\":[\"a\"]}}", 0},
        {"{" PLATFORM("linux", "arm64") ",\"rootfs\":{\"diff_ids\":[\"a\"]}}", -ENOENT},
        {"{" PLATFORM("windows", "amd64") ",\"rootfs\":{\"diff_ids\":[\"a\"]}}", -ENOENT},
        {"{" PLATFORM("linux", "amd64") ",\"rootfs\":{\"diff_ids\":[]}}", -EBADMSG},
        {"{" PLATFORM("linux", "amd64") "}", -EBADMSG},
        {"{\"rootfs\":{\"diff_ids\":[\"a\"]}}", -ENOENT},
        {"nothing", -EBADMSG},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err = ERROR_INIT;
        int r = oci_config_check(cases[i].text, strlen(cases[i].text), &amd64, 1, &err);
        if (r != cases[i].code)
            fail_msg("%s: %d \"%s\"", cases[i].text, r, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_images),          cmocka_unit_test(takes_every_compression),
        cmocka_unit_test(refuses_what_is_wrong), cmocka_unit_test(chooses_a_platform),
        cmocka_unit_test(checks_configurations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
