/* The table of calls that answer once and may block: each runs in a thread of its own. hello, run,
 * put and exchange, which are conversations, are session.c's. */
#pragma once

#include "agent/jobs.h"
#include "agent/ledger.h"
#include "lib/error.h"
#include "lib/json.h"

#include <stdbool.h>

struct call_context {
    struct ledger *ledger;
    struct jobs *jobs;
    const struct step *(*find_step)(const char *name);
    const bool *cancel; /* the service ends */
};

struct call {
    const char *name;
    bool changes; /* the host: it needs the lock */
    /* The caller owns *result, an object. */
    int (*run)(const struct call_context *ctx, const json_t *params, json_t **result,
               struct error *err);
};

const struct call *call_find(const char *name); /* NULL when there is none */
