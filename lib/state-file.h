/* Small files that safety depends on, such as whose bundles a host takes: a JSON object in its
 * canonical form and a newline, with a member "sha256" over the canonical form of all the others.
 * Anything else is damage, and damage is an error: never an empty state. */
#pragma once

#include "lib/error.h"
#include "lib/json.h"

#define STATE_FILE_MAX (4 * 1024 * 1024) /* bytes: a line of hosts.yaml each, of thousands */

/* 1 and the object without "sha256", which the caller owns; 0: there is no file; -EBADMSG: it is
 * damaged, and the remedy is the caller's. */
int state_file_read(const char *path, json_t **out, struct error *err);
/* Replaces the file atomically, mode 0600: 1; 0 when it was so. state is an object without a member
 * "sha256". */
int state_file_write(const char *path, const json_t *state, struct error *err);
