/* One bundle of several, as of Kubernetes and of a stack that runs on it. */
#pragma once

#include "images/bundle.h"
#include "lib/error.h"

#include <stddef.h>
#include <stdint.h>

/* Writes into a new or empty folder a bundle with all components, in the order of the bundles. What
 * several have is there once. serial 0: the highest of theirs. Nothing is signed, and no next_keys
 * are taken over: who signs the result says who signs its successors.
 *
 * -ENOTUNIQ, naming both bundles: another product, architecture or Kubernetes; a name or an image's
 * ref that means something else in each. -ENOTEMPTY. */
int bundle_merge(const struct bundle *bundles, size_t count, int64_t serial, const char *dir,
                 struct error *err);
