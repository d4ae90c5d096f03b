/* With a kubectl of the test's own in PATH: a script that says what it was asked, or what the test
 * wants said. */
#include "coordinator/stack-objects.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>

/* Answers each call with the file of that number in its folder (none: it fails), and keeps what it
 * was asked and given. */
#define SCRIPT \
    "#!/bin/sh\ncd \"${0%/*}\" || exit 9\nn=$(cat count 2>/dev/null || echo 0)\n" \
    "echo $((n + 1)) >count\necho \"$@\" >\"asked.$n\"\ncat >\"given.$n\"\n" \
    "[ -f \"says.$n\" ] || { cat \"fails.$n\" >&2; exit 1; }\ncat \"says.$n\"\n"

static void put(const char *dir, const char *name, const char *text, mode_t mode)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *path = path_join(dir, name);
    assert_int_equal(file_write_atomic(path, text, strlen(text), mode, &err), 0);
}

static char *get(const char *dir, const char *name)
{
    STRBUF(text, 65536);
    struct error err = ERROR_INIT;
    AUTO_FREE char *path = path_join(dir, name);
    if (file_read(path, &text, &err) < 0)
        fail_msg("%s", err.text);
    return strbuf_steal(&text);
}

static struct kubectl fake(const char *dir)
{
    put(dir, "kubectl", SCRIPT, 0755);
    return (struct kubectl){.program = path_join(dir, "kubectl")};
}

static void secrets_are_made_once_and_not_shown(void **state)
{
    struct kubectl k = fake(*state);
    struct error err = ERROR_INIT;
    struct stack_secret secret = {.name = (char *) (uintptr_t) "admin"};
    const struct stack_component c = {.secrets = &secret, .secret_count = 1};
    bool changed = false;
    strv_add(&secret.keys, "password");
    strv_add(&secret.keys, "other");
    put(*state, "says.0", "", 0644); /* there is none */
    put(*state, "says.1", "", 0644);
    assert_int_equal(stack_make_secrets(&k, &c, &changed, &err), 0);
    assert_true(changed);
    AUTO_FREE char *asked = get(*state, "asked.1");
    AUTO_FREE char *given = get(*state, "given.1");
    AUTO_JSON *object = json_parse(given, strlen(given), "given", &err);
    const json_t *data = json_object_get(object, "stringData");
    const char *password = json_get_string(data, "password", "");
    assert_int_equal(strlen(password), 32);
    assert_string_not_equal(password, json_get_string(data, "other", ""));
    assert_null(strstr(asked, password));
    put(*state, "says.2", "{\"data\":{\"password\":\"eA==\",\"other\":\"eA==\"}}", 0644);
    changed = false;
    assert_int_equal(stack_make_secrets(&k, &c, &changed, &err), 0);
    assert_false(changed);
    put(*state, "says.3", "{\"data\":{\"password\":\"eA==\"}}", 0644);
    put(*state, "says.4", "", 0644);
    assert_int_equal(stack_make_secrets(&k, &c, &changed, &err), 0);
    assert_true(changed);
    AUTO_FREE char *patch = get(*state, "given.4");
    assert_non_null(strstr(patch, "other"));
    assert_null(strstr(patch, "password"));
    strv_release(&secret.keys);
    kubectl_release(&k);
}

#define OBJECT(version, spec) \
    "{\"metadata\":{\"uid\":\"u\",\"resourceVersion\":\"" version "\",\"managedFields\":[" version \
    "]},\"spec\":" spec ",\"status\":{\"n\":" version "}}"

static int apply(struct kubectl *k, bool *changed, struct error *err)
{
    AUTO_JSON *objects = json_array();
    const struct stack_rendered r = {.text = (char *) (uintptr_t) "text", .objects = objects};
    *changed = false;
    return stack_apply_objects(k, &r, changed, err);
}

static void what_the_server_keeps_is_no_change(void **state)
{
    struct kubectl k = fake(*state);
    struct error err = ERROR_INIT;
    bool changed;
    put(*state, "says.0", OBJECT("1", "2"), 0644);
    put(*state, "says.1", OBJECT("3", "2"), 0644);
    assert_int_equal(apply(&k, &changed, &err), 0);
    assert_false(changed);
    put(*state, "says.2", "{\"items\":[" OBJECT("1", "2") "]}", 0644);
    put(*state, "says.3", "{\"items\":[" OBJECT("1", "3") "]}", 0644);
    assert_int_equal(apply(&k, &changed, &err), 0);
    assert_true(changed);
    put(*state, "says.4", "", 0644); /* was not there */
    put(*state, "says.5", OBJECT("1", "3"), 0644);
    assert_int_equal(apply(&k, &changed, &err), 0);
    assert_true(changed);
    AUTO_FREE char *given = get(*state, "given.5");
    AUTO_FREE char *asked = get(*state, "asked.5");
    assert_string_equal(given, "text");
    assert_non_null(strstr(asked, "--server-side"));
    assert_non_null(strstr(asked, "-n bigdata"));
    kubectl_release(&k);
}

static void an_api_that_is_not_there_has_its_own_error(void **state)
{
    struct kubectl k = fake(*state);
    struct error err = ERROR_INIT;
    bool changed;
    k.kubeconfig = xstrdup("c.kubeconfig");
    put(*state, "fails.0", "Unable to connect to the server: dial tcp 10.0.0.1:6443: timeout",
        0644);
    assert_int_equal(apply(&k, &changed, &err), -EHOSTUNREACH);
    assert_non_null(strstr(err.remedy, "stack apply"));
    put(*state, "says.1", "", 0644);
    put(*state, "fails.2", "The StatefulSet is invalid: spec: Forbidden", 0644);
    assert_int_equal(apply(&k, &changed, &err), -EREMOTEIO);
    assert_error_has(err, "Forbidden");
    put(*state, "says.3", "not json", 0644);
    assert_true(apply(&k, &changed, &err) < 0);
    kubectl_release(&k);
}

static void the_profile_is_recalled(void **state)
{
    struct kubectl k = fake(*state);
    struct error err = ERROR_INIT;
    AUTO_FREE char *profile = NULL;
    put(*state, "says.0", "{\"data\":{\"profile\":\"minimal\"}}", 0644);
    assert_int_equal(stack_recall(&k, STACK_APPLIED, &profile, &err), 0);
    assert_string_equal(profile, "minimal");
    AUTO_FREE char *none = NULL;
    put(*state, "says.1", "", 0644);
    assert_int_equal(stack_recall(&k, STACK_APPLIED, &none, &err), 0);
    assert_null(none);
    AUTO_FREE char *emptied = NULL;
    put(*state, "says.2", "{\"data\":{\"profile\":\"\"}}", 0644);
    assert_int_equal(stack_recall(&k, STACK_TESTED, &emptied, &err), 0);
    assert_null(emptied);
    assert_int_equal(stack_recall(&k, STACK_TESTED, &emptied, &err), -EREMOTEIO);
    kubectl_release(&k);
}

static void an_existing_namespace_is_left_alone(void **state)
{
    struct kubectl k = fake(*state);
    struct error err = ERROR_INIT;
    bool changed = false;
    put(*state, "says.0", "{\"kind\":\"Namespace\"}", 0644);
    assert_int_equal(stack_make_namespace(&k, &changed, &err), 0);
    assert_false(changed);
    put(*state, "says.1", "", 0644);
    put(*state, "says.2", "", 0644);
    assert_int_equal(stack_make_namespace(&k, &changed, &err), 0);
    assert_true(changed);
    kubectl_release(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(secrets_are_made_once_and_not_shown),
        cmocka_folder_test(what_the_server_keeps_is_no_change),
        cmocka_folder_test(an_api_that_is_not_there_has_its_own_error),
        cmocka_folder_test(the_profile_is_recalled),
        cmocka_folder_test(an_existing_namespace_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
