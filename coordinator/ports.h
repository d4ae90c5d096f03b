/* Which ports the hosts of a cluster must reach each other on: one table (ports.c). From it come
 * what the agents open in the hosts' firewalls and what is tried before anything is changed.
 *
 * Only what the cluster itself needs is opened, for the hosts of hosts.yaml alone. Two things are
 * for everybody: the API server's port, as the kubeconfig is used from anywhere and the API asks
 * who one is; and nothing else: NodePorts (30000-32767) stay as the host's firewall has them. */
#pragma once

#include "coordinator/params.h"
#include "coordinator/run.h"

#include <stdbool.h>

#define PORT_KUBELET 10250
#define PORT_VXLAN 8472 /* UDP; Linux' default, flannel's and Canal's too */
#define PORT_ETCD 2379  /* and the next: clients, peers */
#define PORT_NFS 2049

/* More hosts than this are let in by their networks, not one by one: some firewalls take half a
 * second for each rule. */
#define PORTS_SOURCES_MAX 16

/* A firewall of a kind that the agent opens runs on the host ("firewall" in agent/facts.h). */
bool ports_has_firewall(const struct facts *f);
/* Those of this host that are tried before it is a node, whatever hosts.yaml says beside its roles:
 * "ports" of the call "listen" (lib/protocol.h). The caller owns it. */
json_t *ports_tried(const struct host_run *h);
/* The step firewall will let `from` in on that port of `to`. */
bool ports_will_open(const struct host_run *to, const struct host_run *from, const char *protocol,
                     int port);
/* The step firewall of this host: 1 and *out; 0: its rules cannot be made now, as an address of a
 * host that should be let in is not known, and this host is a node that has its rules already. */
int ports_task(const struct host_run *h, struct task *out);
