/* What the pods' network on this host is, from what was left by who made it. */
#pragma once

#include "lib/json.h"

/* The name of the CNI configuration that counts in the folder, "canal" of 10-canal.conflist:
 * containerd takes the first by name. JSON null without one. The caller owns it. */
json_t *pod_network_name(const char *dir);
/* --cluster-cidr in kubeadm's manifest of the controller manager, or JSON null. */
json_t *pod_network_cidr(const char *manifest);
