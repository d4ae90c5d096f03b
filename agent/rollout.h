/* Waiting for a workload to be up. */
#pragma once

#include "agent/step.h"

/* target: "daemonset/kube-flannel-ds -n kube-flannel", an entry of step addon's "wait".
 * A daemonset counts as up when all of its pods run but those of nodes that are not Ready: a dead
 * host never holds the others. -ETIMEDOUT, -ECANCELED, -EINVAL when the target is malformed. */
int rollout_wait(const struct step_context *ctx, const char *target, int timeout_ms,
                 struct error *err);
/* "KIND/NAME -n NAMESPACE" into arguments; false when it is anything else. */
bool rollout_parse(const char *target, struct strv *args);
/* Is a DaemonSet (as the API gives it) up, but for so many nodes that are not Ready? */
bool rollout_daemonset_up(const json_t *daemonset, int64_t unready_nodes);
