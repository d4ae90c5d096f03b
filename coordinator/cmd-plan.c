#include "coordinator/command.h"
#include "coordinator/job.h"
#include "coordinator/options.h"
#include "coordinator/program.h"
#include "coordinator/stack-hosts.h"

#include <stdio.h>
#include <string.h>

#define SUMMARY_MAX 64

struct plan_options {
    struct bundle_options bundle;
    const char *kubeconfig;
    bool offline;
    int output;
};

static const struct option_spec options[] = {
    OPTIONS_BUNDLE(struct plan_options, bundle),
    {"kubeconfig", 0, OPTION_TEXT, offsetof(struct plan_options, kubeconfig), "FILE",
     "of the cluster, to compare the stack and projects; default: CLUSTER.kubeconfig beside "
     "hosts.yaml"},
    {"offline", 0, OPTION_FLAG, offsetof(struct plan_options, offline), NULL,
     "check the file alone: no host is asked, no bundle is needed"},
    OPTION_OUTPUT(struct plan_options, output),
    OPTION_END,
};

static const char *role_words(unsigned roles)
{
    if ((roles & ROLE_CONTROL_PLANE) && (roles & ROLE_WORKER))
        return "control plane and worker";
    return roles & ROLE_CONTROL_PLANE ? "control plane" : "worker";
}

static void print_file(const struct inventory *inv)
{
    AUTO_FREE char *storage = strv_join(&inv->storage, ", ");
    (void) printf("cluster %s: pods %s, services %s, network %s, storage %s\n", inv->cluster_name,
                  inv->pod_cidr, inv->service_cidr, inv->network ? inv->network : "by the bundle",
                  storage);
    for (size_t i = 0; i < inv->host_count; i++) {
        const struct host *h = &inv->hosts[i];
        bool v6 = h->address && strchr(h->address, ':');
        (void) printf("  %-16s %s@%s%s%s:%u  %s\n", host_label(h), h->user, v6 ? "[" : "",
                      h->address ? h->address : "(where it announces itself)", v6 ? "]" : "",
                      (unsigned) h->port,
                      h->state == STATE_ABSENT ? "leaves the cluster" : role_words(h->roles));
    }
}

static int check_file(const char *path)
{
    struct inventory inv = INVENTORY_INIT;
    int code = job_load(path, &inv);
    if (code == EXIT_DONE)
        print_file(&inv);
    inventory_release(&inv);
    return code;
}

static size_t print_differences(const struct job *j)
{
    size_t count = 0;
    for (size_t i = 0; i < j->inv.host_count; i++) {
        const struct host_run *h = &j->run.hosts[i];
        for (size_t k = 0; k < h->differences.count; k++)
            view_note(j->view, h->host, "%s", h->differences.items[k]);
        count += h->differences.count;
    }
    return count;
}

static void print_needs(const struct job *j)
{
    STRV(lines);
    if (j->run.stack)
        stack_hosts_tell(&j->run, &lines);
    for (size_t i = 0; i < lines.count; i++)
        view_note(j->view, NULL, "%s", lines.items[i]);
}

static void print_consents(struct job *j)
{
    STRV(list);
    consent_list(&j->run.consent, &list);
    for (size_t i = 0; i < list.count; i++)
        view_warn(j->view, NULL, "apply will ask first: %s", list.items[i]);
}

static void summarize(struct job *j, size_t changes, size_t stack, size_t projects)
{
    STRBUF(more, SUMMARY_MAX);
    if (stack > 0)
        strbuf_addf(&more, ", %zu of the stack", stack);
    if (projects > 0)
        strbuf_addf(&more, ", %zu of projects", projects);
    if (changes + stack + projects == 0)
        view_summary(j->view, "nothing to change (%zu hosts)", j->inv.host_count);
    else
        view_summary(j->view, "%zu changes on %zu hosts%s; `bigtop-bootstrap %s` makes them",
                     changes, j->inv.host_count, more.data, j->inv.path);
}

static void plan_options_release(struct plan_options *o)
{
    bundle_options_release(&o->bundle);
}

static int run_plan(int argc, char **argv)
{
    CLEANUP(plan_options_release) struct plan_options o = {0};
    STRV(files);
    if (command_parse(&cmd_plan, argc, argv, &o, &files, 1, 1) != 0)
        return EXIT_BAD_INPUT;
    if (o.offline)
        return check_file(files.items[0]);
    AUTO_JOB j = {.recalls = true};
    int code = job_open(&j, files.items[0], &o.bundle, (enum view_mode) o.output);
    if (code != EXIT_DONE)
        return code;
    j.run.read_only = true;
    (void) job_need_removals(&j, &STRV_INIT, false);
    code = run_program(&j.run, program_apply);
    size_t count = print_differences(&j);
    AUTO_FREE char *kubeconfig = o.kubeconfig ? xstrdup(o.kubeconfig) : job_kubeconfig_path(&j.inv);
    size_t stack = code == EXIT_DONE ? job_plan_stack(&j, kubeconfig) : 0;
    size_t projects = code == EXIT_DONE ? job_plan_projects(&j, kubeconfig) : 0;
    print_needs(&j);
    print_consents(&j);
    if (code != EXIT_DONE)
        view_summary(j.view, "not every host could be looked at; nothing was changed");
    else
        summarize(&j, count, stack, projects);
    return code;
}

const struct command cmd_plan = {
    .name = "plan",
    .synopsis = "HOSTS.YAML",
    .summary = "check the file, then the hosts, and show what apply would do",
    .options = options,
    .help = "The agent is put on each host to look at it (reset takes it away); nothing else is\n"
            "changed.\n\n"
            "example: bigtop-bootstrap plan hosts.yaml",
    .run = run_plan,
};
