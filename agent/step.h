/* Steps: what the agent can do to a host. One file step-NAME.c and one row in step.c each.
 * A step is check → apply → verify, each idempotent; whatever apply creates or changes is written
 * to the ledger before it is done. Parameters and results: lib/protocol.h. */
#pragma once

#include "agent/ledger.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <stdint.h>

struct step_context {
    struct ledger *ledger;
    const bool *cancel; /* true: stop at the next safe place, -ECANCELED */
    void (*progress)(void *userdata, const char *text, int64_t done, int64_t total);
    void *userdata;
};

struct step {
    const char *name;
    /* 1: nothing to do; 0: to do, each difference added in words a user understands; -errno:
     * cannot be done here, err says why and the remedy. Changes nothing, ever. */
    int (*check)(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err);
    /* Members for the result are set in `result` (an object). */
    int (*apply)(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err);
    /* May be NULL: then check is asked again and must say 1. */
    int (*verify)(const struct step_context *ctx, const json_t *params, struct error *err);
};

const struct step *step_find(const char *name); /* NULL when there is none */

/* check, and if there is something to do: apply, verify, ledger_step_done. *result (the caller's)
 * is an object with "changed" and what apply set. */
int step_run(const struct step *step, const struct step_context *ctx, const json_t *params,
             json_t **result, struct error *err);

/* Each step's descriptor, defined in its own file. */
extern const struct step step_disks, step_firewall, step_host, step_unpack, step_runtime,
    step_import, step_kubelet, step_init, step_token, step_balancer, step_certs, step_members,
    step_join, step_label, step_addon, step_netcheck, step_nfs, step_clock, step_remove, step_reset;

/* Shorthand for ctx->progress, which may be NULL. */
void step_progress(const struct step_context *ctx, int64_t done, int64_t total, const char *format,
                   ...) PRINTF_LIKE(4, 5);
