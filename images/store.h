/* Downloads, kept by their digest: CACHE/downloads/<64 hex>, and beside it the .part of one that
 * broke (images/fetch.h). Nothing in it is trusted: a file is used only after it was hashed. */
#pragma once

#include "lib/error.h"

#include <stdint.h>

/* Gets the bytes of the digest to `path`, or fails. */
typedef int (*store_fetch_fn)(void *userdata, const char *path, struct error *err);
/* Path of the file with these bytes (size -1: not known), fetched when it isn't there; the caller
 * frees it. */
int store_need(const char *cache_dir, const char *digest, int64_t size, store_fetch_fn fetch,
               void *userdata, char **path, struct error *err);
