/* An OCI archive (a tar of an OCI image layout, image spec 1.1) of images whose blobs lie in the
 * blob store, written as a stream: nothing is stored twice. */
#pragma once

#include "agent/step.h"

struct images_archive {
    const struct step_context *ctx;
    const json_t *images; /* items as in step import's parameter */
    int fd;               /* the stream; closed by images_archive_write */
};

/* Writes the whole stream. -ENOENT: a blob is not in the store; -EPIPE: the reader went away. */
int images_archive_write(struct images_archive *archive, struct error *err);
/* index.json: one manifest descriptor per image, named as containerd and skopeo read it. The caller
 * owns *out. */
int images_archive_index(const json_t *images, json_t **out, struct error *err);
/* Every blob that the images need, once, sorted: manifests, configurations, layers. */
void images_archive_blobs(const json_t *images, struct strv *digests);
/* -EINVAL unless each image has a full reference, a manifest and blobs with valid digests. */
int images_check_params(const json_t *images, struct error *err);
