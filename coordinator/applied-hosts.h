/* The hosts that this coordinator has applied of a hosts.yaml, so that one whose line is gone can
 * be taken out of the cluster: beside the file of coordinator/applied.h (lib/state-file.h),
 * CLUSTER-HASH.hosts.json:
 *
 *   {"cluster":"lab","hosts":"/…/hosts.yaml","applied":[{"node":N,"address":A,"port":22,"user":U,
 *    "roles":1,"sudo":0,"key":"/…"?,"host_key":"SHA256:…"?,"node_ip":"10.0.0.3"?},…]}
 *
 * Where a host is and how to log in, never a secret: a password comes from `defaults` in
 * hosts.yaml. */
#pragma once

#include "coordinator/inventory.h"
#include "lib/error.h"
#include "lib/json.h"

#include <stdbool.h>

struct applied_hosts {
    char *path;
    json_t *state; /* as in the file */
};
void applied_hosts_release(struct applied_hosts *a);

/* Without a file nothing was applied. -EBADMSG, with a remedy: it is damaged. */
int applied_hosts_load(const struct inventory *inv, struct applied_hosts *out, struct error *err);
/* Appends to inv the hosts that have no line any more, as absent and remembered. A host is found
 * again by its address and port, or by its name. */
void applied_hosts_recall(const struct applied_hosts *a, struct inventory *inv);
/* From now on it is known, as this node; nothing is saved yet. hint: its index among the lines. */
void applied_hosts_note(struct applied_hosts *a, const struct host *h, const char *node,
                        size_t hint);
void applied_hosts_forget(struct applied_hosts *a, const struct host *h);
int applied_hosts_save(const struct applied_hosts *a, struct error *err);
