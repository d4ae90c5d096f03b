/* Which of a bundle's addons, and so which of its images, the cluster that hosts.yaml describes
 * gets. The only place that says so. Pure. */
#pragma once

#include "coordinator/run.h"
#include "images/bundle.h"
#include "lib/error.h"
#include "lib/json.h"

#include <stdbool.h>

#define NETWORK_CANAL "canal"
#define NETWORK_FLANNEL "flannel"

bool addons_is_network(const char *name);
/* The pod network: what hosts.yaml names; else what the cluster has; else canal where the bundle
 * has that and every image it needs, else flannel. Borrowed. Facts have to be there: after the gate
 * "probed" it is the same for all hosts. */
const char *addons_network(const struct run *run);
/* The bundle's addon of that name, or NULL. */
const struct component *addons_find(const struct bundle *b, const char *name);
/* True when the cluster gets this addon; of an image, when no addon or stack claims it, or an addon
 * that the cluster gets, or when the profile of hosts.yaml renders it. */
bool addons_wants(const struct run *run, const struct component *c);
/* -ENOENT, naming what is missing and how to get it, when hosts.yaml asks for an addon that the
 * bundle does not have or lacks images of. */
int addons_check(const struct inventory *inv, const struct bundle *b, struct error *err);
/* Sets the values by which the addon learns its images' full names. */
void addons_image_values(const struct bundle *b, const struct component *addon, json_t *values);
