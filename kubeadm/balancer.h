/* How the Kubernetes API is reached without a balancer outside of the cluster. Renders what
 * HAProxy, keepalived and systemd read; pure, as kubeadm/config.h is.
 *
 * Every node has an HAProxy on loopback that passes TCP on to the control planes. Nodes name the
 * API by it (kubeadm's controlPlaneEndpoint is BALANCER_ENDPOINT): neither the loss of a control
 * plane nor one more of them changes anything on a node but this one file. It is a service of
 * systemd and no static pod, as a host needs it before it is a node. TLS is between the node and
 * the API server, whose certificate names 127.0.0.1; the balancer reads none of it.
 *
 * The virtual IP, where one is wanted, is for those outside of the cluster: keepalived moves it
 * among the control planes, and away from one whose API server does not answer. Nodes do not use
 * it: nothing in the cluster depends on VRRP and gratuitous ARP being let through.
 *
 * Sources: HAProxy 2.6 Configuration Manual; keepalived.conf(5) of 2.2; RFC 5798 (VRRP 3). */
#pragma once

#include "kubeadm/config.h"
#include "lib/error.h"

#include <stddef.h>
#include <stdint.h>

#define BALANCER_PORT 7443 /* on loopback only */
#define BALANCER_ENDPOINT "127.0.0.1:7443"
#define BALANCER_UNIT "bigtop-balancer.service"
#define BALANCER_PROGRAM "/opt/bigtop/haproxy/usr/sbin/haproxy"
#define BALANCER_CONFIG "/etc/bigtop/haproxy.cfg"
#define VIRTUAL_IP_UNIT "bigtop-virtual-ip.service"
#define VIRTUAL_IP_PROGRAM "/opt/bigtop/keepalived/usr/sbin/keepalived"
#define VIRTUAL_IP_CONFIG "/etc/bigtop/keepalived.conf"
#define BALANCER_SERVERS_MAX 99 /* ranks below fit VRRP's priorities */

/* A control plane: its node name (RFC 1123 label) and its IPv4. */
struct balancer_server {
    const char *name, *address;
};

/* HAProxy's configuration and unit, the same on every node. Sessions of a server end within 10 s of
 * its death; a new connection goes to another one at once, or after 2 s of silence. -EINVAL also
 * when there is no server, or one twice. */
int balancer_files(const struct balancer_server *servers, size_t count, struct host_files *out,
                   struct error *err);

/* keepalived's configuration and unit for the control plane servers[self], whose address is on this
 * interface. Of those whose API server answers, the first of the list has the address. */
int virtual_ip_files(const char *address, const char *interface,
                     const struct balancer_server *servers, size_t count, size_t self,
                     struct host_files *out, struct error *err);
/* The virtual router's number, 1 to 255, from the address: its last byte, so that addresses of one
 * /24 have different ones; 255 for 0. */
uint8_t virtual_ip_router(uint32_t address);
