/* What objects of the Kubernetes API have in common (meta/v1 ObjectMeta and Condition). Pure; what
 * is returned is borrowed from the object. */
#pragma once

#include "lib/json.h"

#include <stdbool.h>

bool kube_is_kind(const json_t *object, const char *kind);
const char *kube_name(const json_t *object); /* "" when it has none */
/* The condition of that type, if its status is this one ("True", "False" or "Unknown"); else NULL.
 */
const json_t *kube_condition(const json_t *object, const char *type, const char *status);
