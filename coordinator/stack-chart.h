/* Helm charts as components (docs/STACK.md): `helm template` makes a file of the chart, which
 * kustomize then takes as any other. */
#pragma once

#include "coordinator/stack-profile.h"
#include "lib/error.h"
#include "lib/json.h"

#include <stdbool.h>

#define STACK_CHART_OUTPUT "chart.yaml"

/* Runs helm over the copy of a component in `dir`: its chart with its values becomes
 * STACK_CHART_OUTPUT there, and a kustomization.yaml of it where the component has none. version:
 * of the Kubernetes that it is for; NULL: whatever helm takes. */
int stack_chart_template(const char *helm, const struct stack_component *c, const char *dir,
                         const char *version, const bool *cancel, struct error *err);

/* Pure. The plain values of a tree by their paths ("image.tag"); those below a list, or a name with
 * a dot, have none. The caller's. */
json_t *stack_chart_values(const json_t *tree);
/* Puts them back into the tree. */
void stack_chart_set_values(json_t *tree, const json_t *values);
/* What is applied of a chart: all but hooks for other times than its installation, each in a
 * namespace: ours, where it names none. A new array; the caller's. */
json_t *stack_chart_objects(const json_t *objects);
