/* How the Kubernetes API is reached: the one place that decides. Nodes go by their own balancer
 * (kubeadm/balancer.h) unless hosts.yaml names one outside of the cluster; users by that, by the
 * virtual IP, else by any control plane that answers. All but api_kubeconfig() is pure. */
#pragma once

#include "coordinator/run.h"

/* "host:port" for nodes: kubeadm's controlPlaneEndpoint. Borrowed. */
const char *api_for_nodes(const struct inventory *inv);
/* True when nodes have a balancer of their own. */
bool api_is_balanced(const struct inventory *inv);
/* The same for users, as far as it is known, best first: appends "host:port" (IPv6 in brackets). */
void api_for_users(const struct run *run, struct strv *out);
/* Names of the API's certificates beside those that kubeadm adds: loopback, the virtual IP, the
 * host of cluster.endpoint, and how hosts.yaml calls the control planes. */
void api_cert_names(const struct run *run, struct strv *out);

/* A kubeconfig of kubeadm's whose server is `endpoint` instead. The caller frees *out. -EPROTO when
 * it is not one. SECRET. */
int api_point_to(const char *kubeconfig, const char *endpoint, char **out, struct error *err);
/* run->kubeconfig for the user: points to the first of api_for_users that takes a connection from
 * this machine within a few seconds, else to the very first. The caller frees *out. SECRET. */
int api_kubeconfig(const struct run *run, char **out, struct error *err);
