#include "coordinator/stack-render.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/stat.h>

static void documents_are_split(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    AUTO_JSON *objects = json_array();
    const char *text = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  x: |\n"
                       "    ---\n    y\n---\n---\n# nothing\n---\napiVersion: v1\nkind: Service\n"
                       "metadata:\n  name: b\nspec: {ports: [{port: 80}]}\n---";
    if (stack_parse(text, "t", objects, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(json_array_size(objects), 2);
    const json_t *data = json_object_get(json_array_get(objects, 0), "data");
    assert_string_equal(json_get_string(data, "x", ""), "---\ny\n");
}

static void what_is_no_object_is_refused(void **state)
{
    (void) state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"[1]", "expected an object with"},
        {"apiVersion: v1\nkind: Job\n", "expected an object with"},
        {"kind: Job\nmetadata: {name: x}\n", "expected an object with"},
        {"apiVersion: v1\nkind: a\nmetadata: {name: x}\n---\na: [", "t:"},
        {"a: &x 1\nb: *x\n", "anchors"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_JSON *objects = json_array();
        struct error err = ERROR_INIT;
        assert_int_equal(stack_parse(cases[i].text, "t", objects, &err), -EINVAL);
        assert_error_has(err, cases[i].says);
    }
}

static void images_are_found_wherever_containers_are(void **state)
{
    (void) state;
    STRV(images);
    AUTO_JSON *object = json_pack(
        "{s:[{s:{s:{s:{s:{s:{s:[{s:s},{s:s}],s:[{s:s}]}}}}}, s:{s:s}}]}", "items", "spec",
        "jobTemplate", "spec", "template", "spec", "containers", "image", "a.io/a:1", "image",
        "a.io/b:2", "initContainers", "image", "a.io/a:1", "data", "image", "a.io/no:3");
    assert_non_null(object);
    stack_find_images(object, &images);
    AUTO_FREE char *list = strv_join(&images, " ");
    assert_string_equal(list, "a.io/a:1 a.io/b:2");
}

static void values_take_their_places(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    AUTO_FREE char *out = NULL;
    AUTO_JSON *values = json_pack("{s:i, s:s, s:b}", "replicas", 3, "memory", "1Gi", "tls", 1);
    assert_int_equal(stack_substitute("$(memory)$(replicas) $(tls) $(POD_IP) $$(X) $(echo a) $( $(",
                                      values, &out, &err),
                     0);
    assert_string_equal(out, "1Gi3 true $(POD_IP) $$(X) $(echo a) $( $(");
    assert_int_equal(stack_substitute("x $(memorie)", values, &out, &err), -EINVAL);
    assert_error_has(err, "no value \"memorie\"");
}

static void values_are_written_with_their_types(void **state)
{
    (void) state;
    AUTO_JSON *values = json_pack("{s:i, s:s}", "replicas", 3, "port", "80");
    AUTO_FREE char *text = stack_values_text(values);
    assert_non_null(strstr(text, "\"replicas\": 3"));
    assert_non_null(strstr(text, "\"port\": \"80\""));
    assert_non_null(strstr(text, "\"config.kubernetes.io/local-config\": \"true\""));
}

#define JOB "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j$(n)}\n"

static int job(const char *dir, const char *text, char **out, json_t **objects, struct error *err)
{
    AUTO_JSON *values = json_pack("{s:i}", "n", 7);
    AUTO_FREE char *path = path_join(dir, "t.yaml");
    const struct stack_component c = {.dir = (char *) (uintptr_t) dir, .values = values};
    const struct stack_step step = {STACK_STEP_JOB, (char *) (uintptr_t) "t.yaml"};
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, err), 0);
    return stack_render_job(&c, &step, out, objects, err);
}

static void a_test_has_one_job(void **state)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *text = NULL;
    AUTO_JSON *objects = NULL;
    assert_int_equal(job(*state, JOB, &text, &objects, &err), 0);
    const json_t *metadata = json_object_get(json_array_get(objects, 0), "metadata");
    assert_string_equal(json_get_string(metadata, "name", ""), "j7");
    assert_int_equal(job(*state, JOB "---\n" JOB, &text, &objects, &err), -EINVAL);
    assert_error_has(err, "2 Jobs, expected one");
    assert_int_equal(job(*state, "# none\n", &text, &objects, &err), -EINVAL);
    assert_int_equal(job(*state, JOB "x: $(m)\n", &text, &objects, &err), -EINVAL);
    assert_error_has(err, "t.yaml: there is no value \"m\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_split),
        cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(images_are_found_wherever_containers_are),
        cmocka_unit_test(values_take_their_places),
        cmocka_unit_test(values_are_written_with_their_types),
        cmocka_folder_test(a_test_has_one_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
