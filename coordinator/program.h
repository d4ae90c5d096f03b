/* The programs that a host is walked through: a table of phases each. */
#pragma once

#include "coordinator/params.h"
#include "coordinator/run.h"

/* Phases that programs share. */
int phase_connect(struct host_run *h, struct error *err); /* and its facts */
int phase_probe(struct host_run *h, struct error *err);
int phase_probe_disks(struct host_run *h, struct error *err); /* those that phase_disks made */
int phase_check(struct host_run *h, struct error *err);
int phase_reach(struct host_run *h, struct error *err);
int phase_clock(struct host_run *h, struct error *err); /* after *checked* */
int phase_firewall(struct host_run *h, struct error *err); /* opens its ports */
int phase_opened(struct host_run *h, struct error *err);   /* sees that this helped */
int phase_bundle(struct host_run *h, struct error *err);
int phase_pass_gates(struct host_run *h, struct error *err); /* of a host that leaves */
int phase_disks(struct host_run *h, struct error *err);
int phase_images(struct host_run *h, struct error *err);
int phase_init(struct host_run *h, struct error *err); /* leader: makes or finds the cluster */
int phase_join(struct host_run *h, struct error *err); /* everybody else */
int phase_addons(struct host_run *h, struct error *err);
int phase_settle(struct host_run *h, struct error *err);     /* on the control plane */
int phase_network(struct host_run *h, struct error *err);    /* pods reach each other */
int phase_offer(struct host_run *h, struct error *err);       /* begins to bring the blobs */
int phase_distributed(struct host_run *h, struct error *err); /* every host has its blobs */

/* Asks the agent whether the task is done. If not: notes the differences and, unless the run only
 * looks, sends the blobs and has it done. 1: done now; 0: nothing to do, or only looked. */
int program_ensure(struct host_run *h, struct task *t, json_t **result, struct error *err);

/* Fills h->facts.disks where hosts.yaml names disks. */
int program_look_at_disks(struct host_run *h, struct error *err);

/* program-check.c: the host's listeners, for as long as a check takes; and what it cannot reach of
 * the targets ("reach", lib/protocol.h), as an array of results. */
int program_listen(struct host_run *h, struct error *err);
int program_reach(struct host_run *h, const json_t *targets, json_t **failed, struct error *err);

/* On the leader: waits until everybody has joined or failed, keeps what they need from expiring,
 * and takes the certificates back when the last control plane is in. */
int program_await_joins(struct host_run *h, struct error *err);
/* Waits until the host has these blobs; they come beside everything else. */
int program_fetch(struct host_run *h, const struct strv *blobs, struct error *err);
/* A host that takes part is no node yet. */
bool program_somebody_is_new(const struct run *run);

/* Asks the control plane for run->kubeconfig. */
int program_fetch_kubeconfig(struct host_run *h, struct error *err);

/* For run_program. Apply: hosts that hosts.yaml calls absent leave, the others become nodes. */
const struct phase *program_apply(const struct host_run *h);
const struct phase *program_stage(const struct host_run *h);
const struct phase *program_status(const struct host_run *h);
const struct phase *program_reset(const struct host_run *h);
const struct phase *program_kubeconfig(const struct host_run *h);
