/* Charts, with a helm of the test's own. */
#include "coordinator/stack-chart.h"
#include "tests/unit/folder-file.h"

#include <errno.h>
#include <unistd.h>

static void values_have_paths(void **state)
{
    (void) state;
    AUTO_JSON *tree = parse_json("{'n': 1, 'image': {'name': 'a', 'tag': '1', 'deep': {'b': true}},"
                                 " 'list': [{'x': 1}], 'none': null, 'a.b/c': 1, 'empty': {}}");
    AUTO_JSON *values = stack_chart_values(tree);
    AUTO_FREE char *text = json_canonical(values);
    assert_string_equal(text, "{\"image.deep.b\":true,\"image.name\":\"a\",\"image.tag\":\"1\","
                              "\"n\":1}");
    json_object_set_new(values, "image.tag", json_string("2"));
    json_object_set_new(values, "n", json_integer(3));
    stack_chart_set_values(tree, values);
    AUTO_JSON *wanted = parse_json("{'n': 3, 'image': {'name': 'a', 'tag': '2', 'deep': {'b': "
                                   "true}}, 'list': [{'x': 1}], 'none': null, 'a.b/c': 1, "
                                   "'empty': {}}");
    assert_true(json_equal(tree, wanted));
}

static void hooks_of_other_times_are_left_out(void **state)
{
    (void) state;
    AUTO_JSON *objects = parse_json(
        "[{'metadata': {'name': 'plain', 'namespace': 'kube-system'}},"
        " {'metadata': {'name': 'first', 'annotations': {'helm.sh/hook': 'pre-install,test'}}},"
        " {'metadata': {'name': 'both', 'annotations': {'helm.sh/hook': 'test, post-install'}}},"
        " {'metadata': {'name': 'test', 'annotations': {'helm.sh/hook': 'test'}}},"
        " {'metadata': {'name': 'end', 'annotations': {'helm.sh/hook': 'pre-delete'}}},"
        " {'metadata': {'name': 'up', 'annotations': {'helm.sh/hook': 'post-upgrade'}}},"
        " {'metadata': {'name': 'back', 'annotations': {'helm.sh/hook': 'pre-rollback'}}}]");
    AUTO_JSON *kept = stack_chart_objects(objects);
    static const struct {
        const char *name, *space;
    } wanted[] = {{"plain", "kube-system"}, {"first", "bigdata"}, {"both", "bigdata"}};
    assert_int_equal(json_array_size(kept), ARRAY_SIZE(wanted));
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        const json_t *metadata = json_object_get(json_array_get(kept, i), "metadata");
        assert_string_equal(json_get_string(metadata, "name", ""), wanted[i].name);
        assert_string_equal(json_get_string(metadata, "namespace", ""), wanted[i].space);
    }
    /* What was rendered is not touched. */
    assert_null(
        json_object_get(json_object_get(json_array_get(objects, 1), "metadata"), "namespace"));
}

static int template(const char *dir, json_t *values, struct error *err)
{
    AUTO_FREE char *helm = path_join(dir, "helm");
    const struct stack_component c = {.name = (char *) (uintptr_t) "web",
                                      .chart = (char *) (uintptr_t) "web.tgz",
                                      .values = values};
    return stack_chart_template(helm, &c, dir, "v1.34.4", NULL, err);
}

static void helm_gets_chart_and_values(void **state)
{
    struct error err = ERROR_INIT;
    AUTO_JSON *values = parse_json("{'image.tag': '1.10'}");
    put_file(*state, "helm", "#!/bin/sh\necho \"$@\" >\"${0%/*}/asked\"\necho 'kind: X'\n", 0755);
    put_file(*state, "values.yaml", "image: {tag: '1.9'}\nlist: [1]\n", 0644);
    if (template(*state, values, &err) < 0)
        fail_msg("%s", err.text);
    AUTO_FREE char *asked = get_file(*state, "asked");
    AUTO_FREE char *output = get_file(*state, STACK_CHART_OUTPUT);
    AUTO_FREE char *given = get_file(*state, "values.yaml");
    AUTO_FREE char *kustomization = get_file(*state, "kustomization.yaml");
    AUTO_FREE char *begins = xasprintf("template web %s/web.tgz ", (char *) *state);
    assert_int_equal(strncmp(asked, begins, strlen(begins)), 0);
    assert_non_null(strstr(asked, "--include-crds --skip-tests --kube-version v1.34.4"));
    assert_string_equal(output, "kind: X\n");
    assert_non_null(strstr(kustomization, "resources: [chart.yaml]"));
    AUTO_JSON *tree = json_parse(given, strlen(given), "values", &err);
    AUTO_JSON *wanted = parse_json("{'image': {'tag': '1.10'}, 'list': [1]}");
    assert_true(json_equal(tree, wanted));
}

static void its_own_kustomization_stays(void **state)
{
    struct error err = ERROR_INIT;
    AUTO_JSON *values = json_object();
    put_file(*state, "helm", "#!/bin/sh\n", 0755);
    put_file(*state, "kustomization.yaml", "resources: [chart.yaml, more.yaml]\n", 0644);
    if (template(*state, values, &err) < 0) /* without values.yaml */
        fail_msg("%s", err.text);
    AUTO_FREE char *kustomization = get_file(*state, "kustomization.yaml");
    assert_string_equal(kustomization, "resources: [chart.yaml, more.yaml]\n");
}

static void what_helm_says_is_told(void **state)
{
    struct error err = ERROR_INIT;
    AUTO_JSON *values = json_object();
    AUTO_FREE char *output = path_join(*state, STACK_CHART_OUTPUT);
    put_file(*state, "helm", "#!/bin/sh\necho 'Error: web.tgz is no gzip' >&2\nexit 1\n", 0755);
    assert_int_equal(template(*state, values, &err), -EREMOTEIO);
    assert_error_has(err, "chart web.tgz");
    assert_error_has(err, "is no gzip");
    assert_true(access(output, F_OK) < 0);
    put_file(*state, "values.yaml", "a: &x 1\n", 0644);
    assert_int_equal(template(*state, values, &err), -EINVAL);
    assert_error_has(err, "anchors");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_have_paths),
        cmocka_unit_test(hooks_of_other_times_are_left_out),
        cmocka_folder_test(helm_gets_chart_and_values),
        cmocka_folder_test(its_own_kustomization_stays),
        cmocka_folder_test(what_helm_says_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
