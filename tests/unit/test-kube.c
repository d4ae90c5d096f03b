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

static void makes_and_searches_lists(void **state)
{
    (void) state;
    AUTO_JSON *list = kube_list(parse_json("[{'metadata': {'name': 'a', 'labels': {'x': 'y'}}},"
                                           "{'metadata': {'name': 'b'}}]"));
    assert_true(kube_is_kind(list, "List"));
    assert_string_equal(json_get_string(list, "apiVersion", ""), "v1");
    assert_string_equal(json_get_string(kube_labels(kube_find(list, "a")), "x", ""), "y");
    assert_string_equal(kube_name(kube_find(list, "b")), "b");
    assert_null(kube_labels(kube_find(list, "b")));
    assert_null(kube_find(list, "c"));
    assert_null(kube_find(NULL, "a"));
}

static void finds_what_pods_are_made_of(void **state)
{
    (void) state;
    AUTO_JSON *set = parse_json("{'spec': {'template': {'spec': {'nodeName': 'n'}}}}");
    assert_string_equal(json_get_string(kube_spec(kube_template(set)), "nodeName", ""), "n");
    assert_null(kube_template(kube_template(set)));
    assert_null(kube_template(NULL));
}

static void tells_a_busy_server_from_an_absent_one(void **state)
{
    (void) state;
    const char *busy = "Error from server (Timeout): the server was unable to return a response in "
                       "the time allotted, but may still be processing the request";
    const char *absent = "The connection to the server 10.0.0.11:6443 was refused";
    assert_true(kube_said_busy(busy) && !kube_said_unreachable(busy));
    assert_true(kube_said_unreachable(absent) && !kube_said_busy(absent));
    assert_false(kube_said_busy("it is forbidden") || kube_said_unreachable("it is forbidden"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_kind_and_name),
        cmocka_unit_test(finds_a_condition_of_that_status),
        cmocka_unit_test(makes_and_searches_lists),
        cmocka_unit_test(finds_what_pods_are_made_of),
        cmocka_unit_test(tells_a_busy_server_from_an_absent_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
