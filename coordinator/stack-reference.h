/* References to objects of the API: apiVersion, kind, and metadata's name and namespace alone.
 * Pure. */
#pragma once

#include "lib/json.h"

#include <stdbool.h>

/* The caller's. space: NULL for none. */
json_t *stack_reference(const char *version, const char *kind, const char *name,
                        const char *space);
json_t *stack_reference_to(const json_t *object);
/* Adds one, unless the list has it. */
void stack_add_reference(json_t *list, const json_t *object);
/* Adds those to a component's objects; where all are in our namespace each says so. */
void stack_add_references(json_t *list, const json_t *objects);
bool stack_references_have(const json_t *list, const json_t *object);

/* The same object, whatever version of its kind is named. */
bool stack_is_same(const json_t *a, const json_t *b);
/* No object names a namespace but ours: kubectl is told it for those that name none. */
bool stack_is_at_home(const json_t *objects);
/* Claims, volumes, namespaces, CustomResourceDefinitions and secrets: they go only when somebody
 * says so. */
bool stack_holds_data(const json_t *object);
/* Whether a live object that a record names, with its managed fields, is what we applied, and not
 * what somebody else made in its place or controls. */
bool stack_is_ours(const json_t *live);
