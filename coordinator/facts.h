/* What a host said of itself (the agent's "facts", documented in agent/facts.h) and what follows
 * from it for this cluster: its node name, its address and interface, its clock. */
#pragma once

#include "coordinator/inventory.h"
#include "lib/error.h"
#include "lib/json.h"

#include <stdbool.h>
#include <stdint.h>

struct facts {
    json_t *json;            /* owned; untrusted text inside */
    json_t *disks;           /* owned; what the call "disks" said; NULL: hosts.yaml names none */
    char *node_name;         /* hosts.yaml's name, else the host's own, lower case */
    char *node_ip;           /* IPv4 the cluster uses for it */
    char *interface;         /* that carries node_ip */
    int mtu;                 /* of that interface, bytes */
    int64_t clock_offset_ms; /* the host's wall clock minus ours */
    const char *role;        /* "control-plane" or "worker" of a node of ours; NULL: none */
    const char *cluster;     /* the CA hash of the cluster it belongs to, or NULL */
};

/* Takes json over, also on failure. now_ms: our wall clock when the facts came in. */
int facts_take(const struct host *host, json_t *json, int64_t now_ms, struct facts *out,
               struct error *err);
void facts_release(struct facts *f);

/* IPv4 of a host in the cluster, also of one that did not answer when hosts.yaml tells it; or NULL.
 * Borrowed. */
const char *facts_node_ip(const struct facts *f, const struct host *host);
/* True when the host has this IPv4 address; *prefix: how many bits of it are its network's. */
bool facts_prefix(const struct facts *f, uint32_t address, unsigned *prefix);
/* An earlier run got as far as kubelet's unit, but this is no node yet: what listens on a node's
 * ports is what that run began, and it may be going on. */
bool facts_half_done(const struct facts *f);
/* It started from an image of ours, and nobody keeps its clock: that is for us. */
bool facts_lacks_clock(const struct facts *f);
/* True when the host takes bundles signed with the key of this id; with "" (not signed): when it
 * has no key yet. */
bool facts_trusts(const struct facts *f, const char *key_id);
/* A member of a nested object ("os", "id"), or the fallback. Borrowed. */
const char *facts_string(const struct facts *f, const char *outer, const char *key,
                         const char *fallback);
int64_t facts_int(const struct facts *f, const char *outer, const char *key, int64_t fallback);
bool facts_bool(const struct facts *f, const char *outer, const char *key, bool fallback);
