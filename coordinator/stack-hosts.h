/* What the profile of hosts.yaml takes, against what the hosts said of themselves. */
#pragma once

#include "coordinator/preflight.h"
#include "coordinator/run.h"
#include "coordinator/stack-needs.h"
#include "lib/strv.h"

/* What a node's own pods and kubelet leave of a host. Sources: kubeadm v1.34's static pods
 * (apiserver 250m, controller manager 200m, scheduler 100m, etcd 100m and 100 MiB), CoreDNS (100m,
 * 70 MiB), flannel (100m, 50 MiB), kubelet's eviction threshold (100 MiB). */
#define STACK_NODE_CPU 200
#define STACK_NODE_MEMORY (220LL << 20)
#define STACK_CONTROL_PLANE_CPU 650
#define STACK_CONTROL_PLANE_MEMORY (100LL << 20)

/* Hosts that answered and take pods, as nodes; what else runs on them is not known. After the gate
 * `probed`. Pure. */
void stack_nodes_from_hosts(const struct run *run, struct stack_nodes *out);
/* Adds a refusal when run->stack does not fit on the hosts; a warning where some did not answer.
 * Nothing without a profile. */
void stack_hosts_check(const struct run *run, struct findings *out);
/* One line for each component, and one for all: what they take. */
void stack_hosts_tell(const struct run *run, struct strv *lines);
