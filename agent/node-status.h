/* A condition of this host's own node, told to the API server with the kubelet's credentials (the
 * NodeRestriction admission lets a node patch its own status). Over TLS from here: kubectl is only
 * on control planes, and 60 MB for one request. */
#pragma once

#include "lib/error.h"
#include "lib/json.h"
#include "lib/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

/* condition: {"type","status","reason","message"}; now becomes its time. -ENOENT: this host is no
 * node (yet); -EOPNOTSUPP: the API server is known by a name (the agent resolves none). */
int node_status_set_condition(const char *node, const json_t *condition, struct error *err);

/* Address and port of `server: https://…` in the text of a kubeconfig. Pure. False: none, or not a
 * numeric address. */
bool node_status_server(const char *kubeconfig, char address[64], uint16_t *port);
/* The request, ready to be sent. Pure. */
void node_status_request(const char *node, const char *host, const json_t *condition,
                         int64_t now_ms, struct strbuf *out);
