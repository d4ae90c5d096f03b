#include "coordinator/stack-owned.h"
#include "tests/unit/fake-kubectl.h"

#define MAP(name) \
    "{'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': '" name \
    "', 'namespace': 'bigdata'}}"
#define OTHER(kind, name) \
    "{'apiVersion': 'v1', 'kind': '" kind "', 'metadata': {'name': '" name \
    "', 'namespace': 'bigdata'}}"

/* Components a and b. */
struct world {
    struct stack_component components[2];
    struct stack_rendered rendered[2];
    struct stack_work work;
    json_t *owned;
};

static void world_init(struct world *o, const char *dir, const char *a, const char *b,
                       const char *owned)
{
    *o = (struct world){
        .components = {{.name = (char *) (uintptr_t) "a"}, {.name = (char *) (uintptr_t) "b"}},
        .rendered = {{.objects = parse_json(a)}, {.objects = parse_json(b)}},
        .owned = parse_json(owned)};
    o->work = (struct stack_work){.kubectl = fake_kubectl(dir),
                                  .stack = {.components = o->components, .count = 2},
                                  .rendered = o->rendered};
}

static void world_release(struct world *o)
{
    kubectl_release(&o->work.kubectl);
    json_decref(o->rendered[0].objects);
    json_decref(o->rendered[1].objects);
    json_decref(o->owned);
}
#define WORLD CLEANUP(world_release) struct world

static char *names(const json_t *list)
{
    STRV(out);
    size_t i;
    json_t *o;
    json_array_foreach(list, i, o)
        strv_add(&out, json_get_string(json_object_get(o, "metadata"), "name", ""));
    return strv_join(&out, " ");
}

static void surplus_is_what_nobody_renders_any_more(void **state)
{
    WORLD o;
    world_init(
        &o, *state, "[" MAP("new") "]", "[" MAP("moved") "]",
        "{'a': [" MAP("new") "," MAP("old") "," MAP("moved") "," MAP("shared") "," OTHER(
            "Secret", "s") "," OTHER("PersistentVolumeClaim",
                                     "p") "],"
                                          " 'b': [" MAP("old") "],"
                                                               " 'gone': [" MAP("shared") "]}");
    AUTO_JSON *surplus = stack_surplus(&o.work.stack, o.rendered, o.owned, "a");
    AUTO_FREE char *found = names(surplus);
    assert_string_equal(found, "old");
    AUTO_JSON *none = stack_surplus(&o.work.stack, o.rendered, o.owned, "unknown");
    assert_int_equal(json_array_size(none), 0);
}

static void all_of_a_component_is_without_what_others_have(void **state)
{
    WORLD o;
    world_init(&o, *state, "[" MAP("new") "," MAP("both") "]", "[" MAP("both") "]",
               "{'a': [" MAP("old") "," OTHER("Secret",
                                              "s") "], 'gone': [" MAP("left") "," MAP("new") "]}");
    AUTO_JSON *a = stack_owned_all(&o.work, "a", o.owned);
    AUTO_FREE char *of_a = names(a);
    assert_string_equal(of_a, "old s");
    AUTO_JSON *gone = stack_owned_all(&o.work, "gone", o.owned);
    AUTO_FREE char *of_gone = names(gone);
    assert_string_equal(of_gone, "left");
}

static void gone_is_what_still_runs_in_no_profile(void **state)
{
    WORLD o;
    STRV(gone);
    world_init(&o, *state, "[]", "[]",
               "{'a': [" MAP("x") "], 'y': [" MAP("y") "], 'c': [" MAP(
                   "c") "],"
                        " 'data': [" OTHER("Secret", "s") "]}");
    stack_find_gone(&o.work.stack, o.owned, &gone);
    AUTO_FREE char *list = strv_join(&gone, " ");
    assert_string_equal(list, "c y");
}

/* What is new is on record before it is applied; what is not new is not written again. */
static void records_grow_with_what_is_rendered(void **state)
{
    WORLD o;
    struct error err = ERROR_INIT;
    struct stack_secret secret = {.name = (char *) (uintptr_t) "admin"};
    world_init(&o, *state, "[" MAP("x") "]", "[]", "{'a': [" MAP("old") "]}");
    o.components[0].secrets = &secret;
    o.components[0].secret_count = 1;
    will_say(*state, 0, "");
    assert_int_equal(stack_owned_add(&o.work, 0, o.owned, &err), 0);
    assert_int_equal(stack_owned_add(&o.work, 0, o.owned, &err), 0);
    AUTO_FREE char *count = get_file(*state, "count");
    assert_string_equal(count, "1\n");
    AUTO_FREE char *given = get_file(*state, "given.0");
    assert_non_null(strstr(given, "bigtop-stack.a"));
    AUTO_FREE char *found = names(json_object_get(o.owned, "a"));
    assert_string_equal(found, "old x admin");
    /* What was written is what is read. */
    AUTO_JSON *map = json_parse(given, strlen(given), "given", &err);
    AUTO_JSON *list = json_pack("{s:[O]}", "items", map);
    AUTO_FREE char *answer = json_canonical(list);
    AUTO_JSON *again = NULL;
    will_say(*state, 1, answer);
    assert_int_equal(stack_owned_load(&o.work.kubectl, &again, &err), 0);
    assert_true(json_equal(again, o.owned));
}

#define OURS \
    "\"managedFields\":[{\"manager\":\"bigtop-bootstrap\",\"operation\":\"Apply\"}]," \
    "\"namespace\":\"bigdata\""

static void only_what_is_ours_is_pruned(void **state)
{
    WORLD o;
    struct error err = ERROR_INIT;
    STRV(removed);
    world_init(&o, *state, "[" MAP("new") "]", "[]",
               "{'a': [" MAP("new") "," MAP("old") "," MAP("taken") "," MAP("away") "]}");
    will_say(*state, 0,
             "{\"items\":[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
             "\"old\"," OURS "}},{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":"
             "{\"name\":\"taken\",\"managedFields\":[{\"manager\":\"kubectl-create\"}]}}]}");
    will_say(*state, 1, "");
    will_say(*state, 2, "");
    if (stack_owned_prune(&o.work, 0, o.owned, &removed, &err) < 0)
        fail_msg("%s", err.text);
    AUTO_FREE char *list = strv_join(&removed, ", ");
    assert_string_equal(list, "ConfigMap old");
    AUTO_FREE char *deletes = get_file(*state, "asked.1");
    AUTO_FREE char *which = get_file(*state, "given.1");
    assert_non_null(strstr(deletes, "delete"));
    assert_non_null(strstr(which, "\"old\""));
    assert_null(strstr(which, "taken"));
    AUTO_FREE char *left = names(json_object_get(o.owned, "a"));
    assert_string_equal(left, "new");
    assert_int_equal(stack_owned_prune(&o.work, 0, o.owned, &removed, &err), 0);
    AUTO_FREE char *count = get_file(*state, "count");
    assert_string_equal(count, "3\n");
}

/* Else it would be told of what another one drops later. */
static void what_moved_is_the_others(void **state)
{
    WORLD o;
    struct error err = ERROR_INIT;
    STRV(removed);
    world_init(&o, *state, "[]", "[" MAP("moved") "]",
               "{'a': [" OTHER("Secret", "s") "," MAP("moved") "], 'b': [" MAP("moved") "]}");
    will_say(*state, 0, "");
    if (stack_owned_prune(&o.work, 0, o.owned, &removed, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(removed.count, 0);
    AUTO_FREE char *left = names(json_object_get(o.owned, "a"));
    assert_string_equal(left, "s");
}

/* They are what holds its data once it is gone. */
static void claims_of_what_is_pruned_stay_on_record(void **state)
{
    WORLD o;
    struct error err = ERROR_INIT;
    STRV(removed);
    world_init(&o, *state, "[]", "[]", "{'a': [" OTHER("StatefulSet", "db") "]}");
    will_say(
        *state, 0,
        "{\"apiVersion\":\"apps/v1\",\"kind\":\"StatefulSet\",\"metadata\":{\"name\":\"db\"," OURS
        "},\"spec\":{\"selector\":{\"matchLabels\":{\"app\":\"db\"}}}}");
    will_say(*state, 1,
             "{\"items\":[{\"apiVersion\":\"v1\",\"kind\":\"PersistentVolumeClaim\",\"metadata\":"
             "{\"name\":\"data-db-0\",\"namespace\":\"bigdata\",\"labels\":{\"app\":\"db\"}}},"
             "{\"apiVersion\":\"v1\",\"kind\":\"PersistentVolumeClaim\",\"metadata\":"
             "{\"name\":\"data-x-0\",\"namespace\":\"bigdata\",\"labels\":{\"app\":\"x\"}}}]}");
    will_say(*state, 2, "");
    will_say(*state, 3, "");
    if (stack_owned_prune(&o.work, 0, o.owned, &removed, &err) < 0)
        fail_msg("%s", err.text);
    AUTO_FREE char *left = names(json_object_get(o.owned, "a"));
    assert_string_equal(left, "data-db-0");
}

/* kubectl refuses a whole list then. */
static void what_is_of_a_kind_that_is_gone_is_passed_over(void **state)
{
    WORLD o;
    struct error err = ERROR_INIT;
    STRV(removed);
    world_init(&o, *state, "[]", "[]", "{'a': [" OTHER("Widget", "w") "," MAP("old") "]}");
    put_file(*state, "fails.0", "no matches for kind \"Widget\"", 0644);
    put_file(*state, "fails.1", "no matches for kind \"Widget\"", 0644);
    will_say(*state, 2,
             "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"old\"," OURS
             "}}");
    will_say(*state, 3, "");
    will_say(*state, 4, "");
    if (stack_owned_prune(&o.work, 0, o.owned, &removed, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(removed.count, 1);
    AUTO_FREE char *last = get_file(*state, "asked.4");
    assert_non_null(strstr(last, "delete configmap bigtop-stack.a"));
}

static void what_fails_stays_on_record(void **state)
{
    WORLD o;
    struct error err = ERROR_INIT;
    STRV(removed);
    world_init(&o, *state, "[]", "[]", "{'a': [" MAP("old") "]}");
    put_file(*state, "fails.0", "forbidden", 0644);
    assert_true(stack_owned_prune(&o.work, 0, o.owned, &removed, &err) < 0);
    assert_error_has(err, "remove what it no longer has");
    AUTO_FREE char *left = names(json_object_get(o.owned, "a"));
    assert_string_equal(left, "old");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(surplus_is_what_nobody_renders_any_more),
        cmocka_folder_test(all_of_a_component_is_without_what_others_have),
        cmocka_folder_test(gone_is_what_still_runs_in_no_profile),
        cmocka_folder_test(records_grow_with_what_is_rendered),
        cmocka_folder_test(only_what_is_ours_is_pruned),
        cmocka_folder_test(what_moved_is_the_others),
        cmocka_folder_test(claims_of_what_is_pruned_stay_on_record),
        cmocka_folder_test(what_is_of_a_kind_that_is_gone_is_passed_over),
        cmocka_folder_test(what_fails_stays_on_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
