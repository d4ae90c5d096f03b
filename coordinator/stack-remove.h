/* Takes a profile's components out of the cluster, last ones first. What holds data stays unless it
 * is told to go: claims, namespaces, CustomResourceDefinitions, and the secrets that data was made
 * with. */
#pragma once

#include "coordinator/stack-work.h"
#include "coordinator/view.h"

#include <stdbool.h>

/* The view's rows are the components. Returns an enum exit_code; errors are reported. */
int stack_remove(const struct stack_work *w, bool delete_data, struct view *v);

/* Pure: the objects that are deleted first, as kubectl's input: no more than their names. The
 * caller's; NULL: there is none. */
json_t *stack_removable(const json_t *objects);
/* Pure: what is left of a component: its objects that hold data, the claims of its StatefulSets out
 * of a list of claims, and its secrets. The same. */
json_t *stack_data_of(const struct stack_component *c, const json_t *objects, const json_t *claims);
/* Pure: the order, each before those that it comes after. free() it. */
size_t *stack_reverse_order(const struct stack *s);
