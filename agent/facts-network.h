/* The network's part of facts: what reads texts of the kernel and of resolv.conf(5), pure. */
#pragma once

#include "lib/json.h"

#include <stdbool.h>

/* {"interface","gateway"} of the default route with the lowest metric in /proc/net/route, or JSON
 * null. The caller owns it. */
json_t *network_default_route(const char *text);
/* Appends to both arrays; true when a kubelet can use the file: servers, none of them loopback. */
bool network_parse_resolv(const char *text, json_t *nameservers, json_t *search);
/* Appends {"protocol","port"} of each listening socket in /proc/net/{tcp,udp}{,6}, each once. */
void network_parse_listening(const char *text, const char *protocol, json_t *list);
