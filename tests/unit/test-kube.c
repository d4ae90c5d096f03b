#include "lib/kube.h"
#include "tests/unit/unit.h"

static const char text[] =
    "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"},\"status\":{\"conditions\":["
    "{\"type\":\"Initialized\",\"status\":\"True\"},"
    "{\"type\":\"Ready\",\"status\":\"False\",\"message\":\"no\"}]}}";

static void says_kind_and_name(void **state)
{
    (void) state;
    AUTO_JSON *pod = json_parse(text, strlen(text), "test", NULL);
    assert_true(kube_is_kind(pod, "Pod"));
    assert_false(kube_is_kind(pod, "Po"));
    assert_string_equal(kube_name(pod), "p");
    assert_false(kube_is_kind(NULL, "Pod"));
    assert_string_equal(kube_name(NULL), "");
}

static void finds_a_condition_of_that_status(void **state)
{
    (void) state;
    AUTO_JSON *pod = json_parse(text, strlen(text), "test", NULL);
    const json_t *c = kube_condition(pod, "Ready", "False");
    assert_string_equal(json_get_string(c, "message", ""), "no");
    assert_null(kube_condition(pod, "Ready", "True"));
    assert_null(kube_condition(pod, "PodScheduled", "False"));
    assert_null(kube_condition(NULL, "Ready", "True"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_kind_and_name),
        cmocka_unit_test(finds_a_condition_of_that_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
