/* Can hosts reach each other? One listens where nothing does yet, the others try. */
#pragma once

#include "lib/error.h"
#include "lib/json.h"

#define LISTEN_PORTS_MAX 64
#define LISTEN_SECONDS_MAX 120

/* Both take the params of the call and make its result (lib/protocol.h, CALLS); the caller owns it.
 * Addresses are numbers: nothing is resolved. A new listen ends the former one. */
int reach_listen(const json_t *params, json_t **result, struct error *err);
/* Ends what reach_listen started. */
void reach_listen_end(void);
int reach_targets(const json_t *params, json_t **result, struct error *err);
