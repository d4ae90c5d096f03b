#include "coordinator/addons.h"
#include "coordinator/api.h"
#include "coordinator/command.h"
#include "coordinator/job.h"
#include "coordinator/options.h"
#include "coordinator/program.h"
#include "lib/clock.h"
#include "lib/fd.h"

#include <string.h>
#include <unistd.h>

struct apply_options {
    struct bundle_options bundle;
    const char *kubeconfig;
    bool accept_slow_disks;
    struct strv remove;
    bool yes;
    int output;
};

static const struct option_spec options[] = {
    OPTIONS_BUNDLE(struct apply_options, bundle),
    {"kubeconfig", 0, OPTION_TEXT, offsetof(struct apply_options, kubeconfig), "FILE",
     "where to write the admin's kubeconfig; default: CLUSTER.kubeconfig beside hosts.yaml"},
    {"accept-slow-disks", 0, OPTION_FLAG, offsetof(struct apply_options, accept_slow_disks), NULL,
     "go on where an fsync may take more than 100 ms"},
    {"remove", 0, OPTION_LIST, offsetof(struct apply_options, remove), "NAME",
     "agree that this host, whose line is gone, leaves the cluster; may be given again"},
    {"yes", 'y', OPTION_FLAG, offsetof(struct apply_options, yes), NULL,
     "agree that every host whose line is gone leaves the cluster"},
    OPTION_OUTPUT(struct apply_options, output),
    OPTION_END,
};

static int write_kubeconfig(struct job *j, const char *path, struct error *err)
{
    AUTO_FREE char *text = NULL;
    int r = j->run.kubeconfig ? api_kubeconfig(&j->run, &text, err) : 0;
    if (!text || file_is(path, text, strlen(text), 0600) == 1)
        return r;
    return file_write_atomic(path, text, strlen(text), 0600, err);
}

static void report(struct job *j, const char *kubeconfig, int64_t began)
{
    double seconds = (double) (clock_monotonic_ms() - began) / 1000.0;
    if (job_changed(j) == 0) {
        view_summary(j->view, "nothing to change (%zu hosts, %.1f s)", j->inv.host_count, seconds);
        return;
    }
    if (strcmp(addons_network(&j->run), NETWORK_FLANNEL) == 0)
        view_note(j->view, NULL, "flannel: network policies (NetworkPolicy) are not enforced");
    view_note(j->view, NULL, "look around: export KUBECONFIG=%s", kubeconfig);
    view_summary(j->view, "cluster %s is ready: %zu hosts changed, %.1f s", j->inv.cluster_name,
                 job_changed(j), seconds);
}

static void apply_options_release(struct apply_options *o)
{
    bundle_options_release(&o->bundle);
    strv_release(&o->remove);
}

static int run_apply(int argc, char **argv)
{
    CLEANUP(apply_options_release) struct apply_options o = {0};
    STRV(files);
    if (command_parse(&cmd_apply, argc, argv, &o, &files, 1, 1) != 0)
        return EXIT_BAD_INPUT;
    AUTO_JOB j = {.recalls = true};
    struct error err = ERROR_INIT;
    int64_t began = clock_monotonic_ms();
    int code = job_open(&j, files.items[0], &o.bundle, (enum view_mode) o.output);
    code = code == EXIT_DONE ? job_need_removals(&j, &o.remove, o.yes) : code;
    if (code != EXIT_DONE)
        return code;
    AUTO_FREE char *kubeconfig = o.kubeconfig ? xstrdup(o.kubeconfig) : job_kubeconfig_path(&j.inv);
    j.run.consent.given[CONSENT_SLOW_DISKS] = o.accept_slow_disks;
    j.run.kubeconfig_wanted = access(kubeconfig, F_OK) != 0;
    code = run_program(&j.run, program_apply);
    job_report_transfer(&j);
    /* Also when a worker failed: the cluster is there to look at. */
    if (job_forget_removed(&j, &err) < 0 || write_kubeconfig(&j, kubeconfig, &err) < 0)
        return command_fail(EXIT_HOST_FAILED, &err);
    if (code == EXIT_DONE) {
        report(&j, kubeconfig, began);
        code = job_hand_off(&j, kubeconfig, (enum view_mode) o.output);
        return code == EXIT_DONE ? job_apply_projects(&j, kubeconfig, (enum view_mode) o.output)
                                 : code;
    }
    if (code == EXIT_INTERRUPTED)
        view_summary(j.view, "interrupted; run the same command again to go on");
    else if (code == EXIT_REFUSED)
        view_summary(j.view, "refused; nothing was changed");
    else
        view_summary(j.view, "failed; run the same command again once that is mended");
    return code;
}

const struct command cmd_apply = {
    .name = "apply",
    .synopsis = "HOSTS.YAML",
    .summary = "make the hosts a cluster, or do what differs from hosts.yaml",
    .options = options,
    .help =
        "Connects to every host, checks all of them before anything is changed, then prepares\n"
        "them, makes the control plane, joins the others and waits until all is Ready. Run\n"
        "again, it changes nothing; after a failure it goes on where it was. With `profile` in\n"
        "hosts.yaml it then starts that stack, and tests it (as `stack apply` and `stack test` "
        "do), and makes the `projects` that it has.\n\n"
        "A host that hosts.yaml calls absent, or whose line is gone (--remove, --yes), leaves: "
        "its\n"
        "node is drained and removed, and the host is reset.\n\n"
        "The bundle must be signed by a key that --key, `bundle_keys` in hosts.yaml or a file\n"
        "in ~/.config/bigtop-bootstrap/trusted names. Hosts remember whose bundle they took,\n"
        "and take no other's and no older one.\n\n"
        "example: bigtop-bootstrap hosts.yaml --key ops-2026.pub",
    .run = run_apply,
};
