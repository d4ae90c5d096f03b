#include "coordinator/command.h"
#include "coordinator/job.h"
#include "coordinator/options.h"
#include "coordinator/program.h"
#include "lib/grammar.h"

#include <string.h>
#include <unistd.h>

struct reset_options {
    bool yes;
    struct strv delete_volumes;
    int output;
};

static const struct option_spec options[] = {
    {"yes", 'y', OPTION_FLAG, offsetof(struct reset_options, yes), NULL,
     "do not ask (without a terminal nothing is asked either)"},
    {"delete-volumes", 0, OPTION_LIST, offsetof(struct reset_options, delete_volumes), "PATH",
     "also delete the data below PATH, such as /var/lib/bigtop-volumes; may be given again"},
    OPTION_OUTPUT(struct reset_options, output),
    OPTION_END,
};

/* EXIT_DONE when the user agrees, or cannot be asked. */
static int confirm(struct job *j, const struct reset_options *o)
{
    struct consent *c = &j->run.consent;
    struct error err = ERROR_INIT;
    STRV(labels);
    for (size_t i = 0; i < j->inv.host_count; i++)
        strv_add(&labels, host_label(&j->inv.hosts[i]));
    AUTO_FREE char *list = strv_join(&labels, " ");
    c->given[CONSENT_RESET] = o->yes;
    consent_need(c, CONSENT_RESET, "cluster %s is taken off these hosts: %s", j->inv.cluster_name,
                 list);
    if (consent_ask(c, j->inv.cluster_name, &interrupted, &err) == 0)
        return EXIT_DONE;
    return command_fail(interrupted ? EXIT_INTERRUPTED : EXIT_REFUSED, &err);
}

static int run_reset_job(struct job *j)
{
    int code = run_program(&j->run, program_reset);
    if (code == EXIT_DONE) {
        AUTO_FREE char *kubeconfig = job_kubeconfig_path(&j->inv);
        (void) unlink(kubeconfig); /* it opens nothing any more */
        view_summary(j->view, "%zu hosts are as they were before", j->inv.host_count);
    } else {
        view_summary(j->view, "not every host could be reset; run the same command again");
    }
    return code;
}

static int run_reset(int argc, char **argv)
{
    struct reset_options o = {0};
    STRV(files);
    AUTO_JOB j = JOB_INIT;
    int code = command_parse(&cmd_reset, argc, argv, &o, &files, 1, 1);
    if (code == 0)
        code = job_open(&j, files.items[0], NULL, (enum view_mode) o.output);
    for (size_t i = 0; code == 0 && i < o.delete_volumes.count; i++)
        if (!grammar_absolute_path(o.delete_volumes.items[i]))
            code = command_usage(&cmd_reset, "--delete-volumes needs an absolute path");
    if (code == 0) {
        j.run.delete_volumes = o.delete_volumes;
        o.delete_volumes = STRV_INIT;
        code = confirm(&j, &o);
        if (code == EXIT_DONE)
            code = run_reset_job(&j);
    }
    strv_release(&o.delete_volumes);
    return code;
}

const struct command cmd_reset = {
    .name = "reset",
    .synopsis = "HOSTS.YAML",
    .summary = "undo on every host what apply did there, and nothing else",
    .options = options,
    .help = "Each host's agent undoes its ledger, newest first, and removes itself last. Data in\n"
            "volumes stays unless its folder is named.\n\n"
            "example: bigtop-bootstrap reset hosts.yaml",
    .run = run_reset,
};
