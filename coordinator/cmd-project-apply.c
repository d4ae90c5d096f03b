#include "coordinator/command.h"
#include "coordinator/job.h"
#include "coordinator/project-apply.h"
#include "coordinator/stack-args.h"

struct apply_arguments {
    struct stack_arguments cluster;
    bool again;
};

static const struct option_spec options[] = {
    {"again", 0, OPTION_FLAG, offsetof(struct apply_arguments, again), NULL,
     "make buckets, topics, users and rights also where they are recorded as made"},
    OPTIONS_CLUSTER(struct apply_arguments, cluster),
    OPTION_OUTPUT(struct apply_arguments, cluster.output),
    OPTION_END,
};

static void arguments_release(struct apply_arguments *o)
{
    stack_arguments_release(&o->cluster);
}

static int run(int argc, char **argv)
{
    CLEANUP(arguments_release) struct apply_arguments o = {0};
    CLEANUP(inventory_release) struct inventory inv = INVENTORY_INIT;
    AUTO_STACK_OPENED s = STACK_OPENED_INIT;
    STRV(files);
    if (command_parse(&cmd_project_apply, argc, argv, &o, &files, 1, 1) != 0)
        return EXIT_BAD_INPUT;
    int code = job_load(files.items[0], &inv);
    code = code == EXIT_DONE ? stack_open_cluster(&o.cluster, &inv, &s) : code;
    if (code != EXIT_DONE)
        return code;
    s.view = project_view((enum view_mode) o.cluster.output, &inv);
    return project_apply_all(&s.work.kubectl, &inv, s.view, o.again);
}

const struct command cmd_project_apply = {
    .name = "project apply",
    .synopsis = "HOSTS.YAML",
    .summary = "make the projects of hosts.yaml, or do what differs from them",
    .options = options,
    .help =
        "Each project is a namespace with roles for its owners and scientists, a quota, and "
        "policies that\n"
        "let nothing in or out but what `reach` names. Where the stack has MinIO and Kafka it has "
        "a bucket and\n"
        "topics there. `bigtop-bootstrap HOSTS.YAML` does the same at its end.\n"
        "A user whose name is gone from the file has no rights any more; a project whose entry "
        "is gone\n"
        "is named and left alone. docs/projects.md tells more.\n\n"
        "example: bigtop-bootstrap project apply hosts.yaml --kubeconfig bigtop.kubeconfig",
    .run = run,
};
