/* The disks that hosts.yaml names, judged before anything is changed anywhere. Pure. */
#pragma once

#include "coordinator/preflight.h"

/* What the host is asked for and told: wishes of lib/disk-choice.h, from hosts.yaml; the caller's.
 */
json_t *disks_wishes(const struct host *host);
/* facts->disks: the answer of the agent's call "disks" to these wishes. */
void preflight_disks(const struct host *host, const struct facts *facts, struct findings *out);
