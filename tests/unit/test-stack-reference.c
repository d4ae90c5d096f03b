#include "coordinator/stack-reference.h"
#include "tests/unit/unit.h"

static bool same(const char *a, const char *b)
{
    AUTO_JSON *x = parse_json(a);
    AUTO_JSON *y = parse_json(b);
    return stack_is_same(x, y);
}

#define AT(version, kind, name, more) \
    "{'apiVersion': '" version "', 'kind': '" kind "', 'metadata': {'name': '" name "'" more "}}"

static void a_version_makes_no_other_object(void **state)
{
    (void) state;
    const char *one = AT("apps/v1", "Deployment", "x", "");
    assert_true(same(one, AT("apps/v1beta1", "Deployment", "x", ", 'namespace': 'bigdata'")));
    assert_false(same(one, AT("extensions/v1", "Deployment", "x", "")));
    assert_false(same(one, AT("app/v1", "Deployment", "x", "")));
    assert_false(same(one, AT("apps/v1", "StatefulSet", "x", "")));
    assert_false(same(one, AT("apps/v1", "Deployment", "y", "")));
    assert_false(same(one, AT("apps/v1", "Deployment", "x", ", 'namespace': 'other'")));
    assert_true(same(AT("v1", "Secret", "x", ""), AT("v2", "Secret", "x", "")));
    assert_false(same(AT("v1", "Secret", "x", ""), AT("v1/v1", "Secret", "x", "")));
}

static void references_carry_no_content(void **state)
{
    (void) state;
    AUTO_JSON *objects = parse_json("[{'apiVersion': 'v1', 'kind': 'Secret', 'data': {'k': 'dg=='},"
                                    " 'metadata': {'name': 's', 'labels': {'a': 'b'}}},"
                                    " {'apiVersion': 'v1', 'kind': 'Secret', 'metadata': {'name': "
                                    "'s', 'namespace': 'bigdata'}}]");
    AUTO_JSON *list = json_array();
    stack_add_references(list, objects);
    AUTO_FREE char *text = json_canonical(list);
    assert_string_equal(text, "[{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":"
                              "\"s\",\"namespace\":\"bigdata\"}}]");
}

/* kubectl is not told a namespace for what is applied with what is elsewhere. */
static void elsewhere_stays_elsewhere(void **state)
{
    (void) state;
    AUTO_JSON *objects = parse_json("[{'kind': 'Role', 'metadata': {'name': 'r'}},"
                                    " {'kind': 'Role', 'metadata': {'name': 'k', 'namespace': "
                                    "'kube-system'}}]");
    AUTO_JSON *list = json_array();
    assert_false(stack_is_at_home(objects));
    stack_add_references(list, objects);
    assert_null(json_object_get(json_object_get(json_array_get(list, 0), "metadata"), "namespace"));
    assert_int_equal(json_array_size(list), 2);
}

static void data_is_held_by_some_kinds(void **state)
{
    (void) state;
    AUTO_JSON *claim = parse_json("{'kind': 'PersistentVolumeClaim'}");
    AUTO_JSON *crd = parse_json("{'kind': 'CustomResourceDefinition'}");
    AUTO_JSON *map = parse_json("{'kind': 'ConfigMap'}");
    assert_true(stack_holds_data(claim));
    assert_true(stack_holds_data(crd));
    assert_false(stack_holds_data(map));
}

static void ours_is_what_we_applied_and_nothing_controls(void **state)
{
    (void) state;
    static const struct {
        const char *metadata;
        bool ours;
    } cases[] = {
        {"{'managedFields': [{'manager': 'x', 'operation': 'Update'},"
         " {'manager': 'bigtop-bootstrap', 'operation': 'Apply'}]}",
         true},
        {"{'managedFields': [{'manager': 'helm', 'operation': 'Apply'}]}", false},
        {"{'managedFields': [{'manager': 'bigtop-bootstrap', 'operation': 'Update'}]}", false},
        {"{'managedFields': []}", true}, /* an empty ServiceAccount */
        {"{'ownerReferences': [{'controller': true}]}", false},
        {"{'ownerReferences': [{'controller': true}], 'managedFields':"
         " [{'manager': 'bigtop-bootstrap', 'operation': 'Apply'}]}",
         false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_JSON *metadata = parse_json(cases[i].metadata);
        AUTO_JSON *live = json_pack("{s:O}", "metadata", metadata);
        assert_int_equal(stack_is_ours(live), cases[i].ours);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_version_makes_no_other_object),
        cmocka_unit_test(references_carry_no_content),
        cmocka_unit_test(elsewhere_stays_elsewhere),
        cmocka_unit_test(data_is_held_by_some_kinds),
        cmocka_unit_test(ours_is_what_we_applied_and_nothing_controls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
