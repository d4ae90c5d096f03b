#include "agent/etcd.h"
#include "tests/unit/unit.h"

#include <errno.h>

/* As etcdctl v3.6.5 prints them. */
#define N1 \
    "8e9e05c52164694d, started, n1, https://10.77.0.11:2380, https://10.77.0.11:2379, false\n"
#define N2 \
    "91bc3c398fb3c146, started, n2, https://10.77.0.12:2380, https://10.77.0.12:2379, false\n"
#define N3 \
    "fd422379fda50e48, started, n3, https://10.77.0.13:2380, https://10.77.0.13:2379, false\n"
#define N4_LEARNS \
    "1210b0ac107be1b3, started, n4, https://10.77.0.14:2380, https://10.77.0.14:2379, true\n"
#define N4_NOT_YET "1210b0ac107be1b3, unstarted, , https://10.77.0.14:2380, , true\n"

static void parse(const char *text, struct etcd_members *m)
{
    struct error err = ERROR_INIT;
    if (etcd_members_parse(text, m, &err) < 0)
        fail_msg("%s", err.text);
}

/* Who answers, in the order of the list. */
static void set_health(struct etcd_members *m, const char *who)
{
    for (size_t i = 0; i < m->count; i++)
        m->items[i].healthy = who[i] == 'h';
}

static void reads_members(void **state)
{
    (void) state;
    AUTO_ETCD_MEMBERS m = ETCD_MEMBERS_INIT;
    parse(N4_NOT_YET N1, &m);
    assert_int_equal(m.count, 2);
    assert_string_equal(m.items[0].id, "1210b0ac107be1b3");
    assert_false(m.items[0].started);
    assert_true(m.items[0].learner);
    assert_string_equal(m.items[0].name, "");
    assert_string_equal(m.items[0].peer, "https://10.77.0.14:2380");
    assert_true(m.items[1].started);
    assert_false(m.items[1].learner);
    assert_string_equal(m.items[1].name, "n1");
    assert_string_equal(m.items[1].client, "https://10.77.0.11:2379");
}

static void refuses_what_is_no_list(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "",
        "\n\n",
        "Error: context deadline exceeded\n",
        "8e9e05c52164694d, started, n1, https://10.77.0.11:2380, https://10.77.0.11:2379\n",
        "8e9e05c52164694d, started, n1, https://a:2380, https://a:2379, false, more\n",
        "8e9e05c52164694d, started, n1, https://a:2380, https://a:2379, perhaps\n",
        "8e9e05c52164694d0, started, n1, https://a:2380, https://a:2379, false\n",
        "--help, started, n1, https://a:2380, https://a:2379, false\n",
        ", started, n1, https://a:2380, https://a:2379, false\n",
        N1 "nonsense\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        AUTO_ETCD_MEMBERS m = ETCD_MEMBERS_INIT;
        assert_int_equal(etcd_members_parse(bad[i], &m, NULL), -EPROTO);
        assert_int_equal(m.count, 0);
    }
    STRBUF(many, 16384);
    for (int i = 0; i <= ETCD_MEMBERS_MAX; i++)
        strbuf_adds(&many, N1);
    AUTO_ETCD_MEMBERS m = ETCD_MEMBERS_INIT;
    assert_int_equal(etcd_members_parse(many.data, &m, NULL), -EPROTO);
}

static void finds_a_node_by_name_or_address(void **state)
{
    (void) state;
    AUTO_ETCD_MEMBERS m = ETCD_MEMBERS_INIT;
    parse(N1 N4_NOT_YET, &m);
    assert_ptr_equal(etcd_member_of(&m, "n1", NULL), &m.items[0]);
    assert_ptr_equal(etcd_member_of(&m, "n4", "10.77.0.14"), &m.items[1]);
    assert_null(etcd_member_of(&m, "n4", NULL));
    assert_null(etcd_member_of(&m, "n4", "10.77.0.1"));
    assert_null(etcd_member_of(&m, "n4", "0.77.0.14"));
    /* Another node's address is no reason to take a member that has a name. */
    assert_null(etcd_member_of(&m, "n9", "10.77.0.11"));
    assert_null(etcd_member_of(&m, "", NULL));
}

static void takes_health_and_leader(void **state)
{
    (void) state;
    AUTO_ETCD_MEMBERS m = ETCD_MEMBERS_INIT;
    parse(N1 N2 N4_LEARNS, &m);
    AUTO_JSON *health =
        json_loads("[{\"endpoint\":\"https://10.77.0.11:2379\",\"health\":true,\"took\":\"5ms\"},"
                   "{\"endpoint\":\"https://10.77.0.12:2379\",\"health\":false,\"error\":\"x\"},"
                   "{\"endpoint\":\"https://10.77.0.14:2379\",\"health\":true},7]",
                   0, NULL);
    etcd_members_take_health(&m, health);
    assert_true(m.items[0].healthy);
    assert_false(m.items[1].healthy);
    assert_false(m.items[2].healthy); /* a learner has no say */
    etcd_members_take_leader(&m, "\"MemberID\" : 1\n\"Leader\" : 10276657743932975437\n");
    assert_true(m.items[0].leader);
    assert_false(m.items[1].leader);
    etcd_members_take_leader(&m, "\"Leader\" : 0\n");
    assert_false(m.items[0].leader);
    AUTO_JSON *list = etcd_members_json(&m);
    assert_int_equal(json_array_size(list), 3);
    assert_true(json_get_bool(json_array_get(list, 2), "learner", false));
    assert_string_equal(json_get_string(json_array_get(list, 1), "name", ""), "n2");
}

/* members, who is healthy, the one to go, and whether the others can do without it */
static void counts_the_quorum(void **state)
{
    (void) state;
    static const struct {
        const char *members, *health;
        size_t gone;
        bool may;
    } cases[] = {
        {N1 N2 N3, "hhh", 2, true},
        {N1 N2 N3, "hh-", 2, true},  /* the dead one goes: both others are there */
        {N1 N2 N3, "hh-", 1, false}, /* n1 alone is no majority of n1 and n3 */
        {N1 N2 N3, "h--", 2, false},
        {N1 N2, "hh", 1, true}, /* one is a majority of one */
        {N1 N2, "h-", 1, true},
        {N1 N2, "-h", 1, false},
        {N1, "h", 0, false}, /* the last one */
        {N1 N4_LEARNS, "h-", 1, true},
        {N1 N4_NOT_YET, "--", 1, true}, /* never voted */
        {N1 N4_LEARNS, "h-", 0, false}, /* a learner is nobody to go on with */
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_ETCD_MEMBERS m = ETCD_MEMBERS_INIT;
        struct error err = ERROR_INIT;
        parse(cases[i].members, &m);
        set_health(&m, cases[i].health);
        int r = etcd_may_remove(&m, &m.items[cases[i].gone], &err);
        if (r != (cases[i].may ? 0 : -EBUSY))
            fail_msg("case %zu: %d (%s)", i, r, err.text);
        assert_int_equal(err.remedy[0] != '\0', !cases[i].may);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_members),
        cmocka_unit_test(refuses_what_is_no_list),
        cmocka_unit_test(finds_a_node_by_name_or_address),
        cmocka_unit_test(takes_health_and_leader),
        cmocka_unit_test(counts_the_quorum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
