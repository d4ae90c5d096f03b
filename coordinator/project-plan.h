/* What `project apply` would do. */
#pragma once

#include "coordinator/inventory.h"
#include "coordinator/kubectl.h"
#include "lib/strv.h"

/* A line for each difference is added to `lines`. k NULL: there is no cluster yet. Nothing is
 * changed. */
int project_plan(const struct kubectl *k, const struct inventory *inv, struct strv *lines,
                 struct error *err);
