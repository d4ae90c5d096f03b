/* containerd's images of the namespace that Kubernetes uses, through the bundle's ctr. */
#pragma once

#include "agent/step.h"
#include "lib/digest.h"

#define IMAGES_NAMESPACE "k8s.io"

/* {"registry.k8s.io/pause:3.10":{"digest":"sha256:…","complete":bool,"pinned":bool},…}: complete
 * says that containerd has the whole content. The caller owns *out. */
int images_list(const bool *cancel, json_t **out, struct error *err);
/* Adds what `ctr images check` says, digest and completeness, to the object. For tests apart. */
void images_parse_check(const char *text, json_t *images);
/* Sets "pinned" in the members that are there from what `ctr images ls` says. */
void images_parse_labels(const char *text, json_t *images);

/* Imports the images (items of step import's parameter) as one stream. pinned: kubelet's garbage
 * collection must not remove them. */
int images_import(const struct step_context *ctx, const json_t *images, bool pinned,
                  struct error *err);
int images_pin(const struct step_context *ctx, const char *ref, struct error *err);
