/* Gives projects what they get from the stack (coordinator/project-grant.h), and takes it back.
 * Components that the cluster does not have give nothing, silently. */
#pragma once

#include "coordinator/inventory.h"
#include "coordinator/kubectl.h"
#include "coordinator/view.h"
#include "lib/strv.h"

#include <stdbool.h>

struct project_granting {
    const struct kubectl *k;
    const struct inventory *inv;
    struct view *v; /* with a row for each project */
    bool again;     /* also where it is recorded as done */
    bool *changed;  /* of each project, set where something was done */
};

/* A component that is there and not ready is named and passed over. Returns an enum exit_code, with
 * every error reported. */
int project_grant_all(const struct project_granting *g);

/* What project_grant_all would do: for each project the words for it ("bucket") are added to its
 * strv of `due`. */
int project_grants_due(const struct kubectl *k, const struct inventory *inv, struct strv *due,
                       struct error *err);

/* The users of one project and their rights go; what is in the bucket and the topics as well, if
 * delete_data. -EAGAIN when a component is not ready. */
int project_take_back(const struct kubectl *k, const char *name, bool delete_data,
                      struct error *err);
