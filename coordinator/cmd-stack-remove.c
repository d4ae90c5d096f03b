#include "coordinator/command.h"
#include "coordinator/stack-apply.h"
#include "coordinator/stack-args.h"
#include "coordinator/stack-remove.h"

struct remove_arguments {
    struct stack_arguments stack;
    bool delete_data;
};

static const struct option_spec options[] = {
    {"delete-data", 0, OPTION_FLAG, offsetof(struct remove_arguments, delete_data), NULL,
     "remove volumes, namespaces of their own, resource definitions and secrets as well"},
    OPTIONS_STACK(struct remove_arguments, stack),
    OPTION_OUTPUT(struct remove_arguments, stack.output),
    OPTION_END,
};

static void arguments_release(struct remove_arguments *o)
{
    stack_arguments_release(&o->stack);
}

static int run(int argc, char **argv)
{
    CLEANUP(arguments_release) struct remove_arguments o = {0};
    AUTO_STACK_OPENED s = STACK_OPENED_INIT;
    STRV(none);
    if (command_parse(&cmd_stack_remove, argc, argv, &o, &none, 0, 0) != 0)
        return EXIT_BAD_INPUT;
    int code = stack_open(&o.stack, &s);
    if (code != EXIT_DONE)
        return code;
    s.view = stack_view((enum view_mode) o.stack.output, &s.work.stack);
    return stack_remove(&s.work, o.delete_data, s.view);
}

const struct command cmd_stack_remove = {
    .name = "stack remove",
    .synopsis = "",
    .summary = "take a profile's components out of the cluster; data stays",
    .options = options,
    .help = "Those that come after others go first. Volumes, and the secrets that they were made "
            "with,\n"
            "stay for the next `stack apply` unless --delete-data says otherwise: then they are "
            "gone.\n\n"
            "example: bigtop-bootstrap stack remove",
    .run = run,
};
