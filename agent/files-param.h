/* The "files" array of a step's parameters: [{"path","content","mode"},…]
 * (lib/protocol.h, STEPS). */
#pragma once

#include "agent/step.h"
#include "lib/digest.h"

/* 1 when every file is there byte for byte and with its mode; 0 with the ones that are not added to
 * differences; -EINVAL when the array is malformed. No "files" at all is 1. */
int files_param_check(const json_t *params, struct strv *differences, struct error *err);
/* Writes what differs, through the ledger. 1 when something was written, 0 when nothing was. */
int files_param_apply(const struct step_context *ctx, const json_t *params, struct error *err);
/* Digest over paths, modes and contents: tells whether a service was started with these files. */
void files_param_digest(const json_t *params, char out[DIGEST_SIZE]);
