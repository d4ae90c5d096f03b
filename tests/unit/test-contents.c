#include "images/contents.h"
#include "tests/unit/unit.h"

#define HEX "000000000000000000000000000000000000000000000000000000000000000"
#define D(n) "sha256:" HEX #n
#define HEAD \
    "{\"schema\":2,\"product\":\"p\",\"architecture\":\"amd64\",\"serial\":1," \
    "\"kubernetes\":\"v1\",\"blobs\":{\"" D(1) "\":1,\"" D(2) "\":20,\"" D(3) "\":300,\"" D( \
        4) "\":4000,\"" D(5) "\":50000,\"" D(6) "\":5,\"" D(7) "\":7},"
#define IMAGE(name, manifest, layer) \
    "{\"name\":\"" name "\",\"kind\":\"image\",\"version\":\"v1\",\"roles\":[\"control-plane\"]," \
    "\"ref\":\"a.io/" name ":v1\",\"manifest\":\"" manifest "\",\"blobs\":[\"" D(2) "\",\"" layer \
                                                                                    "\"]}"
#define FILES(name, blob, more) \
    "{\"name\":\"" name "\",\"kind\":\"files\",\"version\":\"v1\",\"roles\":[\"worker\"]" more \
    ",\"blob\":\"" blob "\"}"

static void parse_text(const char *text, struct bundle *out)
{
    struct error err = ERROR_INIT;
    if (bundle_parse(text, strlen(text), "x", out, &err) < 0)
        fail_msg("%s", err.text);
}

static const char old_text[] = HEAD
    "\"components\":[" IMAGE("a", D(1), D(3)) "," FILES("f", D(4), "") "]}";
/* 5 instead of 4 for workers, with a patch of 6 from 4 and one of 7; 3 stays with control planes.
 */
static const char new_text[] = HEAD
    "\"deltas\":{\"" D(5) "\":[{\"from\":\"" D(4) "\",\"blob\":\"" D(7) "\"},{\"from\":\"" D(
        4) "\",\"blob\":\"" D(6) "\"},{\"from\":\"sha256:" HEX
                                 "9\",\"blob\":\"" D(
                                     1) "\"}]},"
                                        "\"components\":[" IMAGE("a", D(1), D(3)) "," IMAGE(
                                            "b", D(7), D(3)) "," FILES("f", D(5), "") "]}";

static void counts_each_blob_once(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    (void) state;
    parse_text(new_text, &b);
    AUTO_JSON *all = contents_needed(&b, CONTENTS_ALL_ROLES);
    AUTO_JSON *worker = contents_needed(&b, COMPONENT_WORKER);
    AUTO_JSON *shared = contents_shared(&b);
    AUTO_JSON *image = contents_of(&b, bundle_find(&b, "a"));
    assert_int_equal(contents_size(all), 1 + 7 + 20 + 300 + 50000);
    assert_int_equal(contents_size(worker), 50000);
    assert_int_equal(contents_size(image), 1 + 20 + 300);
    assert_int_equal(contents_size(shared), 20 + 300);
}

static void check(unsigned roles, int64_t size, size_t blobs, int64_t with_deltas, size_t deltas)
{
    CLEANUP(bundle_release) struct bundle from = BUNDLE_INIT, to = BUNDLE_INIT;
    CLEANUP(contents_upgrade_release) struct contents_upgrade u = {0};
    parse_text(old_text, &from);
    parse_text(new_text, &to);
    contents_upgrade(&from, &to, roles, &u);
    assert_int_equal(u.size, size);
    assert_int_equal(json_object_size(u.blobs), blobs);
    assert_int_equal(u.delta_size, with_deltas);
    assert_int_equal(u.delta_count, deltas);
}

static void knows_what_an_upgrade_carries(void **state)
{
    (void) state;
    check(COMPONENT_CONTROL_PLANE, 7, 1, 7, 0);
    check(COMPONENT_WORKER, 50000, 1, 5, 1); /* the smaller of the two that fit */
    check(CONTENTS_ALL_ROLES, 50007, 2, 12, 1);
}

static void carries_nothing_twice(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    CLEANUP(contents_upgrade_release) struct contents_upgrade u = {0};
    (void) state;
    parse_text(new_text, &b);
    contents_upgrade(&b, &b, CONTENTS_ALL_ROLES, &u);
    assert_int_equal(u.size, 0);
    assert_int_equal(json_object_size(u.blobs), 0);
    assert_int_equal(u.delta_count, 0);
}

static void tells_where_a_component_is_from(void **state)
{
    static const struct {
        const char *about, *words;
    } cases[] = {
        {"{\"type\":\"go\",\"modules\":[\"a.b/c@v1\"]}", "go a.b/c@v1"},
        {"{\"type\":\"go\",\"modules\":[\"a.b/c@v1\",\"x@v2\",\"y@v3\"]}",
         "go a.b/c@v1 and 2 more"},
        {"{\"type\":\"deb\",\"packages\":{\"iptables\":{}}}", "deb iptables"},
        {"{\"type\":\"oci\",\"ref\":\"a.io/b:c\",\"digest\":\"x\"}", "oci a.io/b:c"},
        {"{\"type\":\"url\",\"url\":\"https://x/\\u001b[2J\"}", "url https://x/\\x1b[2J"},
        {"{\"type\":\"file\"}", "file"},
        {"{}", "?"},
    };
    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
        AUTO_FREE char *text = xasprintf(
            HEAD "\"sources\":{\"s\":%s},\"components\":[" FILES(
                "f", D(4), ",\"sources\":[\"s\"]") ",{\"name\":\"g\",\"kind\":\"files\","
                                                   "\"version\":\"v1\",\"roles\":[\"worker\"],"
                                                   "\"blob\":\"" D(4) "\"}]}",
            cases[i].about);
        parse_text(text, &b);
        AUTO_FREE char *words = contents_source(&b, &b.components[0]);
        AUTO_FREE char *none = contents_source(&b, &b.components[1]);
        assert_string_equal(words, cases[i].words);
        assert_string_equal(none, "");
    }
}

static void refuses_a_source_that_is_not_there(void **state)
{
    static const char *const texts[] = {
        HEAD "\"sources\":{},\"components\":[" FILES("f", D(4), ",\"sources\":[\"s\"]") "]}",
        HEAD "\"sources\":{\"s\":{}},\"components\":[" FILES("f", D(4), ",\"sources\":\"s\"") "]}",
        HEAD "\"sources\":{\"s\":{}},\"components\":[" FILES("f", D(4), ",\"sources\":[1]") "]}",
    };
    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
        struct error err = ERROR_INIT;
        assert_true(bundle_parse(texts[i], strlen(texts[i]), "x", &b, &err) < 0);
        assert_error_has(err, "\"sources\"");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_each_blob_once),
        cmocka_unit_test(knows_what_an_upgrade_carries),
        cmocka_unit_test(carries_nothing_twice),
        cmocka_unit_test(tells_where_a_component_is_from),
        cmocka_unit_test(refuses_a_source_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
