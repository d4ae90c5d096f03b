#include "agent/netcheck.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define FINE(a) \
    "{\"address\":\"" a "\",\"tcp\":\"ok\",\"passed\":[100,1400,1450],\"lost\":[]," \
    "\"udp\":\"ok\"}\n"
#define LINE(a, tcp, passed, lost, udp) \
    "{\"address\":\"" a "\",\"tcp\":\"" tcp "\",\"passed\":[" passed "],\"lost\":[" lost "]," \
    "\"udp\":\"" udp "\"}\n"
#define NAME "{\"name\":\"x\",\"server\":\"10.96.0.10\",\"address\":\"10.96.0.7\"}\n"

static struct netcheck_pair pairs[] = {{0, 1}, {0, 2}, {1, 0}, {1, 2}, {2, 0}, {2, 1}};
static const struct netcheck_plan plan = {.domain = "cluster.local",
                                          .nodes = {"n1", "n2", "n3"},
                                          .count = 3,
                                          .pairs = pairs,
                                          .pair_count = 6};
static const struct netcheck_addresses where = {.pods = {"10.1.0.1", "10.1.0.2", "10.1.0.3"},
                                                .service = "10.96.0.7"};

static void asks_for_pairs_service_and_name(void **state)
{
    (void) state;
    STRV(first);
    STRV(second);
    STRV(denied);
    netcheck_question(&plan, &where, 0, NETCHECK_ALL, &first);
    AUTO_FREE char *a = strv_join(&first, " ");
    assert_string_equal(a, "3000 10471 netcheck.bigtop-netcheck.svc.cluster.local 10.1.0.2 "
                           "10.1.0.3");
    netcheck_question(&plan, &where, 2, NETCHECK_ALL, &second);
    AUTO_FREE char *b = strv_join(&second, " ");
    assert_string_equal(b, "3000 10471 netcheck.bigtop-netcheck.svc.cluster.local 10.1.0.1 "
                           "10.1.0.3 10.96.0.7");
    netcheck_question(&plan, &where, 2, NETCHECK_DENIED, &denied);
    AUTO_FREE char *c = strv_join(&denied, " ");
    assert_string_equal(c, "700 10471 - 10.1.0.1 10.1.0.3");
}

static void judges_each_path(void **state)
{
    (void) state;
    static const struct {
        const char *answer;
        enum netcheck_fault fault;
        int passed, lost;
    } cases[] = {
        {FINE("10.1.0.1") FINE("10.1.0.3") FINE("10.96.0.7") NAME, NETCHECK_FINE, 0, 0},
        {LINE("10.1.0.1", "no answer", "", "100,1450", "no answer") FINE("10.1.0.3")
             FINE("10.96.0.7") NAME,
         NETCHECK_DEAD, 0, 100},
        {LINE("10.1.0.1", "ok", "", "100,1450", "no answer") FINE("10.1.0.3") FINE("10.96.0.7")
             NAME,
         NETCHECK_NO_UDP, 0, 100},
        {LINE("10.1.0.1", "Connection refused", "100,1450", "", "ok") FINE("10.1.0.3")
             FINE("10.96.0.7") NAME,
         NETCHECK_NO_TCP, 1450, 0},
        {LINE("10.1.0.1", "ok", "100,1200", "1450,1400", "no answer") FINE("10.1.0.3")
             FINE("10.96.0.7") NAME,
         NETCHECK_SMALL, 1200, 1400},
        {FINE("10.1.0.1") FINE("10.1.0.3") LINE("10.96.0.7", "no answer", "", "100", "no answer")
             NAME,
         NETCHECK_SERVICE_DEAD, 0, 100},
        {FINE("10.1.0.1") FINE("10.1.0.3") FINE(
             "10.96.0.7") "{\"name\":\"x\",\"server\":\"10.96.0.10\",\"error\":\"NXDOMAIN\"}\n",
         NETCHECK_NO_NAMES, 0, 0},
        {FINE("10.1.0.1") FINE("10.1.0.3") FINE(
             "10.96.0.7") "{\"name\":\"x\",\"server\":\"10.96.0.10\",\"address\":\"10.96.0.8\"}\n",
         NETCHECK_NO_NAMES, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_NETCHECK_FAILURES f = {0};
        assert_int_equal(
            netcheck_answer_read(&plan, &where, 2, NETCHECK_ALL, cases[i].answer, &f, NULL), 0);
        assert_int_equal(f.count, cases[i].fault == NETCHECK_FINE ? 0 : 1);
        if (f.count == 0)
            continue;
        assert_int_equal(f.items[0].fault, cases[i].fault);
        assert_int_equal(f.items[0].from, 1);
        assert_int_equal(f.items[0].path.passed, cases[i].passed);
        assert_int_equal(f.items[0].path.lost, cases[i].lost);
    }
}

/* Under a policy that denies, silence is well, and any packet that passes is not. */
static void what_is_denied_shall_not_flow(void **state)
{
    (void) state;
    static const char *const silent = LINE("10.1.0.1", "no answer", "", "100", "no answer");
    static const char *const flows[] = {
        FINE("10.1.0.1"),
        LINE("10.1.0.1", "ok", "", "100", "no answer"),
        LINE("10.1.0.1", "no answer", "100", "1450", "no answer"),
    };
    for (size_t i = 0; i <= ARRAY_SIZE(flows); i++) {
        AUTO_NETCHECK_FAILURES f = {0};
        AUTO_FREE char *answer = xasprintf("%s%s", i < ARRAY_SIZE(flows) ? flows[i] : silent,
                                           LINE("10.1.0.3", "no answer", "", "100", "no answer"));
        assert_int_equal(netcheck_answer_read(&plan, &where, 2, NETCHECK_DENIED, answer, &f, NULL),
                         0);
        assert_int_equal(f.count, i < ARRAY_SIZE(flows) ? 1 : 0);
        if (f.count > 0)
            assert_int_equal(f.items[0].fault, NETCHECK_FLOWS);
    }
}

static void refuses_other_answers(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "",
        "nonsense\n",
        FINE("10.1.0.1"),                                         /* one too few */
        FINE("10.1.0.3") FINE("10.1.0.1") FINE("10.96.0.7") NAME, /* another order */
        LINE("10.1.0.1", "ok", "\"100\"", "", "ok") FINE("10.1.0.3") FINE("10.96.0.7") NAME,
        LINE("10.1.0.1", "ok", "100000", "", "ok") FINE("10.1.0.3") FINE("10.96.0.7") NAME,
        "{\"address\":\"10.1.0.1\"}\n" FINE("10.1.0.3") FINE("10.96.0.7") NAME,
        FINE("10.1.0.1") FINE("10.1.0.3") FINE("10.96.0.7"), /* no name */
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        AUTO_NETCHECK_FAILURES f = {0};
        struct error err = ERROR_INIT;
        assert_int_equal(netcheck_answer_read(&plan, &where, 2, NETCHECK_ALL, bad[i], &f, &err),
                         -EPROTO);
    }
}

/* What a pod says goes to a terminal. */
static void words_of_a_pod_are_made_printable(void **state)
{
    (void) state;
    AUTO_NETCHECK_FAILURES f = {0};
    const char *answer = LINE("10.1.0.1", "\\u001b[2Jx", "", "100", "no answer") FINE("10.1.0.3")
        FINE("10.96.0.7") NAME;
    assert_int_equal(netcheck_answer_read(&plan, &where, 2, NETCHECK_ALL, answer, &f, NULL), 0);
    assert_null(strchr(f.items[0].path.said, 0x1b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_for_pairs_service_and_name),
        cmocka_unit_test(judges_each_path),
        cmocka_unit_test(what_is_denied_shall_not_flow),
        cmocka_unit_test(refuses_other_answers),
        cmocka_unit_test(words_of_a_pod_are_made_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
