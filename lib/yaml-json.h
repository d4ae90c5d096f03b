/* YAML as JSON: of Kubernetes' objects, and of plain values. */
#pragma once

#include "lib/json.h"
#include "lib/yaml.h"

/* Plain scalars become what YAML 1.2's core schema says; a number that JSON does not have (octal,
 * hexadecimal, .inf, out of range) becomes text. The caller owns the result. */
json_t *yaml_to_json(const struct yaml_node *node);
