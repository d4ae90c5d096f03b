/* What projects take of the cluster, and what they may. */
#pragma once

#include "coordinator/kubectl.h"
#include "lib/json.h"

/* Of all projects that the cluster has: [{"project", "pods", "cpu_requested", "cpu_used",
 * "memory_requested", "memory_used", "storage_requested", and "..._quota" of pods, cpu, memory and
 * storage}], CPU in thousandths of one, the rest in bytes. "..._used" is left out when the kubelets
 * do not tell, and a quota that there is not. The caller owns *out. */
int project_usage(const struct kubectl *k, json_t **out, struct error *err);

/* Pure: one row; quota: the ResourceQuota or NULL; pods, claims and summaries: arrays, of any
 * namespace. The caller's. */
json_t *project_usage_row(const char *project, const json_t *quota, const json_t *pods,
                          const json_t *claims, const json_t *summaries);
