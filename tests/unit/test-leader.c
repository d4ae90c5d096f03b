#include "coordinator/leader.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define CLUSTER "sha256:aa"
#define MEMBER .control_plane = true, .answered = true, .member = true, .cluster = CLUSTER
#define FRESH .control_plane = true, .answered = true
#define DEAD .control_plane = true

static int choose(const struct leader_candidate *hosts, size_t count, size_t *out,
                  struct error *err)
{
    *err = ERROR_INIT;
    return leader_choose(hosts, count, out, err);
}

static void the_first_of_fresh_hosts_leads(void **state)
{
    (void) state;
    const struct leader_candidate hosts[] = {
        {.label = "w", .answered = true}, {.label = "n1", FRESH}, {.label = "n2", FRESH}};
    struct error err;
    size_t leader;
    assert_int_equal(choose(hosts, ARRAY_SIZE(hosts), &leader, &err), 0);
    assert_int_equal(leader, 1);
}

static void a_member_that_answers_leads(void **state)
{
    (void) state;
    struct leader_candidate hosts[] = {{.label = "n1", FRESH},
                                       {.label = "n2", MEMBER},
                                       {.label = "n3", MEMBER, .api = true},
                                       {.label = "n4", MEMBER, .api = true}};
    struct error err;
    size_t leader;
    assert_int_equal(choose(hosts, ARRAY_SIZE(hosts), &leader, &err), 0);
    assert_int_equal(leader, 2);
    hosts[2].leaves = true;
    assert_int_equal(choose(hosts, ARRAY_SIZE(hosts), &leader, &err), 0);
    assert_int_equal(leader, 3);
    hosts[3].answered = hosts[3].api = false;
    assert_int_equal(choose(hosts, ARRAY_SIZE(hosts), &leader, &err), 0);
    assert_int_equal(leader, 1);
}

static void a_dead_first_one_stops_no_run(void **state)
{
    (void) state;
    const struct leader_candidate hosts[] = {
        {.label = "n1", DEAD}, {.label = "n2", MEMBER, .api = true}, {.label = "n3", DEAD}};
    struct error err;
    size_t leader;
    assert_int_equal(choose(hosts, ARRAY_SIZE(hosts), &leader, &err), 0);
    assert_int_equal(leader, 1);
}

static void who_began_goes_on(void **state)
{
    (void) state;
    const struct leader_candidate hosts[] = {{.label = "n1", FRESH},
                                             {.label = "n2", FRESH, .half = true},
                                             {.label = "w", .answered = true, .cluster = CLUSTER}};
    struct error err;
    size_t leader;
    assert_int_equal(choose(hosts, ARRAY_SIZE(hosts), &leader, &err), 0);
    assert_int_equal(leader, 1);
}

static void refused(const struct leader_candidate *hosts, size_t count, size_t leader,
                    const char *text)
{
    struct error err;
    size_t chosen = 99;
    assert_int_equal(choose(hosts, count, &chosen, &err), -ENOTUNIQ);
    assert_int_equal(chosen, leader);
    assert_non_null(strstr(err.text, text));
    assert_true(err.remedy[0] != '\0');
}

static void never_a_second_cluster(void **state)
{
    (void) state;
    const struct leader_candidate silent[] = {{.label = "n1", DEAD}, {.label = "n2", FRESH}};
    refused(silent, 2, 1, "n1, which may have one, does not answer");
    const struct leader_candidate absent[] = {{.label = "n1", DEAD, .leaves = true},
                                              {.label = "n2", FRESH}};
    refused(absent, 2, 1, "n1, which may have one, does not answer");
    const struct leader_candidate moved[] = {{.label = "n1", MEMBER, .leaves = true, .api = true},
                                             {.label = "n2", FRESH}};
    refused(moved, 2, 1, "n1, which has the cluster, is to leave");
    const struct leader_candidate orphan[] = {
        {.label = "n1", FRESH}, {.label = "w1", .answered = true, .cluster = CLUSTER}};
    refused(orphan, 2, 0, "w1 is a node of one");
}

/* The host's own failure is what the run tells. */
static void nobody_answers(void **state)
{
    (void) state;
    const struct leader_candidate hosts[] = {{.label = "w", .answered = true, .cluster = CLUSTER},
                                             {.label = "n1", DEAD},
                                             {.label = "n2", DEAD}};
    struct error err;
    size_t leader;
    assert_int_equal(choose(hosts, ARRAY_SIZE(hosts), &leader, &err), 0);
    assert_int_equal(leader, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_of_fresh_hosts_leads),
        cmocka_unit_test(a_member_that_answers_leads),
        cmocka_unit_test(a_dead_first_one_stops_no_run),
        cmocka_unit_test(who_began_goes_on),
        cmocka_unit_test(never_a_second_cluster),
        cmocka_unit_test(nobody_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
