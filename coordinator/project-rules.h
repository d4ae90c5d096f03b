/* What owners and scientists may do in their namespace. */
#pragma once

#include "coordinator/project.h"
#include "lib/json.h"

/* The rules of a Role; the caller's. */
json_t *project_rules(enum project_role role);
