/* Where the content of an image came from, as containerd's own pull notes it (core/remotes/docker/
 * handler.go): on every blob the label "containerd.io/distribution.source.HOST" with the
 * repositories of that registry, sorted and joined by commas. */
#pragma once

#include "agent/step.h"
#include "lib/json.h"
#include "lib/strv.h"

/* Pure. What images (items of step import's parameter) ask for: {DIGEST:{LABEL:[REPOSITORY,…]}}.
 * The caller owns *out. */
json_t *images_sources(const json_t *images);
/* What `ctr content ls` prints, in the same form, as far as it is about sources. */
json_t *images_parse_content(const char *text);
/* {DIGEST:{LABEL:VALUE}}: what has to be set for `wanted` on blobs of `found` that are there. A
 * label that would be longer than containerd takes is left as it is. */
json_t *images_missing_sources(const json_t *wanted, const json_t *found);

/* What has to be set now. The caller owns *out. */
int images_unlabelled(const bool *cancel, const json_t *images, json_t **out, struct error *err);
int images_label(const struct step_context *ctx, const json_t *images, struct error *err);
