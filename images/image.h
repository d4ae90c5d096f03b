/* OCI images (image spec 1.1): configuration and manifest, as bytes that depend on nothing but the
 * recipe and the layers. */
#pragma once

#include "images/recipe.h"
#include "lib/digest.h"
#include "lib/json.h"
#include "lib/strbuf.h"

#include <stdint.h>

#define MEDIA_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_INDEX "application/vnd.oci.image.index.v1+json"
#define MEDIA_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIA_LAYER "application/vnd.oci.image.layer.v1.tar+zstd"
#define MEDIA_EMPTY "application/vnd.oci.empty.v1+json"

#define IMAGE_JSON_MAX (4 * 1024 * 1024) /* what containerd accepts */

struct image_layer {
    char digest[DIGEST_SIZE];  /* of the compressed tar */
    char diff_id[DIGEST_SIZE]; /* of the plain tar */
    int64_t size;              /* of the compressed tar */
};

/* Appends the configuration; layers from the bottom up. */
void image_config(const struct recipe *r, const struct recipe_component *c,
                  const struct image_layer *layers, size_t count, struct strbuf *out);
/* Appends the manifest of an image. */
void image_manifest(const char *config, int64_t config_size, const struct image_layer *layers,
                    size_t count, struct strbuf *out);
/* {"mediaType", "digest", "size"}; the caller owns it. */
json_t *image_descriptor(const char *media, const char *digest, int64_t size);
/* Appends an index of one manifest. */
void image_index(const char *media_type, const char *digest, int64_t size,
                 const char *architecture, struct strbuf *out);
