#include "coordinator/command.h"
#include "coordinator/job.h"
#include "coordinator/project-user.h"
#include "coordinator/stack-args.h"

#include <errno.h>
#include <stdio.h>

#define KUBECONFIG_MAX ((size_t) 1024 * 1024)

struct kubeconfig_arguments {
    struct stack_arguments cluster;
    const char *project;
    int64_t days;
};

static const struct option_spec options[] = {
    {"project", 'p', OPTION_TEXT, offsetof(struct kubeconfig_arguments, project), "NAME",
     "which of the user's projects is the default; default: the first one"},
    {"days", 0, OPTION_NUMBER, offsetof(struct kubeconfig_arguments, days), "N",
     "how long the certificate is good for, 1 to 365; default: 365"},
    OPTIONS_CLUSTER(struct kubeconfig_arguments, cluster),
    OPTION_END,
};

static void arguments_release(struct kubeconfig_arguments *o)
{
    stack_arguments_release(&o->cluster);
}

static int print(const struct kubectl *k, const struct project_login *login)
{
    CLEANUP(strbuf_release_secret) struct strbuf text;
    struct error err = ERROR_INIT;
    strbuf_init(&text, KUBECONFIG_MAX);
    int r = project_kubeconfig(k, login, &text, &err);
    if (r == -ECANCELED)
        return command_fail(EXIT_INTERRUPTED, &err);
    if (r < 0)
        return command_fail(r == -ENOENT ? EXIT_BAD_INPUT : EXIT_HOST_FAILED, &err);
    (void) fputs(text.data, stdout);
    return EXIT_DONE;
}

static int run(int argc, char **argv)
{
    CLEANUP(arguments_release) struct kubeconfig_arguments o = {.days = PROJECT_DAYS_MAX};
    CLEANUP(inventory_release) struct inventory inv = INVENTORY_INIT;
    AUTO_STACK_OPENED s = STACK_OPENED_INIT;
    STRV(words);
    if (command_parse(&cmd_project_kubeconfig, argc, argv, &o, &words, 2, 2) != 0)
        return EXIT_BAD_INPUT;
    if (o.days < 1 || o.days > PROJECT_DAYS_MAX)
        return command_usage(&cmd_project_kubeconfig, "--days is %lld, expected 1 to %d",
                             (long long) o.days, PROJECT_DAYS_MAX);
    int code = job_load(words.items[0], &inv);
    code = code == EXIT_DONE ? stack_open_cluster(&o.cluster, &inv, &s) : code;
    if (code != EXIT_DONE)
        return code;
    const struct project_login login = {
        .inv = &inv, .user = words.items[1], .project = o.project, .days = o.days};
    return print(&s.work.kubectl, &login);
}

const struct command cmd_project_kubeconfig = {
    .name = "project kubeconfig",
    .synopsis = "HOSTS.YAML USER",
    .summary = "print a kubeconfig for an owner or scientist",
    .options = options,
    .help = "Makes a key and has the cluster sign a certificate for it, which says who the user "
            "is; what the user\n"
            "may do is asked of the cluster each time. There is a context for each of the user's "
            "projects.\n"
            "Nothing of it is kept: print it once, and hand it over. --kubeconfig has to be an "
            "admin's.\n\n"
            "example: bigtop-bootstrap project kubeconfig hosts.yaml ada > ada.kubeconfig",
    .run = run,
};
