/* Whether what was applied runs: of a component's objects and what the API says is there. Pure. */
#pragma once

#include "lib/json.h"

#include <stdbool.h>
#include <stdint.h>

/* Why a pod does not start, the more certain the higher. */
enum stack_trouble {
    STACK_NO_TROUBLE,
    STACK_UNREADY, /* runs, and its readiness probe fails */
    STACK_UNSCHEDULABLE,
    STACK_CRASHES,   /* the last line of its log says why */
    STACK_NO_CONFIG, /* a Secret or ConfigMap is missing */
    STACK_NO_IMAGE,
    STACK_JOB_FAILED, /* final */
};

struct stack_progress {
    int ready, wanted; /* pods, and jobs that are done */
    bool done;
    /* A container has no readiness probe: the API calls it ready as soon as it is started, also
     * when it ends at once. */
    bool unproven;
    int64_t restarts;           /* of the pods of what is unproven */
    enum stack_trouble trouble; /* the worst */
    char space[64], pod[254];   /* namespace and name of the one that has it; "": a job's */
    char container[64];
    char reason[512]; /* in the API's words; untrusted text */
};

/* wanted: a component's objects as rendered (those that start pods count). live: array of what
 * there is, of the kinds Deployment, StatefulSet, DaemonSet, Job and Pod, of all the namespaces
 * that the objects name; `home` is that of objects that name none. */
void stack_judge(const json_t *wanted, const json_t *live, const char *home,
                 struct stack_progress *out);
/* Whether `done` is to be believed: at once when probes say so, else when it has stood for three
 * seconds without a restart. A kubelet starts what ended again at once, then after ten seconds and
 * more. Asked with each new judgement; `stand` begins as zeros. */
struct stack_stand {
    int64_t since_ms; /* 0: not done */
    int64_t restarts;
};
bool stack_stands(const struct stack_progress *p, struct stack_stand *stand, int64_t now_ms);
/* Deployment, StatefulSet, DaemonSet or Job. */
bool stack_is_workload(const json_t *object);
const char *stack_namespace_of(const json_t *object, const char *home);
/* True when labels (an object) have all of a workload's spec.selector.matchLabels, of which there
 * has to be one; of a Job: the label that its controller gives. */
bool stack_selects(const json_t *workload, const json_t *labels);
