/* What a pod says of itself, as the API server tells it (core/v1 Pod). Pure. */
#pragma once

#include "lib/json.h"
#include "lib/strbuf.h"

/* Why a pod is not ready, for people: "CrashLoopBackOff, restarted 3 times: Error, exit code 1",
 * "ImagePullBackOff", "Unschedulable: 0/3 nodes are available: …". Of several containers the first
 * that has a reason. Empty while it only starts; what `out` had before is gone. The text is the
 * cluster's: untrusted. */
void pod_trouble(const json_t *pod, struct strbuf *out);
