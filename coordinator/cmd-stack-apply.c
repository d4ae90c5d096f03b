#include "coordinator/command.h"
#include "coordinator/stack-apply.h"
#include "coordinator/stack-args.h"
#include "lib/clock.h"

struct apply_arguments {
    struct stack_arguments stack;
};

static const struct option_spec options[] = {
    OPTIONS_STACK(struct apply_arguments, stack),
    OPTION_OUTPUT(struct apply_arguments, stack.output),
    OPTION_END,
};

static void arguments_release(struct apply_arguments *o)
{
    stack_arguments_release(&o->stack);
}

static int run(int argc, char **argv)
{
    CLEANUP(arguments_release) struct apply_arguments o = {0};
    AUTO_STACK_OPENED s = STACK_OPENED_INIT;
    size_t changed;
    STRV(none);
    if (command_parse(&cmd_stack_apply, argc, argv, &o, &none, 0, 0) != 0)
        return EXIT_BAD_INPUT;
    int64_t began = clock_monotonic_ms();
    int code = stack_open(&o.stack, &s);
    if (code != EXIT_DONE)
        return code;
    s.view = stack_view((enum view_mode) o.stack.output, &s.work.stack);
    return stack_apply_and_tell(&s.work, s.view, began, &changed);
}

const struct command cmd_stack_apply = {
    .name = "stack apply",
    .synopsis = "",
    .summary = "start a profile's components, or do what differs from it",
    .options = options,
    .help = "Each component starts once those that it comes after are ready. A profile that is "
            "wrong\n"
            "(a cycle, an unknown component or value, an image that the bundle lacks, more than "
            "the\n"
            "nodes have) is refused before anything is applied. Run again, it goes on where it "
            "was,\n"
            "and changes nothing where all is as the profile says. docs/STACK.md tells what a "
            "profile is.\n\n"
            "example: bigtop-bootstrap stack apply --profile minimal --kubeconfig "
            "bigtop.kubeconfig",
    .run = run,
};
