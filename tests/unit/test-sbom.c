#include "images/sbom.h"
#include "tests/unit/unit.h"

#include <ctype.h>

#define HEX "4aa4ca48f3dfd30b78220b7881d8cb93eac4093ec94361b6befa9487998a550b"

static const char bigtop_text[] =
    "{\"product\":\"p\",\"architecture\":\"amd64\",\"serial\":7,"
    "\"created\":\"2026-02-10T12:53:36Z\",\"components\":["
    "{\"name\":\"tool\",\"version\":\"v1\",\"kind\":\"files\",\"blob\":\"sha256:" HEX "\"},"
    "{\"name\":\"pause\",\"version\":\"3\",\"kind\":\"image\",\"ref\":\"r.io/pause:3\","
    "\"manifest\":\"sha256:" HEX "\"}]}";
static const char sources_text[] =
    "{\"a_b\":{\"type\":\"go\",\"parts\":[{\"name\":\"g/m\",\"version\":\"v1\","
    "\"purl\":\"pkg:golang/g/m@v1\",\"licence\":\"MIT\",\"comment\":\"go.sum: h1:x\"},"
    "{\"name\":\"lib.a\"}]},"
    "\"a-b\":{\"type\":\"pypi\",\"parts\":[{\"name\":\"g/m\",\"version\":\"v1\","
    "\"purl\":\"pkg:golang/g/m@v1\",\"licence\":\"MIT\"},"
    "{\"name\":\"six\",\"version\":\"1\",\"purl\":\"pkg:pypi/six@1\",\"digest\":\"sha256:" HEX
    "\"}]}}";
static const char origins_text[] = "{\"tool\":[\"a_b\",\"a-b\"],\"pause\":[]}";

static json_t *document(void)
{
    AUTO_JSON *bigtop = parse_json(bigtop_text);
    AUTO_JSON *sources = parse_json(sources_text);
    AUTO_JSON *origins = parse_json(origins_text);
    STRBUF(a, SBOM_MAX);
    STRBUF(b, SBOM_MAX);
    sbom_write(bigtop, sources, origins, &a);
    sbom_write(bigtop, sources, origins, &b);
    assert_string_equal(a.data, b.data);
    return parse_json(a.data);
}

static json_t *package(const json_t *doc, const char *name)
{
    size_t i;
    json_t *p;
    json_array_foreach(json_object_get(doc, "packages"), i, p)
        if (strcmp(json_get_string(p, "name", ""), name) == 0)
            return p;
    fail_msg("there is no package %s", name);
    return NULL;
}

static bool related(const json_t *doc, const char *from, const char *type, const char *to)
{
    AUTO_JSON *wanted = json_pack("{s:s, s:s, s:s}", "spdxElementId", from, "relationshipType",
                                  type, "relatedSpdxElement", to);
    size_t i;
    json_t *r;
    json_array_foreach(json_object_get(doc, "relationships"), i, r)
        if (json_equal(r, wanted))
            return true;
    return false;
}

static const char *id(const json_t *doc, const char *name)
{
    return json_get_string(package(doc, name), "SPDXID", "");
}

static void describes_a_bundle(void **state)
{
    (void) state;
    AUTO_JSON *doc = document();
    assert_string_equal(json_get_string(doc, "name", ""), "p-amd64-7");
    assert_string_equal(json_get_string(json_object_get(doc, "creationInfo"), "created", ""),
                        "2026-02-10T12:53:36Z");
    /* bundle, 2 components, 2 sources, 3 parts: what two sources share is there once */
    assert_int_equal(json_array_size(json_object_get(doc, "packages")), 8);
    assert_true(related(doc, "SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Bundle"));
    assert_true(related(doc, "SPDXRef-Bundle", "CONTAINS", id(doc, "tool")));
    assert_true(related(doc, id(doc, "tool"), "GENERATED_FROM", id(doc, "a_b")));
    assert_true(related(doc, id(doc, "tool"), "GENERATED_FROM", id(doc, "a-b")));
    assert_true(related(doc, id(doc, "a_b"), "CONTAINS", id(doc, "g/m")));
    assert_true(related(doc, id(doc, "a-b"), "CONTAINS", id(doc, "g/m")));
    assert_string_not_equal(id(doc, "a_b"), id(doc, "a-b"));
}

static void says_what_is_known(void **state)
{
    (void) state;
    AUTO_JSON *doc = document();
    assert_string_equal(json_get_string(package(doc, "g/m"), "licenseConcluded", ""), "MIT");
    assert_string_equal(json_get_string(package(doc, "six"), "licenseConcluded", ""),
                        "NOASSERTION");
    const json_t *sum = json_array_get(json_object_get(package(doc, "six"), "checksums"), 0);
    assert_string_equal(json_get_string(sum, "algorithm", ""), "SHA256");
    assert_string_equal(json_get_string(sum, "checksumValue", ""), HEX);
    const json_t *ref = json_array_get(json_object_get(package(doc, "pause"), "externalRefs"), 0);
    assert_string_equal(json_get_string(ref, "referenceLocator", ""),
                        "pkg:oci/pause@sha256:" HEX "?repository_url=r.io/pause&tag=3");
}

/* Another bundle has another namespace, which SPDX wants to be unique. */
static void names_the_document_by_content(void **state)
{
    (void) state;
    AUTO_JSON *doc = document();
    AUTO_JSON *bigtop = parse_json(bigtop_text);
    AUTO_JSON *none = json_object();
    STRBUF(text, SBOM_MAX);
    json_object_set_new(bigtop, "kubernetes", json_string("v1.2.3"));
    sbom_write(bigtop, none, none, &text);
    AUTO_JSON *other = parse_json(text.data);
    assert_string_not_equal(json_get_string(doc, "documentNamespace", ""),
                            json_get_string(other, "documentNamespace", ""));
}

/* The rules of SPDX 2.3 that its JSON schema and text demand of what we write (clauses 6, 7, 11).
 */
static void keeps_to_the_specification(void **state)
{
    (void) state;
    static const char *const top[] = {"spdxVersion", "dataLicense", "SPDXID", "name",
                                      "documentNamespace"};
    static const char *const each[] = {
        "SPDXID",          "name",          "downloadLocation",     "licenseConcluded",
        "licenseDeclared", "copyrightText", "primaryPackagePurpose"};
    AUTO_JSON *doc = document();
    AUTO_JSON *ids = json_object();
    size_t i;
    json_t *p;
    for (size_t k = 0; k < ARRAY_SIZE(top); k++)
        assert_string_not_equal(json_get_string(doc, top[k], ""), "");
    assert_string_equal(json_get_string(doc, "spdxVersion", ""), "SPDX-2.3");
    assert_null(strchr(json_get_string(doc, "documentNamespace", ""), '#'));
    json_array_foreach(json_object_get(doc, "packages"), i, p) {
        for (size_t k = 0; k < ARRAY_SIZE(each); k++)
            assert_string_not_equal(json_get_string(p, each[k], ""), "");
        assert_true(json_is_false(json_object_get(p, "filesAnalyzed")));
        const char *spdx = json_get_string(p, "SPDXID", "");
        assert_int_equal(strncmp(spdx, "SPDXRef-", 8), 0);
        for (const char *c = spdx; *c; c++)
            assert_true(isalnum((unsigned char) *c) || *c == '.' || *c == '-');
        assert_null(json_object_get(ids, spdx));
        json_object_set_new(ids, spdx, json_true());
    }
    json_object_set_new(ids, "SPDXRef-DOCUMENT", json_true());
    json_array_foreach(json_object_get(doc, "relationships"), i, p) {
        assert_non_null(json_object_get(ids, json_get_string(p, "spdxElementId", "")));
        assert_non_null(json_object_get(ids, json_get_string(p, "relatedSpdxElement", "")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(describes_a_bundle),
        cmocka_unit_test(says_what_is_known),
        cmocka_unit_test(names_the_document_by_content),
        cmocka_unit_test(keeps_to_the_specification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
