#include "agent/rollout.h"
#include "tests/unit/unit.h"

static void parses_what_a_bundle_may_say(void **state)
{
    (void) state;
    STRV(args);
    assert_true(rollout_parse("daemonset/kube-flannel-ds -n kube-flannel", &args));
    assert_int_equal(args.count, 3);
    assert_string_equal(args.items[0], "daemonset/kube-flannel-ds");
    assert_string_equal(args.items[2], "kube-flannel");
}

static void refuses_anything_else(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "",
        "daemonset",
        "daemonset/x",
        "daemonset/x -n",
        "pod/x -n y",
        "daemonset/ -n y",
        "daemonset/x -n y --kubeconfig=/tmp/k",
        "daemonset/x --all y",
        "daemonset/X_ -n y",
        "/x -n y",
        "daemonset/x -n -y",
    };
    STRV(args);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_false(rollout_parse(bad[i], &args));
    }
    assert_int_equal(args.count, 0);
}

static bool up(int desired, int updated, int available, int observed, int64_t unready)
{
    AUTO_JSON *daemonset = json_pack("{s:{s:i}, s:{s:i, s:i, s:i, s:i}}", "metadata", "generation",
                                     2, "status", "observedGeneration", observed,
                                     "desiredNumberScheduled", desired, "updatedNumberScheduled",
                                     updated, "numberAvailable", available);
    return rollout_daemonset_up(daemonset, unready);
}

static void a_dead_host_does_not_hold_the_others(void **state)
{
    (void) state;
    assert_true(up(3, 3, 3, 2, 0));
    assert_true(up(3, 3, 2, 2, 1));
    assert_false(up(3, 3, 2, 2, 0));
    assert_false(up(1, 1, 0, 2, 1)); /* the first node is not Ready before its network is up */
    assert_false(up(3, 1, 2, 2, 1)); /* an update that did not reach a healthy node */
    assert_false(up(3, 3, 3, 1, 0)); /* the controller did not see the new one yet */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_what_a_bundle_may_say),
        cmocka_unit_test(refuses_anything_else),
        cmocka_unit_test(a_dead_host_does_not_hold_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
