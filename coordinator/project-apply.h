/* Puts the projects of hosts.yaml into a cluster, and takes one out again. */
#pragma once

#include "coordinator/inventory.h"
#include "coordinator/kubectl.h"
#include "coordinator/view.h"

#include <stdbool.h>

/* A view with a row for each project. */
struct view *project_view(enum view_mode mode, const struct inventory *inv);
/* Does whatever differs from hosts.yaml; again: gives what the stack gives (coordinator/
 * project-grants.h) also where that is recorded as done. A namespace that is there and not ours is
 * refused before anything is changed. Projects that hosts.yaml does not have any more are named and
 * left alone. Returns an enum exit_code; errors and a summary are reported. */
int project_apply_all(const struct kubectl *k, const struct inventory *inv, struct view *v,
                      bool again);

/* Nobody of it gets in any more, neither here nor to its bucket and topics; nothing of it runs.
 * What is in these, claims, secrets, limits and policies stay, or go with the namespace if
 * delete_data. *claims: how many volume claims stayed. -ENOENT: there is no such project, -EPERM:
 * the namespace is somebody else's, -EAGAIN: a component of the stack is not ready. */
int project_remove(const struct kubectl *k, const char *name, bool delete_data, size_t *claims,
                   struct error *err);
