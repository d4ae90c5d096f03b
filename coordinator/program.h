/* The programs that a host is walked through, a table of phases each. */
#pragma once

#include "coordinator/params.h"
#include "coordinator/run.h"

/* Phases shared by the programs. */
int phase_connect(struct host_run *h, struct error *err);         /* with the host's lock */
int phase_connect_to_look(struct host_run *h, struct error *err); /* without */
int phase_check(struct host_run *h, struct error *err);
int phase_reach(struct host_run *h, struct error *err);
int phase_settle(struct host_run *h, struct error *err); /* on the control plane */

/* Asks the agent whether the task is done. If not: notes the differences and, unless the run only
 * plans, sends the blobs and has it done. 1: done now; 0: nothing to do, or only planned. */
int program_ensure(struct host_run *h, struct task *t, json_t **result, struct error *err);

extern const struct phase program_apply[], program_leave[], program_look[], program_reset[];
