/* RECIPE.lock: what a recipe's sources were when they were first resolved, so that every later
 * build takes the same. A text file beside the recipe, to be kept under version control with it:
 *
 *   {
 *     "lock": 1,
 *     "deb": {"REQUEST": {"name=version": "sha256:…", …}},
 *     "maven": {"REQUEST": {"group:artifact:version": "sha256:…", …}},
 *     "oci": {"docker.io/library/busybox:1.36": "sha256:…"},
 *     "pypi": {"REQUEST": {"name==version": "sha256:…", …}},
 *     "url": {"https://…": "sha256:…"}
 *   }
 *
 * A request that needs others of its kind is pinned with all of them, as a set. Keys are sorted,
 * sections that are empty are left out; nothing else may be in it. */
#pragma once

#include "lib/cleanup.h"
#include "lib/error.h"
#include "lib/json.h"

#include <stdbool.h>

#define LOCK_SUFFIX ".lock" /* after the recipe's path */

enum lock_section { LOCK_OCI, LOCK_URL, LOCK_MAVEN, LOCK_PYPI, LOCK_DEB };

struct lock;
/* Reads a lock file; one that isn't there is empty. With `update` all of it counts as not resolved
 * yet, and what is not pinned again is dropped. */
int lock_open(const char *path, bool update, struct lock **out, struct error *err);
void lock_close(struct lock **l);
#define AUTO_LOCK CLEANUP(lock_close) struct lock

/* The digest, or the set of digests by name, that a request is pinned to; NULL when it isn't.
 * Borrowed until the next pin. */
const char *lock_get(const struct lock *l, enum lock_section section, const char *request);
const json_t *lock_get_set(const struct lock *l, enum lock_section section, const char *request);

/* Pins a request to a digest, or to a set (an object of valid digests, not empty). What is pinned
 * to something else is an error that names both: -EBADMSG. */
int lock_pin(struct lock *l, enum lock_section section, const char *request, const char *digest,
             struct error *err);
int lock_pin_set(struct lock *l, enum lock_section section, const char *request,
                 const json_t *set, struct error *err);

/* Writes the file when something of it has changed. */
int lock_save(struct lock *l, struct error *err);
