#include "coordinator/command.h"
#include "coordinator/project-apply.h"
#include "coordinator/stack-args.h"

#include <errno.h>
#include <stdio.h>

struct remove_arguments {
    struct stack_arguments cluster;
    bool delete_data;
};

static const struct option_spec options[] = {
    {"delete-data", 0, OPTION_FLAG, offsetof(struct remove_arguments, delete_data), NULL,
     "remove the namespace as well, with all claims and secrets in it"},
    OPTIONS_CLUSTER(struct remove_arguments, cluster),
    OPTION_END,
};

static void arguments_release(struct remove_arguments *o)
{
    stack_arguments_release(&o->cluster);
}

static int code_of(int r)
{
    if (r == -ECANCELED)
        return EXIT_INTERRUPTED;
    if (r == -EPERM)
        return EXIT_REFUSED;
    return r == -ENOENT || r == -EINVAL ? EXIT_BAD_INPUT : EXIT_HOST_FAILED;
}

static int run(int argc, char **argv)
{
    CLEANUP(arguments_release) struct remove_arguments o = {0};
    AUTO_STACK_OPENED s = STACK_OPENED_INIT;
    struct error err = ERROR_INIT;
    size_t claims = 0;
    STRV(names);
    if (command_parse(&cmd_project_remove, argc, argv, &o, &names, 1, 1) != 0)
        return EXIT_BAD_INPUT;
    const char *name = names.items[0];
    if (!inventory_is_project(name))
        return command_usage(&cmd_project_remove, "'%s' is no name of a project", name);
    int code = stack_open_cluster(&o.cluster, NULL, &s);
    if (code != EXIT_DONE)
        return code;
    int r = project_remove(&s.work.kubectl, name, o.delete_data, &claims, &err);
    if (r < 0)
        return command_fail((enum exit_code) code_of(r), &err);
    if (o.delete_data)
        (void) printf("project %s is removed, with all that was in it\n", name);
    else
        (void) printf("project %s is removed; its namespace stays, with %zu volume claims and its "
                      "secrets (--delete-data removes them)\n",
                      name, claims);
    return EXIT_DONE;
}

const struct command cmd_project_remove = {
    .name = "project remove",
    .synopsis = "NAME",
    .summary = "end a project: nobody gets in, nothing runs; data stays",
    .options = options,
    .help = "Its users lose their rights, and its pods, jobs and services are removed. Volume "
            "claims and secrets\n"
            "stay in its namespace for a later `project apply`, unless --delete-data says "
            "otherwise: then they\n"
            "are gone. Take it out of hosts.yaml first, or the next apply makes it again.\n\n"
            "example: bigtop-bootstrap project remove risk",
    .run = run,
};
