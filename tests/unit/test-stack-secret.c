/* What the cluster is told, by a kubectl of the test's own. */
#include "coordinator/stack-secret.h"
#include "tests/unit/fake-kubectl.h"

static void secrets_are_made_once_and_not_shown(void **state)
{
    struct kubectl k = fake_kubectl(*state);
    struct error err = ERROR_INIT;
    struct stack_secret secret = {.name = (char *) (uintptr_t) "admin"};
    const struct stack_component c = {.secrets = &secret, .secret_count = 1};
    bool changed = false;
    strv_add(&secret.keys, "password");
    strv_add(&secret.keys, "other");
    will_say(*state, 0, ""); /* there is none */
    will_say(*state, 1, "");
    assert_int_equal(stack_make_secrets(&k, &c, &changed, &err), 0);
    assert_true(changed);
    AUTO_FREE char *asked = get_file(*state, "asked.1");
    AUTO_FREE char *given = get_file(*state, "given.1");
    AUTO_JSON *object = json_parse(given, strlen(given), "given", &err);
    const json_t *data = json_object_get(object, "stringData");
    const char *password = json_get_string(data, "password", "");
    assert_int_equal(strlen(password), 32);
    assert_string_not_equal(password, json_get_string(data, "other", ""));
    assert_null(strstr(asked, password));
    will_say(*state, 2, "{\"data\":{\"password\":\"eA==\",\"other\":\"eA==\"}}");
    changed = false;
    assert_int_equal(stack_make_secrets(&k, &c, &changed, &err), 0);
    assert_false(changed);
    will_say(*state, 3, "{\"data\":{\"password\":\"eA==\"}}");
    will_say(*state, 4, "");
    assert_int_equal(stack_make_secrets(&k, &c, &changed, &err), 0);
    assert_true(changed);
    AUTO_FREE char *patch = get_file(*state, "given.4");
    assert_non_null(strstr(patch, "other"));
    assert_null(strstr(patch, "password"));
    strv_release(&secret.keys);
    kubectl_release(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(secrets_are_made_once_and_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
