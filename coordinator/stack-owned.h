/* What of the cluster is a component's: references to what was applied for it and may still be
 * there, in a ConfigMap for each component. By it goes what a component no longer renders, and a
 * component that is in no profile any more. */
#pragma once

#include "coordinator/stack-work.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/strv.h"

#include <stdbool.h>

/* *out: an object of arrays of references, by component; the caller's. */
int stack_owned_load(const struct kubectl *k, json_t **out, struct error *err);
/* Adds references to what a component renders, and to its secrets, to `owned` and to the cluster,
 * if any is new. To be done before they are applied. */
int stack_owned_add(const struct stack_work *w, size_t i, json_t *owned, struct error *err);
/* Deletes those of the list that were applied by us, and are no part of something else. Names them
 * in `removed` ("ConfigMap x"), and the claims of StatefulSets among them as references in `data`.
 * wait_ms: until each is gone; 0: not at all. */
int stack_owned_delete(const struct kubectl *k, const json_t *list, int wait_ms,
                       struct strv *removed, json_t *data, struct error *err);
/* That is what the component has from now on, here and in the cluster; nothing: forgets it. */
int stack_owned_set(const struct kubectl *k, const char *component, json_t *list, json_t *owned,
                    struct error *err);
/* Takes out of the cluster what a component no longer renders, and names it in `removed`. */
int stack_owned_prune(const struct stack_work *w, size_t i, json_t *owned, struct strv *removed,
                      struct error *err);

/* Pure: references to all that a component has or renders, but what another one has. The caller's.
 */
json_t *stack_owned_all(const struct stack_work *w, const char *component, const json_t *owned);
/* Pure. Of a component's references: those that hold no data and that no component of the profile
 * renders, nor one that is in no profile has. An array; the caller's. */
json_t *stack_surplus(const struct stack *s, const struct stack_rendered *rendered,
                      const json_t *owned, const char *component);
/* Pure: components that the cluster has, and the profile has not; not those of which data is left
 * alone. */
void stack_find_gone(const struct stack *s, const json_t *owned, struct strv *out);
