#include "coordinator/stack-plan.h"
#include "tests/unit/fake-kubectl.h"

#include <errno.h>

#define MAP(name) \
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" name \
    "\",\"namespace\":\"bigdata\",\"uid\":\"" name "\"}}"
#define RECORD(component, objects) \
    "{\"metadata\":{\"labels\":{\"bigtop.apache.org/component\":\"" component \
    "\"}},\"data\":{\"objects\":\"" objects "\"}}"
#define QUOTED(name) \
    "{\\\"apiVersion\\\":\\\"v1\\\",\\\"kind\\\":\\\"ConfigMap\\\",\\\"metadata\\\":{" \
    "\\\"name\\\":" \
    "\\\"" name "\\\"}}"

static int plan(const char *dir, struct strv *lines, struct strv *gone, struct error *err)
{
    struct stack_component components[] = {{.name = (char *) (uintptr_t) "a"},
                                           {.name = (char *) (uintptr_t) "b"}};
    AUTO_JSON *objects = parse_json("[" MAP("x") "]");
    struct stack_rendered rendered[] = {{.objects = objects, .text = (char *) (uintptr_t) "text"},
                                        {.objects = objects, .text = (char *) (uintptr_t) "text"}};
    struct stack_work w = {.kubectl = fake_kubectl(dir),
                           .stack = {.components = components, .count = 2},
                           .rendered = rendered};
    int r = stack_plan(&w, lines, gone, err);
    kubectl_release(&w.kubectl);
    return r;
}

static void tells_what_differs(void **state)
{
    struct error err = ERROR_INIT;
    STRV(lines);
    STRV(gone);
    will_say(*state, 0,
             "{\"items\":[" RECORD("a", "[" QUOTED("x") "," QUOTED("old") "]") "," RECORD(
                 "c", "[" QUOTED("y") "]") "]}");
    will_say(*state, 1, MAP("x"));
    will_say(*state, 2, MAP("other"));
    if (plan(*state, &lines, &gone, &err) < 0)
        fail_msg("%s", err.text);
    AUTO_FREE char *text = strv_join(&lines, "; ");
    assert_string_equal(text, "a: differs from what the cluster has; "
                              "a: ConfigMap old, which it no longer has, is removed; "
                              "b: is started");
    assert_int_equal(gone.count, 1);
    assert_string_equal(gone.items[0], "c");
    AUTO_FREE char *asked = get_file(*state, "asked.2");
    assert_non_null(strstr(asked, "--dry-run=server"));
}

static void what_is_as_it_should_be_is_not_told(void **state)
{
    struct error err = ERROR_INIT;
    STRV(lines);
    STRV(gone);
    will_say(
        *state, 0,
        "{\"items\":[" RECORD("a", "[" QUOTED("x") "]") "," RECORD("b", "[" QUOTED("x") "]") "]}");
    for (int i = 1; i <= 4; i++)
        will_say(*state, i, MAP("x"));
    assert_int_equal(plan(*state, &lines, &gone, &err), 0);
    assert_int_equal(lines.count + gone.count, 0);
}

static void what_the_server_refuses_is_told(void **state)
{
    struct error err = ERROR_INIT;
    STRV(lines);
    STRV(gone);
    will_say(*state, 0, "{\"items\":[" RECORD("a", "[" QUOTED("x") "]") "]}");
    will_say(*state, 1, MAP("x"));
    put_file(*state, "fails.2", "spec: Forbidden", 0644);
    assert_int_equal(plan(*state, &lines, &gone, &err), -EREMOTEIO);
    assert_error_has(err, "component a: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(tells_what_differs),
        cmocka_folder_test(what_is_as_it_should_be_is_not_told),
        cmocka_folder_test(what_the_server_refuses_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
