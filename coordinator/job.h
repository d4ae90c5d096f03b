/* What the commands over hosts have in common: hosts.yaml, bundle, view and run, opened in order
 * and released together. */
#pragma once

#include "coordinator/applied-hosts.h"
#include "coordinator/applied.h"
#include "coordinator/bundle-options.h"
#include "coordinator/command.h"
#include "coordinator/inventory.h"
#include "coordinator/run.h"
#include "coordinator/stack-work.h"
#include "coordinator/view.h"
#include "images/bundle.h"

#include <stdbool.h>

struct job {
    struct inventory inv;
    struct bundle bundle;
    struct trusted_keys named; /* keys, by the user */
    struct applied applied;
    bool recalls; /* set before job_open: hosts whose lines are gone leave (job-removals.c) */
    struct applied_hosts known;
    struct strv found; /* lines about hosts whose address was found */
    bool insecure; /* the bundle was let in unverified */
    struct stack_work stack; /* hosts.yaml's `profile`; run.stack says whether there is one */
    struct view *view;
    struct run run;
};

/* Loads the file, finds the hosts that it gives no address, and opens what goes with it. bundle:
 * which one, and why it may be installed; NULL: none is needed. An unsigned one that was let in is
 * warned of now and by job_close. Returns EXIT_DONE, or prints the reason and returns another enum
 * exit_code; job_close is due in any case. */
int job_open(struct job *j, const char *hosts_yaml, const struct bundle_options *bundle,
             enum view_mode mode);
void job_close(struct job *j);
#define AUTO_JOB CLEANUP(job_close) struct job
#define JOB_INIT ((struct job){0})

/* hosts.yaml alone; prints the reason when it is refused. */
int job_load(const char *hosts_yaml, struct inventory *inv);
/* Where the kubeconfig goes by default: "<cluster>.kubeconfig" beside hosts.yaml; free() it. */
char *job_kubeconfig_path(const struct inventory *inv);
/* Says what left this machine, when anything of the bundle was to go anywhere. */
void job_report_transfer(const struct job *j);
/* Hosts that lost their lines go only when the user agrees: to all of them (`yes`), or to those
 * whose names or addresses are in `names`; the rest is asked for (coordinator/consent.h).
 * EXIT_BAD_INPUT, with the reason printed: one of the names is not of such a host. */
int job_need_removals(struct job *j, const struct strv *names, bool yes);
/* After a run: hosts that have left are not remembered any more. */
int job_forget_removed(struct job *j, struct error *err);
/* The profile of hosts.yaml, if there is one, with the bundle that is open (job_open does it). */
int job_open_stack(struct job *j, struct error *err);
/* After a run that made the cluster ready: starts the profile, and tests it if anything changed
 * since its tests passed. The job's view becomes another one. Returns an enum exit_code, with every
 * error reported. */
int job_hand_off(struct job *j, const char *kubeconfig, enum view_mode mode);
/* Says what that would do; returns how many lines that took. A kubeconfig that is not there, or
 * leads to no cluster: all of it. */
size_t job_plan_stack(struct job *j, const char *kubeconfig);
/* After that: makes the projects of hosts.yaml, if there are any. The same. */
int job_apply_projects(struct job *j, const char *kubeconfig, enum view_mode mode);
/* Says what that would do; returns how many lines that took. A kubeconfig that is not there, or
 * leads to no cluster: all of it. */
size_t job_plan_projects(struct job *j, const char *kubeconfig);
/* The view becomes this one, and the job's. */
void job_show(struct job *j, struct view *v);
/* How many hosts were changed. */
size_t job_changed(const struct job *j);
