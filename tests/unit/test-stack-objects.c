/* What the cluster is told, by a kubectl of the test's own. */
#include "coordinator/stack-objects.h"
#include "tests/unit/fake-kubectl.h"

#include <errno.h>

#define OBJECT(version, spec) \
    "{\"metadata\":{\"uid\":\"u\",\"resourceVersion\":\"" version "\",\"managedFields\":[" version \
    "]},\"spec\":" spec ",\"status\":{\"n\":" version "}}"

static int apply(struct kubectl *k, bool *changed, struct error *err)
{
    AUTO_JSON *objects = parse_json("[{'kind': 'Service', 'metadata': {'name': 's'}}]");
    const struct stack_rendered r = {.text = (char *) (uintptr_t) "text", .objects = objects};
    *changed = false;
    return stack_apply_objects(k, &r, changed, err);
}

static void what_the_server_keeps_is_no_change(void **state)
{
    struct kubectl k = fake_kubectl(*state);
    struct error err = ERROR_INIT;
    bool changed;
    will_say(*state, 0, OBJECT("1", "2"));
    will_say(*state, 1, OBJECT("3", "2"));
    assert_int_equal(apply(&k, &changed, &err), 0);
    assert_false(changed);
    will_say(*state, 2, "{\"items\":[" OBJECT("1", "2") "]}");
    will_say(*state, 3, "{\"items\":[" OBJECT("1", "3") "]}");
    assert_int_equal(apply(&k, &changed, &err), 0);
    assert_true(changed);
    will_say(*state, 4, ""); /* was not there */
    will_say(*state, 5, OBJECT("1", "3"));
    assert_int_equal(apply(&k, &changed, &err), 0);
    assert_true(changed);
    AUTO_FREE char *given = get_file(*state, "given.5");
    AUTO_FREE char *asked = get_file(*state, "asked.5");
    assert_string_equal(given, "text");
    assert_non_null(strstr(asked, "--server-side"));
    assert_non_null(strstr(asked, "-n bigdata"));
    kubectl_release(&k);
}

static void an_api_that_is_not_there_has_its_own_error(void **state)
{
    struct kubectl k = fake_kubectl(*state);
    struct error err = ERROR_INIT;
    bool changed;
    k.kubeconfig = xstrdup("c.kubeconfig");
    put_file(*state, "fails.0", "Unable to connect to the server: dial tcp 10.0.0.1:6443: timeout",
             0644);
    assert_int_equal(apply(&k, &changed, &err), -EHOSTUNREACH);
    assert_non_null(strstr(err.remedy, "stack apply"));
    will_say(*state, 1, "");
    put_file(*state, "fails.2", "The StatefulSet is invalid: spec: Forbidden", 0644);
    assert_int_equal(apply(&k, &changed, &err), -EREMOTEIO);
    assert_error_has(err, "Forbidden");
    will_say(*state, 3, "not json");
    assert_true(apply(&k, &changed, &err) < 0);
    kubectl_release(&k);
}

static void references_are_got_and_deleted(void **state)
{
    struct kubectl k = fake_kubectl(*state);
    struct error err = ERROR_INIT;
    AUTO_JSON *live = json_array();
    AUTO_JSON *none = json_array();
    AUTO_JSON *list = parse_json("[{'apiVersion': 'v1', 'kind': 'Service', 'spec': {'secret': 1},"
                                 " 'metadata': {'name': 's'}}]");
    will_say(*state, 0, "{\"items\":[{\"kind\":\"Service\"}]}");
    assert_int_equal(stack_get_objects(&k, list, live, &err), 0);
    assert_int_equal(json_array_size(live), 1);
    AUTO_FREE char *given = get_file(*state, "given.0");
    assert_null(strstr(given, "secret"));
    assert_non_null(strstr(given, "\"namespace\":\"bigdata\""));
    put_file(*state, "fails.1", "resource mapping not found for name: \"s\"", 0644);
    assert_int_equal(stack_get_objects(&k, list, live, &err), -ENXIO);
    will_say(*state, 2, "");
    assert_int_equal(stack_delete_objects(&k, list, 1000, &err), 0);
    AUTO_FREE char *waits = get_file(*state, "asked.2");
    assert_non_null(strstr(waits, "--wait=true"));
    /* An empty list is not asked for: kubectl would call it an error. */
    assert_int_equal(stack_get_objects(&k, none, live, &err), 0);
    assert_int_equal(stack_delete_objects(&k, none, 0, &err), 0);
    kubectl_release(&k);
}

static void the_profile_is_recalled(void **state)
{
    struct kubectl k = fake_kubectl(*state);
    struct error err = ERROR_INIT;
    AUTO_FREE char *profile = NULL;
    will_say(*state, 0, "{\"data\":{\"profile\":\"minimal\"}}");
    assert_int_equal(stack_recall(&k, STACK_APPLIED, &profile, &err), 0);
    assert_string_equal(profile, "minimal");
    AUTO_FREE char *none = NULL;
    will_say(*state, 1, "");
    assert_int_equal(stack_recall(&k, STACK_APPLIED, &none, &err), 0);
    assert_null(none);
    AUTO_FREE char *emptied = NULL;
    will_say(*state, 2, "{\"data\":{\"profile\":\"\"}}");
    assert_int_equal(stack_recall(&k, STACK_TESTED, &emptied, &err), 0);
    assert_null(emptied);
    assert_int_equal(stack_recall(&k, STACK_TESTED, &emptied, &err), -EREMOTEIO);
    kubectl_release(&k);
}

static void an_existing_namespace_is_left_alone(void **state)
{
    struct kubectl k = fake_kubectl(*state);
    struct error err = ERROR_INIT;
    bool changed = false;
    will_say(*state, 0, "{\"kind\":\"Namespace\"}");
    assert_int_equal(stack_make_namespace(&k, &changed, &err), 0);
    assert_false(changed);
    will_say(*state, 1, "");
    will_say(*state, 2, "");
    assert_int_equal(stack_make_namespace(&k, &changed, &err), 0);
    assert_true(changed);
    kubectl_release(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(what_the_server_keeps_is_no_change),
        cmocka_folder_test(an_api_that_is_not_there_has_its_own_error),
        cmocka_folder_test(references_are_got_and_deleted),
        cmocka_folder_test(the_profile_is_recalled),
        cmocka_folder_test(an_existing_namespace_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
