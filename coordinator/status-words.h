/* What `status` says below its table. Pure; lines are added to `lines`. */
#pragma once

#include "lib/json.h"
#include "lib/strv.h"

/* hosts: [{"host", "node", "bundle": as in agent/facts.h}, …]. A line for each bundle that hosts
 * have accepted, with who may sign the next one and, when not all have the same, the hosts. */
void status_words_bundles(const json_t *hosts, struct strv *lines);
/* members: of the agent's call "etcd" (lib/protocol.h). One line, or none. */
void status_words_etcd(const json_t *members, struct strv *lines);
/* nodes: of the agent's call "cluster". Those that are no host of hosts.yaml, a line each. */
void status_words_strangers(const json_t *nodes, const json_t *hosts, struct strv *lines);
