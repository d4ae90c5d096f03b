#include "coordinator/command.h"
#include "coordinator/stack-args.h"
#include "coordinator/stack-remove.h"

#include <errno.h>

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
    struct error err = ERROR_INIT;
    STRV(names);
    STRV(order);
    if (command_parse(&cmd_stack_remove, argc, argv, &o, &names, 0, SIZE_MAX) != 0)
        return EXIT_BAD_INPUT;
    int code = stack_open(&o.stack, &s);
    if (code != EXIT_DONE)
        return code;
    int r = stack_removal_choose(&s.work, &names, &order, &err);
    if (r < 0)
        return command_fail(r == -ENOENT  ? EXIT_BAD_INPUT
                            : r == -EBUSY ? EXIT_REFUSED
                                          : EXIT_HOST_FAILED,
                            &err);
    s.view = view_open_rows((enum view_mode) o.stack.output, "component", &order);
    return stack_remove(&s.work, &order, o.delete_data, s.view);
}

const struct command cmd_stack_remove = {
    .name = "stack remove",
    .synopsis = "[COMPONENT...]",
    .summary = "take components out of the cluster; data stays",
    .options = options,
    .help = "All of the profile's, or those that are named; also one that no profile has any "
            "more.\n"
            "Those that come after others go first. Volumes, and the secrets that they were made "
            "with,\n"
            "stay for the next `stack apply` unless --delete-data says otherwise: then they are "
            "gone.\n\n"
            "example: bigtop-bootstrap stack remove trino",
    .run = run,
};
