#include "coordinator/command.h"
#include "coordinator/job.h"
#include "coordinator/options.h"
#include "coordinator/program.h"
#include "lib/grammar.h"

#include <stdio.h>
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

static bool ask(const struct inventory *inv)
{
    (void) fprintf(stderr, "Cluster %s is taken off these hosts:", inv->cluster_name);
    for (size_t i = 0; i < inv->host_count; i++)
        (void) fprintf(stderr, " %s", host_label(&inv->hosts[i]));
    (void) fprintf(stderr, "\nType the cluster's name to go on: ");
    char line[300] = "";
    if (!fgets(line, sizeof(line), stdin))
        return false;
    line[strcspn(line, "\n")] = '\0';
    return strcmp(line, inv->cluster_name) == 0;
}

/* EXIT_DONE when the user agrees, or cannot be asked. */
static int confirm(const struct inventory *inv, const struct reset_options *o)
{
    if (o->yes || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return EXIT_DONE;
    view_pause(); /* it would be drawn over the question */
    bool agreed = ask(inv);
    view_resume();
    if (agreed)
        return EXIT_DONE;
    (void) fputs("bigtop-bootstrap reset: not confirmed, nothing was changed\n", stderr);
    return interrupted ? EXIT_INTERRUPTED : EXIT_REFUSED;
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
        code = confirm(&j.inv, &o);
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
