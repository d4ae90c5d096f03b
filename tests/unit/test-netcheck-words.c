#include "agent/netcheck.h"
#include "tests/unit/unit.h"

#include <errno.h>

static const struct netcheck_plan plan = {
    .nodes = {"n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9"}, .count = 9};

static struct netcheck_failure items[64];
static struct netcheck_failures all;

static void add(size_t from, size_t to, enum netcheck_fault fault, int passed, int lost)
{
    items[all.count] = (struct netcheck_failure){
        from, to, fault, {.passed = passed, .lost = lost, .said = "no answer"}};
    all.items = items;
    all.count++;
}

static struct error say(void)
{
    struct error err = ERROR_INIT;
    int r = netcheck_words(&plan, &all, &err);
    bool small = strstr(err.text, "the MTU is too small");
    assert_int_equal(r, small ? -EMSGSIZE : -EHOSTUNREACH);
    all.count = 0;
    return err;
}

static void nothing_failed(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    assert_int_equal(netcheck_words(&plan, &all, &err), 0);
    assert_int_equal(err.code, 0);
}

/* Both directions of a pair are one path; the host that all have in common stands in front. */
static void the_common_host_is_named(void **state)
{
    (void) state;
    add(2, 1, NETCHECK_SMALL, 1250, 1450);
    add(0, 2, NETCHECK_SMALL, 1200, 1400);
    add(2, 0, NETCHECK_SMALL, 1300, 1350);
    struct error err = say();
    assert_error_has(err, "MTU is too small between pods on n3 and each of n1, n2: packets of 1200 "
                          "bytes pass, those of 1350 are lost");
    assert_non_null(strstr(err.remedy, "`mtu: 1250`"));
}

static void one_pair_is_named(void **state)
{
    (void) state;
    add(0, 2, NETCHECK_DEAD, 0, 100);
    add(2, 0, NETCHECK_DEAD, 0, 100);
    struct error err = say();
    assert_error_has(err, "no packet passes between pods on n1 and n3 (no answer)");
    assert_non_null(strstr(err.remedy, "UDP 8472"));
}

static void pairs_without_a_common_host(void **state)
{
    (void) state;
    add(0, 1, NETCHECK_NO_UDP, 0, 100);
    add(2, 3, NETCHECK_NO_UDP, 0, 100);
    struct error err = say();
    assert_error_has(err, "TCP passes but UDP does not between pods on n1 and n2, n3 and n4");
}

static void many_pairs_are_counted(void **state)
{
    (void) state;
    for (size_t i = 0; i < 6; i++)
        for (size_t k = i + 1; k < 6; k++)
            add(i, k, NETCHECK_NO_TCP, 1450, 0);
    struct error err = say();
    assert_error_has(err, "and 9 more pairs");
}

/* A service cannot answer where no packet passes: that is the cause. */
static void the_cause_comes_before_what_follows(void **state)
{
    (void) state;
    add(1, 0, NETCHECK_NO_NAMES, 0, 0);
    add(1, 0, NETCHECK_SERVICE_DEAD, 0, 100);
    add(1, 0, NETCHECK_SMALL, 1200, 1450);
    add(1, 0, NETCHECK_DEAD, 0, 100);
    assert_error_has(say(), "no packet passes");
    add(2, 0, NETCHECK_NO_NAMES, 0, 0);
    add(1, 0, NETCHECK_SERVICE_DEAD, 0, 100);
    add(3, 0, NETCHECK_SERVICE_DEAD, 0, 100);
    assert_error_has(say(), "not the address of a service, from n2, n4");
    add(2, 0, NETCHECK_NO_NAMES, 0, 0);
    assert_error_has(say(), "cluster DNS gives no answer to pods on n3");
}

/* Of a policy the protected side is what is wrong. */
static void policies_name_the_protected_node(void **state)
{
    (void) state;
    add(0, 1, NETCHECK_FLOWS, 1450, 0);
    struct error err = say();
    assert_error_has(err, "policies are not enforced: what one denies still reaches pods on n2");
    assert_null(strstr(err.text, "n1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_failed),
        cmocka_unit_test(the_common_host_is_named),
        cmocka_unit_test(one_pair_is_named),
        cmocka_unit_test(pairs_without_a_common_host),
        cmocka_unit_test(many_pairs_are_counted),
        cmocka_unit_test(the_cause_comes_before_what_follows),
        cmocka_unit_test(policies_name_the_protected_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
