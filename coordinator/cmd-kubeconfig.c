#include "coordinator/api.h"
#include "coordinator/command.h"
#include "coordinator/job.h"
#include "coordinator/program.h"

#include <stdio.h>

static int run_kubeconfig(int argc, char **argv)
{
    STRV(files);
    if (command_parse(&cmd_kubeconfig, argc, argv, NULL, &files, 1, 1) != 0)
        return EXIT_BAD_INPUT;
    AUTO_JOB j = JOB_INIT;
    int code = job_open(&j, files.items[0], NULL, VIEW_QUIET);
    if (code != EXIT_DONE)
        return code;
    j.run.read_only = true;
    j.run.headless = true; /* it is only looked */
    code = run_program(&j.run, program_kubeconfig);
    if (!j.run.kubeconfig) /* whichever control plane gave it */
        return code;
    AUTO_FREE char *text = NULL;
    struct error err = ERROR_INIT;
    if (api_kubeconfig(&j.run, &text, &err) < 0)
        return command_fail(EXIT_HOST_FAILED, &err);
    (void) fputs(text, stdout);
    return EXIT_DONE;
}

const struct command cmd_kubeconfig = {
    .name = "kubeconfig",
    .synopsis = "HOSTS.YAML",
    .summary = "print the admin's kubeconfig of a running cluster",
    .help = "example: bigtop-bootstrap kubeconfig hosts.yaml > admin.kubeconfig",
    .run = run_kubeconfig,
};
