#include "coordinator/command.h"
#include "coordinator/job.h"
#include "coordinator/options.h"
#include "coordinator/program.h"
#include "lib/clock.h"

struct stage_options {
    struct bundle_options bundle;
    int output;
};

static const struct option_spec options[] = {
    OPTIONS_BUNDLE(struct stage_options, bundle),
    OPTION_OUTPUT(struct stage_options, output),
    OPTION_END,
};

static void stage_options_release(struct stage_options *o)
{
    bundle_options_release(&o->bundle);
}

static void report(struct job *j, const char *hosts_yaml, int64_t began)
{
    double seconds = (double) (clock_monotonic_ms() - began) / 1000.0;
    if (job_changed(j) == 0)
        view_summary(j->view, "every host has it already (%zu hosts, %.1f s)", j->inv.host_count,
                     seconds);
    else
        view_summary(j->view, "staged on %zu hosts in %.1f s; `bigtop-bootstrap %s` sends nothing",
                     job_changed(j), seconds, hosts_yaml);
}

static int run_stage(int argc, char **argv)
{
    CLEANUP(stage_options_release) struct stage_options o = {0};
    STRV(files);
    if (command_parse(&cmd_stage, argc, argv, &o, &files, 1, 1) != 0)
        return EXIT_BAD_INPUT;
    AUTO_JOB j = JOB_INIT;
    int64_t began = clock_monotonic_ms();
    int code = job_open(&j, files.items[0], &o.bundle, (enum view_mode) o.output);
    if (code != EXIT_DONE)
        return code;
    j.run.headless = true;
    code = run_program(&j.run, program_stage);
    job_report_transfer(&j);
    if (code == EXIT_DONE)
        report(&j, files.items[0], began);
    else if (code == EXIT_REFUSED)
        view_summary(j.view, "refused; nothing was sent");
    else
        view_summary(j.view, "%s; run the same command again: it goes on where it was",
                     code == EXIT_INTERRUPTED ? "interrupted" : "failed");
    return code;
}

const struct command cmd_stage = {
    .name = "stage",
    .synopsis = "HOSTS.YAML",
    .summary = "bring the bundle to the hosts and change nothing else",
    .options = options,
    .help =
        "For thin links, days before apply: the hosts are checked, accept the bundle and store\n"
        "it. Each byte leaves this machine once; the hosts fetch the rest from each other. It\n"
        "may be interrupted at any time, and goes on where it was when it is run again.\n\n"
        "example: bigtop-bootstrap stage hosts.yaml --key ops-2026.pub",
    .run = run_stage,
};
