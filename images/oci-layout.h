/* Folders that are an OCI image layout (image spec 1.1) with one image: what the source `oci`
 * makes, and what `skopeo copy … oci:DIR` does. */
#pragma once

#include "images/oci-manifest.h"

#define OCI_LAYOUT_MARKER "{\"imageLayoutVersion\":\"1.0.0\"}"

struct oci_image {
    struct oci_descriptor manifest;
    struct oci_manifest parsed; /* no index */
};
void oci_image_release(struct oci_image *i);
#define AUTO_OCI_IMAGE CLEANUP(oci_image_release) struct oci_image

/* The image for the platform; its manifest and configuration are hashed and checked, the layers are
 * not looked at. -EBADMSG, -ENOTSUP, -ENOENT (also: there are several for it). */
int oci_layout_read(const char *dir, const struct oci_platform *platform, struct oci_image *out,
                    struct error *err);
/* Path of a blob in the folder; the caller frees. */
char *oci_layout_blob(const char *dir, const char *digest);
/* Writes oci-layout and index.json of a folder that has the blobs already. */
int oci_layout_write(const char *dir, const struct oci_descriptor *manifest,
                     const char *media_type, struct error *err);
