/* Manifests and indexes as registries serve them: OCI image spec 1.1 and Docker's schema 2. What
 * they say is checked as far as anything is done with it. */
#pragma once

#include "lib/digest.h"
#include "lib/error.h"
#include "lib/json.h"

#include <stdbool.h>
#include <stdint.h>

#define OCI_MANIFEST_MAX (4 * 1024 * 1024) /* bytes; of a configuration, too */
#define OCI_LAYERS_MAX 512
#define OCI_BLOB_MAX (32LL << 30) /* bytes of a layer */

/* For Accept: all that oci_manifest_parse takes. */
#define OCI_ACCEPT \
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, " \
    "application/vnd.docker.distribution.manifest.v2+json, " \
    "application/vnd.docker.distribution.manifest.list.v2+json"

struct oci_descriptor {
    char digest[DIGEST_SIZE];
    int64_t size;
};

/* "linux/arm64/v8"; variant may be NULL. */
struct oci_platform {
    const char *os, *architecture, *variant;
};

struct oci_manifest {
    json_t *json;
    const char *media_type; /* borrowed from json, or static */
    bool is_index;
    struct oci_descriptor *blobs; /* no index: the configuration, then the layers */
    size_t count;
};
void oci_manifest_release(struct oci_manifest *m);
#define AUTO_MANIFEST CLEANUP(oci_manifest_release) struct oci_manifest

/* type: Content-Type, or NULL. -EBADMSG for what contradicts itself or is over a limit, -ENOTSUP
 * for what is well-formed but no image for containers (schema 1, artifacts, foreign layers).
 * Leaves *out untouched on failure. */
int oci_manifest_parse(const char *text, size_t len, const char *type, struct oci_manifest *out,
                       struct error *err);
/* The one of an index that is for the platform: the same variant, and without one rather the
 * baseline. -ENOENT says which platforms there are. */
int oci_index_choose(const struct oci_manifest *index, const struct oci_platform *platform,
                     struct oci_descriptor *out, struct error *err);
/* Whether a configuration (its text) is for the platform and has this many layers. */
int oci_config_check(const char *text, size_t len, const struct oci_platform *platform,
                     size_t layers, struct error *err);
