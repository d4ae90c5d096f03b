/* What objects of the Kubernetes API have in common (meta/v1 ObjectMeta, List and Condition), and
 * what kubectl says of its API server. Pure; what is returned is borrowed from the object, and NULL
 * when it has none. */
#pragma once

#include "lib/json.h"

#include <stdbool.h>

bool kube_is_kind(const json_t *object, const char *kind);
const char *kube_name(const json_t *object); /* "" when it has none */
const json_t *kube_labels(const json_t *object);
const json_t *kube_spec(const json_t *object);
const json_t *kube_template(const json_t *workload); /* of its pods */
#define KUBE_HOSTNAME "kubernetes.io/hostname"       /* label of a node */

/* An object of kind List with these items, which it takes over. The caller's. */
json_t *kube_list(json_t *items);
/* Of a List, the first item with that name. */
const json_t *kube_find(const json_t *list, const char *name);

/* The condition of that type, if its status is this one ("True", "False" or "Unknown"); else NULL.
 */
const json_t *kube_condition(const json_t *object, const char *type, const char *status);

/* Of a List with Events, or NULL: the newest of type Warning whose involvedObject has all members
 * of `about`. */
const json_t *kube_newest_warning(const json_t *list, const json_t *about);

/* By the words of client-go and of the API server in what kubectl said: there was no connection;
 * the server, or its etcd, had no time to answer. */
bool kube_said_unreachable(const char *said);
bool kube_said_busy(const char *said);
