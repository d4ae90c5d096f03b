#include "coordinator/stack-remove.h"
#include "tests/unit/unit.h"

static json_t *object(const char *kind, const char *name)
{
    return json_pack("{s:s, s:s, s:{s:s}, s:{s:i}}", "apiVersion", "v1", "kind", kind, "metadata",
                     "name", name, "spec", "replicas", 1);
}

static json_t *stateful_set(void)
{
    return json_pack("{s:s, s:s, s:{s:s}, s:{s:{s:{s:s}}}}", "apiVersion", "apps/v1", "kind",
                     "StatefulSet", "metadata", "name", "kafka", "spec", "selector", "matchLabels",
                     "app", "kafka");
}

static json_t *claim(const char *name, const char *space, const char *app)
{
    return json_pack("{s:s, s:{s:s, s:s, s:{s:s}}}", "kind", "PersistentVolumeClaim", "metadata",
                     "name", name, "namespace", space, "labels", "app", app);
}

static char *names(const json_t *list)
{
    STRV(out);
    size_t i;
    json_t *o;
    json_array_foreach(json_object_get(list, "items"), i, o)
        strv_addf(&out, "%s/%s", json_get_string(o, "kind", ""),
                  json_get_string(json_object_get(o, "metadata"), "name", ""));
    return strv_join(&out, " ");
}

static void data_stays(void **state)
{
    (void) state;
    AUTO_JSON *objects = json_pack(
        "[o, o, o, o, o]", stateful_set(), object("Service", "kafka"), object("Namespace", "n"),
        object("CustomResourceDefinition", "c"), object("PersistentVolumeClaim", "p"));
    AUTO_JSON *list = stack_removable(objects);
    AUTO_FREE char *found = names(list);
    assert_string_equal(found, "StatefulSet/kafka Service/kafka");
    assert_null(json_object_get(json_array_get(json_object_get(list, "items"), 1), "spec"));
}

static void nothing_is_no_list(void **state)
{
    (void) state;
    const struct stack_component c = {0};
    AUTO_JSON *none = json_array();
    assert_null(stack_removable(none));
    assert_null(stack_data_of(&c, none, none));
}

static void data_is_its_own_claims_and_secrets(void **state)
{
    (void) state;
    struct stack_secret secret = {.name = (char *) (uintptr_t) "admin"};
    const struct stack_component c = {.secrets = &secret, .secret_count = 1};
    AUTO_JSON *objects = json_pack("[o, o]", stateful_set(), object("Namespace", "n"));
    AUTO_JSON *claims = json_pack("[o, o, o]", claim("data-kafka-0", STACK_NAMESPACE, "kafka"),
                                  claim("data-other-0", STACK_NAMESPACE, "other"),
                                  claim("x", "away", "kafka"));
    AUTO_JSON *list = stack_data_of(&c, objects, claims);
    AUTO_FREE char *found = names(list);
    assert_string_equal(found, "Namespace/n PersistentVolumeClaim/data-kafka-0 Secret/admin");
}

static void the_last_goes_first(void **state)
{
    (void) state;
    size_t after_one[] = {1}, after_both[] = {0, 1};
    struct stack_component list[] = {
        {.after = after_one, .after_count = 1}, {0}, {.after = after_both, .after_count = 2}, {0}};
    const struct stack s = {.components = list, .count = ARRAY_SIZE(list)};
    AUTO_FREE size_t *order = stack_reverse_order(&s);
    size_t place[ARRAY_SIZE(list)];
    for (size_t i = 0; i < s.count; i++)
        place[order[i]] = i;
    assert_true(place[2] < place[0] && place[0] < place[1] && place[2] < place[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_stays),
        cmocka_unit_test(nothing_is_no_list),
        cmocka_unit_test(data_is_its_own_claims_and_secrets),
        cmocka_unit_test(the_last_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
