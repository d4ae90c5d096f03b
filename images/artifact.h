/* OCI artifacts (image spec 1.1): a manifest with the empty configuration "{}" and one blob. */
#pragma once

#include "images/layout.h"
#include "lib/error.h"
#include "lib/strbuf.h"

#include <stdint.h>

#define MEDIA_COMPONENT "application/vnd.bigtop.component.v1" /* type of files and addons */
#define MEDIA_LICENCES "application/vnd.bigtop.licenses.v1"
#define MEDIA_SPDX "application/spdx+json"

struct artifact {
    const char *type;  /* artifactType */
    const char *media; /* of the blob */
    const char *title; /* the file name that tools save it as */
    const char *digest;
    int64_t size;
};
/* Appends the manifest: bytes that depend on nothing but the above. */
void artifact_manifest(const struct artifact *a, struct strbuf *out);
/* Adds manifest and configuration to the layout; the blob is there already. */
int artifact_put(struct layout *l, const struct artifact *a, const char *ref, struct error *err);
