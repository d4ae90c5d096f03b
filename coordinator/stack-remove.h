/* Takes components out of the cluster, last ones first. What holds data stays unless it is told to
 * go: claims, namespaces, CustomResourceDefinitions, and the secrets that data was made with. */
#pragma once

#include "coordinator/stack-work.h"
#include "coordinator/view.h"
#include "lib/strv.h"

#include <stdbool.h>

/* Which, in the order in which they go: those that are named, of the profile or of what was applied
 * before; none: all of the profile's. -ENOENT for one that is neither; -EBUSY when another that
 * runs comes after one of them. */
int stack_removal_choose(const struct stack_work *w, const struct strv *names, struct strv *out,
                         struct error *err);
/* The view's rows are these. Returns an enum exit_code; errors are reported. */
int stack_remove(const struct stack_work *w, const struct strv *order, bool delete_data,
                 struct view *v);

/* Pure: the order, each before those that it comes after. free() it. */
size_t *stack_reverse_order(const struct stack *s);
/* Pure: the same as stack_removal_choose; owned: what the cluster has (stack-owned.h). */
int stack_removal_order(const struct stack *s, const json_t *owned, const struct strv *names,
                        struct strv *out, struct error *err);
