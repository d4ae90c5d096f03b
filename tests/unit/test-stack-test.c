#include "coordinator/stack-test.h"

#include "coordinator/command.h"
#include "tests/unit/fake-kubectl.h"

#include <errno.h>

static struct stack_step job = {STACK_STEP_JOB, (char *) (uintptr_t) "a.yaml"};
static struct stack_step steps[] = {{STACK_STEP_JOB, (char *) (uintptr_t) "a.yaml"},
                                    {STACK_STEP_KILL, (char *) (uintptr_t) "x-0"}};
static struct stack_test list[] = {
    {(char *) (uintptr_t) "reads", 120, &job, 1},
    {(char *) (uintptr_t) "survives", 120, steps, 2},
};
static struct stack_component components[] = {
    {.name = (char *) (uintptr_t) "kafka", .tests = list, .test_count = 2},
    {.name = (char *) (uintptr_t) "plain"},
    {.name = (char *) (uintptr_t) "minio", .tests = list, .test_count = 1},
};

static struct stack_work work(struct stack_rendered *rendered)
{
    return (struct stack_work){
        .stack = {.name = (char *) (uintptr_t) "p", .components = components, .count = 3},
        .rendered = rendered};
}

static size_t choose(const char *a, const char *b, int expected)
{
    CLEANUP(stack_tests_release) struct stack_tests tests = STACK_TESTS_INIT;
    struct stack_rendered rendered[3] = {{0}};
    const struct stack_work w = work(rendered);
    struct error err = ERROR_INIT;
    STRV(names);
    if (a)
        strv_add(&names, a);
    if (b)
        strv_add(&names, b);
    assert_int_equal(stack_tests_choose(&w, &names, &tests, &err), expected);
    if (expected < 0)
        assert_error_has(err, "profile p has no component hbase");
    return tests.count;
}

static void tests_are_chosen_by_component(void **state)
{
    (void) state;
    assert_int_equal(choose(NULL, NULL, 0), 3);
    assert_int_equal(choose("kafka", NULL, 0), 2);
    assert_int_equal(choose("minio", "plain", 0), 1);
    assert_int_equal(choose("kafka", "hbase", -ENOENT), 0);
}

static void a_kill_anywhere_makes_it_a_test_that_kills(void **state)
{
    (void) state;
    assert_false(stack_test_kills(&list[0]));
    assert_true(stack_test_kills(&list[1]));
}

static void the_table_tells_all_of_them(void **state)
{
    (void) state;
    STRV(lines);
    struct stack_test_run runs[] = {
        {.component = &components[0],
         .test = &list[0],
         .ran = true,
         .ms = 1500,
         .line = (char *) (uintptr_t) "10,000 \033[2J records"},
        {.component = &components[0],
         .test = &list[1],
         .ran = true,
         .err = {.code = -EIO, .text = "lost 7"}},
        {.component = &components[2], .test = &list[0]},
    };
    const struct stack_tests tests = {runs, ARRAY_SIZE(runs)};
    stack_tests_table(&tests, &lines);
    assert_int_equal(lines.count, 4);
    assert_non_null(strstr(lines.items[1], "1.5  ok      10,000 \\x1b[2J records"));
    assert_non_null(strstr(lines.items[2], "FAILED  lost 7"));
    assert_non_null(strstr(lines.items[3], "not run"));
}

/* A cluster where the job "slow" is done only once it is there for the second time. */
#define CLUSTER \
    "#!/bin/sh\n" \
    "cd \"${0%/*}\" || exit 9\n" \
    "job() { printf '{\"kind\":\"Job\",\"metadata\":" \
    "{\"name\":\"%s\",\"namespace\":\"bigdata\"},\"status\":{\"conditions\":[" \
    "{\"type\":\"Complete\",\"status\":\"%s\"}]}}' \"$1\" \"$2\"; }\n" \
    "case \"$*\" in\n" \
    "apply*)\n" \
    "    if grep -q slow; then echo >>slow; fi\n" \
    "    echo '{\"kind\":\"List\",\"items\":[]}' ;;\n" \
    "*,*)\n" \
    "    slow=False\n" \
    "    [ \"$(cat slow | wc -l)\" != 2 ] || slow=True\n" \
    "    echo '{\"items\":['\"$(job quick True),$(job slow $slow)\"']}' ;;\n" \
    "esac\n"
#define JOB(name) \
    "apiVersion: batch/v1\nkind: Job\nmetadata: {name: " name "}\n" \
    "spec: {template: {spec: {containers: [{name: c, image: i}]}}}\n"

struct trial {
    struct stack_test tests[2];
    struct stack_component components[2];
    struct stack_rendered rendered[2];
    struct stack_work work;
};

/* "slow" of one component, "quick" of another. */
static void trial_open(struct trial *t, char *dir)
{
    static struct stack_step slow = {STACK_STEP_JOB, (char *) (uintptr_t) "slow.yaml"};
    static struct stack_step quick = {STACK_STEP_JOB, (char *) (uintptr_t) "quick.yaml"};
    put_file(dir, "kubectl", CLUSTER, 0755);
    put_file(dir, "slow.yaml", JOB("slow"), 0644);
    put_file(dir, "quick.yaml", JOB("quick"), 0644);
    *t = (struct trial){
        .tests = {{(char *) (uintptr_t) "slow", 1, &slow, 1},
                  {(char *) (uintptr_t) "quick", 60, &quick, 1}},
        .components = {{.name = (char *) (uintptr_t) "a", .dir = dir, .test_count = 1},
                       {.name = (char *) (uintptr_t) "b", .dir = dir, .test_count = 1}},
    };
    t->components[0].tests = &t->tests[0];
    t->components[1].tests = &t->tests[1];
    t->work = (struct stack_work){.kubectl = {.program = path_join(dir, "kubectl")},
                                  .stack = {.components = t->components, .count = 2},
                                  .rendered = t->rendered};
}

static int run_trial(struct trial *t, const char *component, struct stack_tests *tests)
{
    struct error err = ERROR_INIT;
    STRV(names);
    if (component)
        strv_add(&names, component);
    assert_int_equal(stack_tests_choose(&t->work, &names, tests, &err), 0);
    struct view *v = stack_tests_view(VIEW_QUIET, tests);
    int code = stack_tests_run(&t->work, tests, v);
    view_close(&v);
    free(t->work.kubectl.program);
    return code;
}

static void what_was_late_beside_others_is_tried_alone(void **state)
{
    CLEANUP(stack_tests_release) struct stack_tests tests = STACK_TESTS_INIT;
    struct trial t;
    trial_open(&t, *state);
    assert_int_equal(run_trial(&t, NULL, &tests), EXIT_DONE);
    assert_true(tests.runs[0].again && tests.runs[0].err.code == 0);
    assert_true(tests.runs[1].ran && !tests.runs[1].again);
    STRV(lines);
    stack_tests_table(&tests, &lines);
    assert_non_null(strstr(lines.items[1], "ok      (alone, the second time)"));
}

static void what_was_late_alone_has_failed(void **state)
{
    CLEANUP(stack_tests_release) struct stack_tests tests = STACK_TESTS_INIT;
    struct trial t;
    trial_open(&t, *state);
    assert_int_equal(run_trial(&t, "a", &tests), EXIT_HOST_FAILED);
    assert_false(tests.runs[0].again);
    assert_error_has(tests.runs[0].err, "slow.yaml: not done after 1 s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tests_are_chosen_by_component),
        cmocka_unit_test(a_kill_anywhere_makes_it_a_test_that_kills),
        cmocka_unit_test(the_table_tells_all_of_them),
        cmocka_folder_test(what_was_late_beside_others_is_tried_alone),
        cmocka_folder_test(what_was_late_alone_has_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
