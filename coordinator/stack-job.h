/* A Job that the cluster runs to its end, and that leaves nothing behind. */
#pragma once

#include "coordinator/kubectl.h"
#include "coordinator/stack-render.h"

#include <stdint.h>

struct stack_job {
    const struct kubectl *kubectl;
    /* Exactly one Job, in STACK_NAMESPACE, and what it needs. */
    const struct stack_rendered *objects;
    int64_t deadline_ms; /* clock_monotonic_ms */
    int seconds;         /* what the deadline was, for messages */
};

/* Whatever of the objects is there goes first. The last line of the log is appended to `line` when
 * it succeeded, and is the error when it failed (-EREMOTEIO); untrusted text. -ETIMEDOUT, or what
 * keeps its pod from starting, past the deadline; -ECANCELED. The objects are removed in any case.
 */
int stack_job_run(const struct stack_job *j, struct strbuf *line, struct error *err);

/* The name of that pod of a Job's whose log tells how it went: the one that succeeded, else the
 * newest; NULL: there is none. list: of pods. Pure, borrowed. */
const char *stack_job_pod(const json_t *list);
