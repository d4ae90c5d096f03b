/* The last part of a build: patches (images/delta.h) from the blobs of former bundles. */
#pragma once

#include "images/build.h"
#include "images/cache.h"
#include "images/layout.h"
#include "lib/error.h"
#include "lib/json.h"

struct delta_build {
    const struct build_options *options; /* bases, cancel, report, cache_dir */
    struct cache *cache;
    struct layout *layout;
};

/* For each blob of a component that a base has not, but in whose place (the component of the same
 * name, the layer of the same number) the base has another one: puts the patch into the layout, if
 * it is much smaller than the blob, and lists it in the "deltas" of bigtop_json, whose "components"
 * and "blobs" are complete. */
int build_deltas(const struct delta_build *d, json_t *bigtop_json, struct error *err);
