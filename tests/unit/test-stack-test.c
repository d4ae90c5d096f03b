#include "coordinator/stack-test.h"
#include "tests/unit/unit.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tests_are_chosen_by_component),
        cmocka_unit_test(a_kill_anywhere_makes_it_a_test_that_kills),
        cmocka_unit_test(the_table_tells_all_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
