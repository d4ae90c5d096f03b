/* What is looked at before anything is changed: each host by itself, and against the others. Pure:
 * facts in, findings out. */
#pragma once

#include "coordinator/facts.h"
#include "coordinator/inventory.h"
#include "images/bundle.h"
#include "lib/protocol.h"

#include <stdbool.h>
#include <stddef.h>

/* Least sizes. Memory of a control plane: kubeadm v1.34 cmd/kubeadm/app/constants
 * (ControlPlaneMem 1700 MB); the others were measured with the default bundle. */
#define PREFLIGHT_CONTROL_PLANE_KIB (1700 * 1024L)
#define PREFLIGHT_WORKER_KIB (700 * 1024L)
#define PREFLIGHT_DISK_KIB (4L * 1024 * 1024)
#define PREFLIGHT_CLOCK_REFUSE_MS 30000
#define PREFLIGHT_CLOCK_WARN_MS CLOCK_TOLERANCE_MS

struct finding {
    bool refusal; /* else a warning */
    char *text, *remedy;
};

struct findings {
    struct finding *items;
    size_t count;
};
#define FINDINGS_INIT ((struct findings){0})
void findings_release(struct findings *f);
void findings_add(struct findings *f, bool refusal, const char *remedy, const char *format, ...)
    PRINTF_LIKE(4, 5);
size_t findings_refusals(const struct findings *f);

/* facts: one per host of inv, in its order; one with json NULL is a host that did not answer.
 * serial: that the user named, 0: none. */
void preflight_check(const struct inventory *inv, const struct bundle *bundle, int64_t serial,
                     const struct facts *facts, size_t host, struct findings *out);
/* What a host's clock is held against, as facts.clock_offset_ms: a control plane's, as it makes the
 * certificates, or ours (0) where this is one, or its clock is set by ours. *whom: in words. */
int64_t preflight_clock(const struct inventory *inv, const struct facts *facts, size_t host,
                        const char **whom);
/* Part of it (preflight-api.c): how nodes reach the API stays as it is, and the virtual IP is in
 * the network of each control plane. */
void preflight_api(const struct inventory *inv, const struct facts *facts, size_t host,
                   struct findings *out);
/* The same for the pods' network, which the cluster gets or has (coordinator/addons.h). */
void preflight_network(const struct inventory *inv, const char *network, const struct facts *own,
                       struct findings *out);
