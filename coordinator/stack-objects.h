/* What `stack apply` puts into the cluster, and takes out of it again: the namespace, a component's
 * objects. */
#pragma once

#include "coordinator/kubectl.h"
#include "coordinator/stack-profile.h"
#include "coordinator/stack-ready.h"
#include "coordinator/stack-render.h"

#include <stdbool.h>

#define STACK_MANAGER "bigtop-bootstrap" /* of fields, as of addons */
/* Words for kubectl_run; the objects are its standard input. */
extern const char *const stack_apply_words[], *const stack_create_words[];

/* Each sets *changed when something was made or changed, and leaves it otherwise. */
int stack_make_namespace(const struct kubectl *k, bool *changed, struct error *err);
int stack_apply_objects(const struct kubectl *k, const struct stack_rendered *r, bool *changed,
                        struct error *err);
/* Whether that would change something: asked of the API server, which changes nothing. */
int stack_would_change(const struct kubectl *k, const struct stack_rendered *r, bool *changed,
                       struct error *err);

/* One object as JSON. */
int stack_apply_object(const struct kubectl *k, const json_t *object, struct error *err);

/* Deletes what a list names, whatever of it there is. wait_ms: until it is gone; 0: not at all. */
int stack_delete_objects(const struct kubectl *k, const json_t *objects, int wait_ms,
                         struct error *err);
/* Adds to `live` what there is of what a list names, with its managed fields. -ENXIO when the
 * cluster does not know a kind among them. */
int stack_get_objects(const struct kubectl *k, const json_t *objects, json_t *live,
                      struct error *err);

/* Whether the cluster has what the stack takes (stack_fit): -ENOSPC with what is missing. */
int stack_check_room(const struct kubectl *k, const struct stack *s,
                     const struct stack_rendered *rendered, struct error *err);

/* What the cluster remembers: which profile was applied last, and which one passed its tests since
 * it changed. ConfigMaps of these names. *out: NULL when there was none; the caller's. */
#define STACK_APPLIED "bigtop-stack"
#define STACK_TESTED "bigtop-stack-tested"
int stack_remember(const struct kubectl *k, const char *record, const char *profile,
                   struct error *err);
int stack_recall(const struct kubectl *k, const char *record, char **out, struct error *err);

/* Workloads and pods of the namespaces that the components name; what stack_judge wants. */
int stack_fetch_live(const struct kubectl *k, const struct stack_rendered *rendered, size_t count,
                     json_t **out, struct error *err);
/* How far a component's objects are (stack_judge), or those of a job. */
int stack_look(const struct kubectl *k, const struct stack_rendered *r, struct stack_progress *out,
               struct error *err);

/* Pure: two arrays of objects are the same but for what the API server keeps of its own. */
bool stack_same_objects(const json_t *before, const json_t *after);
