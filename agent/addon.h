/* A kustomize folder from the bundle, unpacked below AGENT_RUN_DIR with the cluster's values in it,
 * and what is asked of kubectl about it. */
#pragma once

#include "agent/step.h"

#define ADDON_FIELD_MANAGER "bigtop-bootstrap"
#define ADDON_VALUES_FILE "cluster-values.yaml"
#define ADDON_RESOURCES_FILE "cluster-resources.yaml"

struct addon {
    const char *name, *archive; /* borrowed from the parameters */
    const json_t *values, *resources;
    const char *default_class; /* or NULL */
    char *dir; /* removed by addon_release */
};

/* Checks the parameters of step addon and unpacks the folder. */
int addon_open(const json_t *params, struct addon *out, struct error *err);
void addon_release(struct addon *addon);
#define AUTO_ADDON CLEANUP(addon_release) struct addon

/* 1 when the cluster has exactly this already, 0 when not or when that cannot be told yet. */
int addon_is_applied(const struct addon *addon, const bool *cancel);
int addon_apply(const struct addon *addon, const bool *cancel, struct error *err);

/* cluster-values.yaml: the ConfigMap that the folder's kustomization takes its values from. It
 * stays local (config.kubernetes.io/local-config). The caller frees; NULL when a value is no
 * string. */
char *addon_values_manifest(const json_t *values);
/* cluster-resources.yaml: objects that the coordinator adds to the folder's own, a document each.
 * The caller frees; NULL when one is none or has no apiVersion, kind or name. */
char *addon_resources_manifest(const json_t *resources);
