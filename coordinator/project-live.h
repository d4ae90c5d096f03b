/* What a cluster has of projects. */
#pragma once

#include "coordinator/inventory.h"
#include "coordinator/kubectl.h"
#include "lib/json.h"

struct project_live {
    json_t *spaces;  /* List of all namespaces */
    json_t *objects; /* List of the projects' objects, of the kinds that are rendered */
};

int project_live_get(const struct kubectl *k, struct project_live *out, struct error *err);
void project_live_release(struct project_live *l);
#define PROJECT_LIVE_INIT ((struct project_live){0})

/* Whose namespace it is: a project's name, or "". Borrowed. */
const char *project_owner_of(const json_t *space);
/* NULL: there is none of that name. Borrowed. */
const json_t *project_live_space(const struct project_live *l, const char *name);
/* -EEXIST with a remedy when the namespace is somebody else's. */
int project_live_check(const struct project_live *l, const struct project *p, struct error *err);
