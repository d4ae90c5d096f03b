/* Why a component did not become ready, in words. */
#include "coordinator/stack-apply.h"
#include "tests/unit/unit.h"

#include <errno.h>

static void every_trouble_has_cause_and_remedy(void **state)
{
    (void) state;
    static const struct {
        enum stack_trouble trouble;
        const char *line;
        int code;
        const char *says, *remedy;
    } cases[] = {
        {STACK_NO_IMAGE, "", -ENOENT, "pod x-0: its node does not have the image why",
         "HOSTS.YAML"},
        {STACK_NO_CONFIG, "", -ENOENT, "pod x-0, container main: why", "component's folder"},
        {STACK_CRASHES, "no space", -EREMOTEIO, "ends again and again (why): no space",
         "kubectl -n bigdata logs x-0 -c main"},
        {STACK_CRASHES, "", -EREMOTEIO, "its log is empty", "logs"},
        {STACK_UNSCHEDULABLE, "", -ENOSPC, "pod x-0 finds no node: why", "add a node"},
        {STACK_JOB_FAILED, "", -EREMOTEIO, "a job of it failed: why", "delete the job"},
        {STACK_UNREADY, "", -ETIMEDOUT, "pod x-0, container main: why", "describe pod x-0"},
        {STACK_NO_TROUBLE, "", -ETIMEDOUT, "1 of 3 ready", "get pods"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct stack_progress p = {.ready = 1,
                                         .wanted = 3,
                                         .trouble = cases[i].trouble,
                                         .space = "bigdata",
                                         .pod = "x-0",
                                         .container = "main",
                                         .reason = "why"};
        struct error err = ERROR_INIT;
        assert_int_equal(stack_explain(&p, cases[i].line, &err), cases[i].code);
        assert_error_has(err, cases[i].says);
        assert_non_null(strstr(err.remedy, cases[i].remedy));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_trouble_has_cause_and_remedy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
