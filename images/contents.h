/* What is in a bundle, and what of it a host lacks that has another one: for people to look at.
 * Sets of blobs are JSON objects, {"sha256:…":size}; the caller owns them. */
#pragma once

#include "images/bundle.h"
#include "lib/json.h"

#include <stddef.h>
#include <stdint.h>

#define CONTENTS_ALL_ROLES (COMPONENT_CONTROL_PLANE | COMPONENT_WORKER)

/* What a host gets of a component: each blob once, an image's manifest too. */
json_t *contents_of(const struct bundle *b, const struct component *c);
/* Of all components with one of these roles. */
json_t *contents_needed(const struct bundle *b, unsigned roles);
/* Blobs that several components have. */
json_t *contents_shared(const struct bundle *b);
/* Bytes of a set. */
int64_t contents_size(const json_t *blobs);

/* What a host with such roles, which has all it needs of one bundle, lacks of another. */
struct contents_upgrade {
    json_t *blobs;       /* a set, owned */
    int64_t size;        /* bytes of it */
    int64_t delta_size;  /* bytes when patches are sent where the new bundle has one that fits */
    size_t delta_count;  /* of them */
};
void contents_upgrade(const struct bundle *from, const struct bundle *to, unsigned roles,
                      struct contents_upgrade *out);
void contents_upgrade_release(struct contents_upgrade *u);

/* Where a component came from, in a few words: of "sources"; "" when it is not told. free() it. */
char *contents_source(const struct bundle *b, const struct component *c);
