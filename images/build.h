/* From a recipe to a bundle: sources, then layers, then images, in the recipe's order. Each result
 * is kept (images/cache.h), so an interrupted build goes on where it was. */
#pragma once

#include "images/trusted-keys.h"
#include "lib/error.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum build_event_kind {
    BUILD_WAITING,   /* another build has the cache */
    BUILD_COMPONENT, /* begins */
    BUILD_STEP,      /* what goes on in it */
    BUILD_DONE,      /* the component is in the bundle */
    BUILD_DELTA,     /* the delta of a component begins */
    BUILD_DELTA_DONE, /* it is in the bundle, or is of no use: size 0 */
};

struct build_event {
    enum build_event_kind kind;
    size_t index, total; /* components, or deltas from one base; index from 1 */
    const char *name;
    const char *text; /* STEP: a few words */
    bool fresh;       /* *DONE: something of it was made now */
    int64_t size;     /* *DONE: bytes of its blobs */
};

struct build_options {
    const char *recipe;  /* path */
    const char *out_dir;
    const char *cache_dir;
    const char *registry_config; /* folder of hosts.toml files (images/registry-hosts.h), or NULL */
    const struct strv *delta_bases; /* former bundles to make deltas from; NULL: none */
    const struct trusted_keys *next_keys; /* announced besides the recipe's; NULL: none */
    const struct strv *only; /* components of the recipe; NULL or empty: all */
    bool update_lock;    /* resolve anew what the lock file (images/lock.h) pins */
    const bool *cancel;  /* may be NULL; true: -ECANCELED */
    void (*report)(void *userdata, const struct build_event *event); /* may be NULL */
    void *userdata;
};

int build_bundle(const struct build_options *options, struct error *err);
