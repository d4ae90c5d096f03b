/* What a stack is doing: ready, memory asked for and in use, by component. */
#pragma once

#include "coordinator/stack-work.h"
#include "lib/json.h"

#include <stdbool.h>

/* [{"component","version","ready","wanted","pods","memory_requested","memory_used" (left out when
 * the kubelets do not tell),"text"}], bytes; the caller owns *out. *all: whether all is ready. */
int stack_status(const struct stack_work *w, json_t **out, bool *all, struct error *err);

/* Appends what the kubelets of the nodes say that pods of `live` (an array) run on; nothing for one
 * that does not answer. -ECANCELED. */
int stack_fetch_summaries(const struct kubectl *k, const json_t *live, json_t *out,
                          struct error *err);

/* Pure: bytes that the pods of a component use (their working sets), of the kubelets' summaries
 * (an array); -1 when none of its pods is in them. */
int64_t stack_memory_used(const json_t *objects, const json_t *live, const json_t *summaries);
