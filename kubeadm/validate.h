/* The grammar of everything that is rendered, checked once, before. -EINVAL with the value named.
 */
#pragma once

#include "kubeadm/config.h"

#include <stdbool.h>

int kubeadm_validate_cluster(const struct cluster_config *cluster, struct error *err);
int kubeadm_validate_node(const struct node_config *node, struct error *err);

/* "key=value:Effect" or "key:Effect" taken apart, the grammar of it checked. */
struct kube_taint {
    char key[320], value[64]; /* value may be "" */
    const char *effect;       /* static */
};
bool kubeadm_taint_parse(const char *text, struct kube_taint *out);
