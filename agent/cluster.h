/* What the API server of this control plane says about the cluster: the call "cluster"
 * (lib/protocol.h, CALLS), and what steps need of it. */
#pragma once

#include "lib/error.h"
#include "lib/json.h"

#include <stdbool.h>

/* The result of the call "cluster"; the caller owns *out. -ENOENT: not a control plane. */
int cluster_list(bool events, json_t **out, struct error *err);

/* -ENOENT with words for the user when this host has no admin.conf. */
int cluster_need_control_plane(struct error *err);
/* True when the object (a Node or Pod, as the API gives it) has the condition Ready. */
bool cluster_is_ready(const json_t *object);
/* A list of Nodes, Pods and Events, as the API gives it, made into the result of "cluster". */
json_t *cluster_summarise(const json_t *list);
