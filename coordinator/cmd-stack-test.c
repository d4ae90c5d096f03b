#include "coordinator/command.h"
#include "coordinator/stack-args.h"
#include "coordinator/stack-test.h"

struct test_arguments {
    struct stack_arguments stack;
};

static const struct option_spec options[] = {
    OPTIONS_STACK(struct test_arguments, stack),
    OPTION_OUTPUT(struct test_arguments, stack.output),
    OPTION_END,
};

static void arguments_release(struct test_arguments *o)
{
    stack_arguments_release(&o->stack);
}

static int run(int argc, char **argv)
{
    CLEANUP(arguments_release) struct test_arguments o = {0};
    CLEANUP(stack_tests_release) struct stack_tests tests = STACK_TESTS_INIT;
    AUTO_STACK_OPENED s = STACK_OPENED_INIT;
    struct error err = ERROR_INIT;
    STRV(names);
    if (command_parse(&cmd_stack_test, argc, argv, &o, &names, 0, SIZE_MAX) != 0)
        return EXIT_BAD_INPUT;
    int code = stack_open(&o.stack, &s);
    if (code != EXIT_DONE)
        return code;
    if (stack_tests_choose(&s.work, &names, &tests, &err) < 0)
        return command_fail(EXIT_BAD_INPUT, &err);
    s.view = stack_tests_view((enum view_mode) o.stack.output, &tests);
    return stack_tests_run(&s.work, &tests, s.view);
}

const struct command cmd_stack_test = {
    .name = "stack test",
    .synopsis = "[COMPONENT...]",
    .summary = "have components do real work, and say how it went",
    .options = options,
    .help =
        "Each component's tests are jobs in the cluster: records are sent and read again, tables\n"
        "written and counted. Some kill a pod meanwhile; those run last, one after the other. The\n"
        "jobs are removed afterwards. The exit code is 1 when a test failed.\n\n"
        "example: bigtop-bootstrap stack test kafka trino",
    .run = run,
};
