/* What may go from the blob store when a host gets another bundle. */
#pragma once

#include "images/bundle.h"
#include "lib/error.h"

#include <stddef.h>

/* Removes every blob that none of these bundles lists, but for `manifest`, the digest of the
 * accepted bigtop.json. What is under way (".part", ".chunks") is left to who brings it. */
int blobs_prune(const struct bundle *const *bundles, size_t count, const char *manifest,
                struct error *err);
