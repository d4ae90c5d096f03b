/* Programs without any session: gates, latches and exit codes among the threads of a run. */
#include "coordinator/agent-blob.h"
#include "coordinator/command.h"
#include "coordinator/program.h"
#include "coordinator/run.h"
#include "lib/secret.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* No host is ever connected to: no agent to send. */
const unsigned char agent_blob_start[1] = {0}, agent_blob_end[1] = {0};
const char agent_blob_sha256[1] = "";

#define HOSTS 4
#define ANY (ROLE_CONTROL_PLANE | ROLE_WORKER)

static struct host hosts[HOSTS] = {
    {.name = (char *) "n1", .roles = ROLE_CONTROL_PLANE},
    {.name = (char *) "n2", .roles = ROLE_WORKER},
    {.name = (char *) "n3", .roles = ROLE_WORKER},
    {.name = (char *) "n4", .roles = ROLE_WORKER},
};
static struct inventory inv = {.path = (char *) "hosts.yaml", .hosts = hosts, .host_count = HOSTS};

/* What the host with this index does at "one"; everybody else goes through. */
static size_t odd_one;
static int (*odd_thing)(struct host_run *h, struct error *err);
static size_t began; /* hosts that came past the gates */

static int do_one(struct host_run *h, struct error *err)
{
    return odd_thing && h->index == odd_one ? odd_thing(h, err) : 0;
}

static int do_gates(struct host_run *h, struct error *err)
{
    int r = run_pass_gate(h, GATE_PROBED, err);
    return r < 0 ? r : run_pass_gate(h, GATE_CHECKED, err);
}

static int do_begin(struct host_run *h, struct error *err)
{
    (void) err;
    __atomic_fetch_add(&began, 1, __ATOMIC_SEQ_CST);
    h->changed = true;
    return 0;
}

static int do_api(struct host_run *h, struct error *err)
{
    (void) err;
    h->run->token = xstrdup("the token");
    latch_open(&h->run->api);
    return 0;
}

static int do_join(struct host_run *h, struct error *err)
{
    int r = latch_wait(&h->run->api, 10000, NULL, err);
    if (r < 0)
        return r;
    return strcmp(h->run->token, "the token") == 0 ? 0 : error_set(err, -EPROTO, "no token");
}

static const struct phase *program(const struct host_run *h)
{
    (void) h;
    static const struct phase phases[] = {
        {"one", ANY, do_one},           {"gates", ANY, do_gates},
        {"begin", ANY, do_begin},       {"api", ROLE_CONTROL_PLANE, do_api},
        {"join", ROLE_WORKER, do_join}, {NULL, 0, NULL},
    };
    return phases;
}

static int run_with(size_t who, int (*thing)(struct host_run *h, struct error *err),
                    struct run *run)
{
    struct error err = ERROR_INIT;
    struct view *view = view_open(VIEW_QUIET, &inv);
    odd_one = who;
    odd_thing = thing;
    began = 0;
    assert_int_equal(run_init(run, &inv, NULL, view, &err), 0);
    int code = run_program(run, program);
    view_close(&view);
    return code;
}

static int fail_here(struct host_run *h, struct error *err)
{
    (void) h;
    return error_set(err, -EHOSTUNREACH, "no route");
}

static int refuse_here(struct host_run *h, struct error *err)
{
    error_set(err, -ENOTSUP, "clock is off");
    return run_refuse(h, err);
}

static int changed_key(struct host_run *h, struct error *err)
{
    (void) h;
    return error_set(err, -EKEYREJECTED, "the host key changed");
}

static void test_all_well(void **state)
{
    (void) state;
    struct run run;
    assert_int_equal(run_with(0, NULL, &run), EXIT_DONE);
    assert_int_equal(began, HOSTS);
    assert_int_equal(strlen(run.id), 32);
    run_release(&run);
}

static void test_dead_worker_stops_nobody(void **state)
{
    (void) state;
    struct run run;
    assert_int_equal(run_with(2, fail_here, &run), EXIT_HOST_FAILED);
    assert_int_equal(began, HOSTS - 1);
    assert_int_equal(run.hosts[2].error.code, -EHOSTUNREACH);
    assert_string_equal(run.hosts[2].phase, "one");
    for (size_t i = 0; i < HOSTS; i++)
        assert_int_equal(run.hosts[i].changed, i != 2);
    run_release(&run);
}

static void test_dead_control_plane_begins_nothing(void **state)
{
    (void) state;
    struct run run;
    assert_int_equal(run_with(0, fail_here, &run), EXIT_HOST_FAILED);
    assert_int_equal(began, 0);
    for (size_t i = 1; i < HOSTS; i++)
        assert_true(run.hosts[i].consequence);
    run_release(&run);
}

static const struct phase *program_without_head(const struct host_run *h)
{
    (void) h;
    static const struct phase phases[] = {
        {"one", ANY, do_one}, {"gates", ANY, do_gates}, {"begin", ANY, do_begin}, {NULL, 0, NULL}};
    return phases;
}

/* To stage a bundle nobody needs the control plane. */
static void test_headless_goes_on_without_control_plane(void **state)
{
    (void) state;
    struct run run;
    struct view *view = view_open(VIEW_QUIET, &inv);
    odd_one = 0;
    odd_thing = fail_here;
    began = 0;
    assert_int_equal(run_init(&run, &inv, NULL, view, NULL), 0);
    run.headless = true;
    assert_int_equal(run_program(&run, program_without_head), EXIT_HOST_FAILED);
    assert_int_equal(began, HOSTS - 1);
    view_close(&view);
    run_release(&run);
}

static void test_refusal_begins_nothing(void **state)
{
    (void) state;
    struct run run;
    assert_int_equal(run_with(3, refuse_here, &run), EXIT_REFUSED);
    assert_int_equal(began, 0);
    run_release(&run);
    assert_int_equal(run_with(1, changed_key, &run), EXIT_REFUSED);
    assert_int_equal(began, 0);
    run_release(&run);
}

static int fail_after_gates(struct host_run *h, struct error *err)
{
    int r = do_gates(h, err);
    return r < 0 ? r : error_set(err, -EIO, "kubeadm init failed");
}

static int busy_after_gates(struct host_run *h, struct error *err)
{
    h->facts.json = json_object();
    int r = do_gates(h, err);
    return r < 0 ? r : error_set(err, -EBUSY, "umount: in use");
}

/* "Refused; nothing was changed" would not be true any more. */
static void test_a_busy_step_is_no_refusal(void **state)
{
    (void) state;
    struct run run;
    assert_int_equal(run_with(2, busy_after_gates, &run), EXIT_HOST_FAILED);
    assert_int_equal(began, HOSTS - 1);
    assert_false(run.hosts[2].refused);
    run_release(&run);
}

static void test_workers_learn_of_failed_init(void **state)
{
    (void) state;
    struct run run;
    assert_int_equal(run_with(0, fail_after_gates, &run), EXIT_HOST_FAILED);
    for (size_t i = 1; i < HOSTS; i++)
        assert_int_not_equal(run.hosts[i].error.code, 0);
    run_release(&run);
}

static void test_interrupted(void **state)
{
    (void) state;
    struct run run;
    interrupted = true;
    assert_int_equal(run_with(0, NULL, &run), EXIT_INTERRUPTED);
    interrupted = false;
    run_release(&run);
}

/* plan before there is a cluster: the host that leaves waits for nobody. */
static void test_plan_releases_who_leaves(void **state)
{
    (void) state;
    struct run run;
    struct error err = ERROR_INIT;
    struct host two[] = {{.name = (char *) "n1", .roles = ROLE_CONTROL_PLANE},
                         {.name = (char *) "n2", .roles = ROLE_WORKER, .state = STATE_ABSENT}};
    const struct inventory some = {.path = (char *) "hosts.yaml", .hosts = two, .host_count = 2};
    assert_int_equal(run_init(&run, &some, NULL, NULL, &err), 0);
    run.read_only = true;
    assert_int_equal(phase_settle(&run.hosts[0], &err), 0);
    assert_true(latch_is_settled(&run.hosts[1].released));
    run_release(&run);
}

static int take_name(struct host_run *h, struct error *err)
{
    (void) err;
    h->facts.json = json_object();
    h->facts.node_name = xstrdup("n1");
    return 0;
}

static const struct phase *program_of_swapped(const struct host_run *h)
{
    static const struct phase stays[] = {{"one", ANY, take_name},
                                         {"gates", ANY, do_gates},
                                         {"begin", ANY, do_begin},
                                         {NULL, 0, NULL}};
    static const struct phase leaves[] = {
        {"one", ANY, take_name}, {"gates", ANY, phase_pass_gates}, {NULL, 0, NULL}};
    return h->host->state == STATE_ABSENT ? leaves : stays;
}

/* The address of the host that leaves is that of one that stays now. */
static void test_swapped_addresses(void **state)
{
    (void) state;
    struct run run;
    struct error err = ERROR_INIT;
    struct host two[] = {
        {.address = (char *) "10.0.0.1", .roles = ROLE_CONTROL_PLANE},
        {.address = (char *) "10.0.0.2", .roles = ROLE_WORKER, .state = STATE_ABSENT}};
    const struct inventory some = {.path = (char *) "hosts.yaml", .hosts = two, .host_count = 2};
    struct view *view = view_open(VIEW_QUIET, &some);
    began = 0;
    assert_int_equal(run_init(&run, &some, NULL, view, &err), 0);
    assert_int_equal(run_program(&run, program_of_swapped), EXIT_REFUSED);
    assert_int_equal(began, 0);
    assert_non_null(strstr(run.hosts[1].error.text, "n1 is also that of 10.0.0.1"));
    view_close(&view);
    run_release(&run);
}

/* Three control planes, the first of which is dead or not; facts as their agents would tell. */
static const char *facts_of[HOSTS];

static int take_facts(struct host_run *h, struct error *err)
{
    if (!facts_of[h->index])
        return error_set(err, -EHOSTUNREACH, "no route");
    h->facts.json = json_loads(facts_of[h->index], 0, NULL);
    h->facts.role = facts_string(&h->facts, "node", "role", NULL);
    h->facts.cluster = facts_string(&h->facts, "node", "cluster", NULL);
    return 0;
}

static size_t led; /* index of the host that did what the leader does */

static int do_lead(struct host_run *h, struct error *err)
{
    led = h->index;
    return do_api(h, err);
}

static const struct phase *program_of_three(const struct host_run *h)
{
    (void) h;
    static const struct phase phases[] = {
        {"facts", ANY, take_facts},        {"gates", ANY, do_gates},
        {"begin", ANY, do_begin},          {"lead", PHASE_LEADER, do_lead},
        {"join", PHASE_FOLLOWER, do_join}, {NULL, 0, NULL},
    };
    return phases;
}

static int run_three(const char *n1, const char *n2, const char *n3, struct run *run)
{
    static struct host three[] = {{.name = (char *) "n1", .roles = ROLE_CONTROL_PLANE},
                                  {.name = (char *) "n2", .roles = ROLE_CONTROL_PLANE},
                                  {.name = (char *) "n3", .roles = ROLE_CONTROL_PLANE}};
    static const struct inventory some = {
        .path = (char *) "hosts.yaml", .hosts = three, .host_count = 3};
    struct view *view = view_open(VIEW_QUIET, &some);
    facts_of[0] = n1;
    facts_of[1] = n2;
    facts_of[2] = n3;
    began = 0;
    led = HOSTS;
    assert_int_equal(run_init(run, &some, NULL, view, NULL), 0);
    int code = run_program(run, program_of_three);
    view_close(&view);
    return code;
}

#define MEMBER(api) \
    "{\"node\":{\"role\":\"control-plane\",\"cluster\":\"sha256:a\",\"answers\":" api "}}"

static void test_dead_first_control_plane_stops_nobody(void **state)
{
    (void) state;
    struct run run;
    assert_int_equal(run_three(NULL, MEMBER("false"), MEMBER("true"), &run), EXIT_HOST_FAILED);
    assert_int_equal(began, 2);
    assert_int_equal(led, 2);
    assert_ptr_equal(run_control_plane(&run), &run.hosts[2]);
    assert_int_equal(run.hosts[1].error.code, 0);
    run_release(&run);
}

static void test_no_second_cluster(void **state)
{
    (void) state;
    struct run run;
    assert_int_equal(run_three(NULL, "{}", "{}", &run), EXIT_REFUSED);
    assert_int_equal(began, 0);
    assert_int_equal(led, HOSTS);
    assert_int_equal(run.hosts[1].error.code, -ENOTUNIQ);
    assert_false(run.hosts[1].consequence);
    assert_true(run.hosts[2].consequence);
    run_release(&run);
    assert_int_equal(run_three("{}", "{}", "{}", &run), EXIT_DONE);
    assert_int_equal(led, 0);
    run_release(&run);
}

static void test_tokens_are_replaced(void **state)
{
    (void) state;
    struct run run;
    assert_int_equal(run_three("{}", "{}", "{}", &run), EXIT_DONE);
    run_set_token(&run, xstrdup("another"));
    char *copy = run_token(&run);
    assert_string_equal(copy, "another");
    secret_free(&copy);
    run_set_token(&run, NULL);
    assert_null(run_token(&run));
    run_release(&run);
}

static void test_no_hosts(void **state)
{
    (void) state;
    struct run run;
    struct error err = ERROR_INIT;
    const struct inventory none = {.path = (char *) "hosts.yaml"};
    assert_int_equal(run_init(&run, &none, NULL, NULL, &err), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_well),
        cmocka_unit_test(test_dead_worker_stops_nobody),
        cmocka_unit_test(test_dead_control_plane_begins_nothing),
        cmocka_unit_test(test_headless_goes_on_without_control_plane),
        cmocka_unit_test(test_refusal_begins_nothing),
        cmocka_unit_test(test_a_busy_step_is_no_refusal),
        cmocka_unit_test(test_workers_learn_of_failed_init),
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_plan_releases_who_leaves),
        cmocka_unit_test(test_swapped_addresses),
        cmocka_unit_test(test_dead_first_control_plane_stops_nobody),
        cmocka_unit_test(test_no_second_cluster),
        cmocka_unit_test(test_tokens_are_replaced),
        cmocka_unit_test(test_no_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
