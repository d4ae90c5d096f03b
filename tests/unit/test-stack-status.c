#include "coordinator/stack-status.h"
#include "tests/unit/unit.h"

static json_t *pod(const char *uid, const char *app, const char *space)
{
    return json_pack("{s:s, s:{s:s, s:s, s:s, s:{s:s}}}", "kind", "Pod", "metadata", "name", uid,
                     "uid", uid, "namespace", space, "labels", "app", app);
}

static json_t *usage(const char *uid, int bytes)
{
    return json_pack("{s:{s:s}, s:{s:i}}", "podRef", "uid", uid, "memory", "workingSetBytes",
                     bytes);
}

static void what_its_pods_use_is_added_up(void **state)
{
    (void) state;
    AUTO_JSON *objects = json_pack("[{s:s, s:{s:s}, s:{s:{s:{s:s}}}}]", "kind", "Deployment",
                                   "metadata", "name", "x", "spec", "selector", "matchLabels",
                                   "app", "x");
    AUTO_JSON *live = json_pack("[o, o, o, o]", pod("a", "x", "bigdata"), pod("b", "x", "bigdata"),
                                pod("c", "y", "bigdata"), pod("d", "x", "other"));
    AUTO_JSON *summaries = json_pack("[{s:[o, o]}, {s:[o, o]}]", "pods", usage("a", 100),
                                     usage("c", 1000), "pods", usage("b", 10), usage("d", 10000));
    assert_int_equal(stack_memory_used(objects, live, summaries), 110);
    AUTO_JSON *some = json_pack("[{s:[o, o]}]", "pods", usage("a", 100), usage("b", 0));
    assert_int_equal(stack_memory_used(objects, live, some), 100);
    AUTO_JSON *none = json_pack("[{s:[o]}, {}]", "pods", usage("a", 0));
    assert_int_equal(stack_memory_used(objects, live, none), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_its_pods_use_is_added_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
