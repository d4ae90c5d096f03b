/* What a project of hosts.yaml is for the API (docs/projects.md): a namespace with roles, limits
 * and policies. Pure. */
#pragma once

#include "coordinator/inventory.h"
#include "lib/json.h"

#include <stdbool.h>

#define PROJECT_LABEL "bigtop.apache.org/project" /* of every object: whose line it follows from */
#define PROJECT_QUOTA "project"                   /* the ResourceQuota with hosts.yaml's numbers */
#define PROJECT_GROUP "bigtop:projects" /* of users' certificates; it has no rights of its own */

/* All of its objects, the namespace first, each with its namespace: a List, the caller's. Those in
 * other projects, and in the stack's namespace, let it in there. */
json_t *project_objects(const struct inventory *inv, const struct project *p);
/* Whether some of them are in the stack's namespace. */
bool project_enters_stack(const struct project *p);

enum project_role { PROJECT_STRANGER, PROJECT_SCIENTIST, PROJECT_OWNER };
enum project_role project_role_of(const struct project *p, const char *user);
/* NULL when there is none of that name. */
const struct project *project_find(const struct inventory *inv, const char *name);

/* Objects of a list (of what there is) that are the project's and that the rendered ones do not
 * have any more: a List of references, or NULL. The caller's. */
json_t *project_surplus(const struct project *p, const json_t *rendered, const json_t *there);
