/* Whether what was applied runs, by what the API says. */
#include "coordinator/stack-ready.h"
#include "tests/unit/unit.h"

#define SELECTOR "'selector':{'matchLabels':{'app':'x'}}"
#define WANTED(kind, replicas) \
    "[{'kind':'" kind "','metadata':{'name':'x'},'spec':{'replicas':" replicas "," SELECTOR "}}]"
#define LIVE(kind, generation, status) \
    "{'kind':'" kind "','metadata':{'name':'x','namespace':'bigdata','generation':" generation \
    "},'spec':{" SELECTOR "},'status':{" status "}}"
#define POD(status) \
    "{'kind':'Pod','metadata':{'name':'x-0','namespace':'bigdata','labels':{'app':'x'," \
    "'batch.kubernetes.io/job-name':'x'}},'status':{" status "}}"
#define STATE(state) \
    POD("'containerStatuses':[{'name':'main','image':'a.io/x:1','ready':false,'state':{" state \
        "}}]")

static struct stack_progress judge(const char *wanted, const char *live)
{
    AUTO_JSON *w = parse_json(wanted);
    AUTO_JSON *l = parse_json(live);
    struct stack_progress p;
    stack_judge(w, l, "bigdata", &p);
    return p;
}

static void ready_by_kind(void **state)
{
    (void) state;
    static const struct {
        const char *wanted, *live;
        int ready, of;
        bool done;
    } cases[] = {
        {WANTED("Deployment", "2"), "[]", 0, 2, false},
        {WANTED("Deployment", "2"),
         "[" LIVE("Deployment", "1",
                  "'observedGeneration':1,'replicas':2,'updatedReplicas':2,"
                  "'availableReplicas':2") "]",
         2, 2, true},
        /* its controller has not seen it yet */
        {WANTED("Deployment", "2"),
         "[" LIVE("Deployment", "2",
                  "'observedGeneration':1,'replicas':2,'updatedReplicas':2,"
                  "'availableReplicas':2") "]",
         0, 2, false},
        /* one of the available ones is of the former version */
        {WANTED("Deployment", "2"),
         "[" LIVE("Deployment", "1",
                  "'observedGeneration':1,'replicas':3,'updatedReplicas':2,"
                  "'availableReplicas':2") "]",
         1, 2, false},
        {WANTED("Deployment", "0"), "[" LIVE("Deployment", "1", "'observedGeneration':1") "]", 0, 0,
         true},
        {WANTED("StatefulSet", "3"),
         "[" LIVE("StatefulSet", "1",
                  "'observedGeneration':1,'replicas':3,'availableReplicas':2,"
                  "'currentRevision':'a','updateRevision':'a'") "]",
         2, 3, false},
        {WANTED("StatefulSet", "3"),
         "[" LIVE("StatefulSet", "1",
                  "'observedGeneration':1,'replicas':3,'availableReplicas':3,"
                  "'currentRevision':'a','updateRevision':'a'") "]",
         3, 3, true},
        {WANTED("StatefulSet", "3"),
         "[" LIVE("StatefulSet", "2",
                  "'observedGeneration':2,'replicas':3,'availableReplicas':3,"
                  "'updatedReplicas':1,'currentRevision':'a',"
                  "'updateRevision':'b'") "]",
         1, 3, false},
        {WANTED("DaemonSet", "1"),
         "[" LIVE("DaemonSet", "1",
                  "'observedGeneration':1,'desiredNumberScheduled':4,"
                  "'updatedNumberScheduled':4,'numberAvailable':3") "]",
         3, 4, false},
        {WANTED("DaemonSet", "1"), "[" LIVE("DaemonSet", "1", "'desiredNumberScheduled':0") "]", 0,
         1, false},
        {WANTED("Job", "1"), "[" LIVE("Job", "1", "'active':1") "]", 0, 1, false},
        {WANTED("Job", "1"),
         "[" LIVE("Job", "1", "'conditions':[{'type':'Complete','status':'True'}]") "]", 1, 1,
         true},
        {"[{'kind':'ConfigMap','metadata':{'name':'x'}}]", "[]", 0, 0, true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct stack_progress p = judge(cases[i].wanted, cases[i].live);
        if (p.ready != cases[i].ready || p.wanted != cases[i].of || p.done != cases[i].done)
            fail_msg("case %zu: %d of %d, %s", i, p.ready, p.wanted, p.done ? "done" : "not done");
    }
}

#define MADE_OF(kind, containers) \
    "[{'kind':'" kind "','metadata':{'name':'x'},'spec':{" SELECTOR \
    ",'template':{'spec':{'containers':[" containers "]}}}}]"
#define RESTARTED(times) POD("'containerStatuses':[{'name':'main','restartCount':" times "}]")

static void without_a_probe_it_has_to_stand(void **state)
{
    (void) state;
    static const char live[] = "[" LIVE("Deployment", "1",
                                        "'observedGeneration':1,'replicas':1,'updatedReplicas':1,"
                                        "'availableReplicas':1") "," RESTARTED("2") "]";
    struct stack_stand stand = {0};
    struct stack_progress p = judge(MADE_OF("Deployment", "{'readinessProbe':{}}"), live);
    assert_false(p.unproven);
    assert_true(stack_stands(&p, &stand, 5));

    stand = (struct stack_stand){0};
    p = judge(MADE_OF("Deployment", "{'readinessProbe':{}},{}"), live);
    assert_true(p.done && p.unproven);
    assert_int_equal(p.restarts, 2);
    assert_false(stack_stands(&p, &stand, 5));
    assert_false(stack_stands(&p, &stand, 3004));
    p.restarts = 3; /* it ended in between */
    assert_false(stack_stands(&p, &stand, 3005));
    assert_false(stack_stands(&p, &stand, 6004));
    assert_true(stack_stands(&p, &stand, 6005));
    p.done = false;
    assert_false(stack_stands(&p, &stand, 6006));
    p.done = true;
    assert_false(stack_stands(&p, &stand, 9010));
    assert_true(stack_stands(&p, &stand, 12010));
}

static void a_job_is_done_once(void **state)
{
    (void) state;
    struct stack_progress p =
        judge(MADE_OF("Job", "{}"),
              "[" LIVE("Job", "1", "'conditions':[{'type':'Complete','status':'True'}]") "]");
    assert_true(p.done && !p.unproven);
}

static void troubles_have_their_reason(void **state)
{
    (void) state;
    static const struct {
        const char *pod;
        enum stack_trouble trouble;
        const char *reason;
    } cases[] = {
        {STATE("'waiting':{'reason':'ImagePullBackOff','message':'no such host'}"), STACK_NO_IMAGE,
         "a.io/x:1"},
        {STATE("'waiting':{'reason':'CreateContainerConfigError',"
               "'message':'secret \\u0022a\\u0022 not found'}"),
         STACK_NO_CONFIG, "secret \"a\" not found"},
        {STATE("'waiting':{'reason':'CrashLoopBackOff'}"), STACK_CRASHES, "CrashLoopBackOff"},
        {STATE("'terminated':{'exitCode':3,'reason':'Error'}"), STACK_CRASHES,
         "Error, exit code 3"},
        {STATE("'terminated':{'exitCode':0,'reason':'Completed'}"), STACK_NO_TROUBLE, ""},
        {STATE("'waiting':{'reason':'ContainerCreating'}"), STACK_NO_TROUBLE, ""},
        {STATE("'running':{}"), STACK_UNREADY, "it runs and is not ready"},
        {POD("'conditions':[{'type':'PodScheduled','status':'False','message':'0/3 nodes'}]"),
         STACK_UNSCHEDULABLE, "0/3 nodes"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *live = xasprintf("[%s]", cases[i].pod);
        struct stack_progress p = judge(WANTED("StatefulSet", "1"), live);
        if (p.trouble != cases[i].trouble || strcmp(p.reason, cases[i].reason) != 0)
            fail_msg("case %zu: %d, %s", i, (int) p.trouble, p.reason);
        assert_string_equal(p.pod, p.trouble ? "x-0" : "");
    }
}

static void the_worst_is_told(void **state)
{
    (void) state;
    struct stack_progress p =
        judge(WANTED("StatefulSet", "2"),
              "[" STATE("'running':{}") "," STATE("'waiting':{'reason':'ErrImageNeverPull'}") "]");
    assert_int_equal(p.trouble, STACK_NO_IMAGE);
    assert_string_equal(p.container, "main");
    assert_string_equal(p.space, "bigdata");
    p = judge(
        WANTED("Job", "1"),
        "[" LIVE(
            "Job", "1",
            "'conditions':[{'type':'Failed','status':'True',"
            "'message':'too often'}]") "," STATE("'waiting':{'reason':'ErrImageNeverPull'}") "]");
    assert_int_equal(p.trouble, STACK_JOB_FAILED);
    assert_string_equal(p.reason, "too often");
}

static void others_pods_are_not_looked_at(void **state)
{
    (void) state;
    struct stack_progress p =
        judge(WANTED("StatefulSet", "1"),
              "[{'kind':'Pod','metadata':{'name':'y','namespace':'bigdata','labels':{'app':'y'}},"
              "'status':{'containerStatuses':[{'name':'m','state':{'waiting':{'reason':"
              "'ErrImagePull'}}}]}},"
              "{'kind':'Pod','metadata':{'name':'x','namespace':'other','labels':{'app':'x'}},"
              "'status':{'containerStatuses':[{'name':'m','state':{'waiting':{'reason':"
              "'ErrImagePull'}}}]}}]");
    assert_int_equal(p.trouble, STACK_NO_TROUBLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ready_by_kind),      cmocka_unit_test(without_a_probe_it_has_to_stand),
        cmocka_unit_test(a_job_is_done_once), cmocka_unit_test(troubles_have_their_reason),
        cmocka_unit_test(the_worst_is_told),  cmocka_unit_test(others_pods_are_not_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
