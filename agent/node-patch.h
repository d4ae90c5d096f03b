/* Labels and taints of a node: what is there, what is asked for, and what we set formerly give a
 * merge patch. Pure. What others set is left alone: what we set is remembered in an annotation. */
#pragma once

#include "lib/error.h"
#include "lib/json.h"

#define NODE_APPLIED_ANNOTATION "bigtop.apache.org/applied"

/* node: as the API gives it; wanted: {"name","labels":{…},"taints":["key=value:Effect",…]}. *out is
 * NULL when nothing has to be done, else the patch, with the node's resourceVersion, so that it
 * fails when the node changed meanwhile; the caller owns it. -EINVAL: a label or taint is
 * malformed. */
int node_patch(const json_t *node, const json_t *wanted, json_t **out, struct error *err);
