/* Names of images as people write them: [HOST/]PATH[:TAG][@DIGEST]. As with docker, a name without
 * a host is Docker Hub's, and there a name without a slash is one of library/; the tag is latest
 * when there is neither tag nor digest. Source: github.com/distribution/reference. */
#pragma once

#include "lib/cleanup.h"
#include "lib/error.h"

struct image_ref {
    char *host;       /* "docker.io", "registry.k8s.io", "127.0.0.1:5000" */
    char *repository; /* "library/busybox" */
    char *tag;        /* NULL when there is only a digest */
    char *digest;     /* "sha256:…", or NULL */
};
void image_ref_release(struct image_ref *r);
#define AUTO_IMAGE_REF CLEANUP(image_ref_release) struct image_ref

/* -EINVAL; leaves *out untouched then. */
int image_ref_parse(const char *text, struct image_ref *out, struct error *err);
/* HOST/PATH:TAG, what containerd calls the image; NULL without a tag. The caller frees. */
char *image_ref_name(const struct image_ref *r);
/* HOST/PATH[:TAG][@DIGEST]; the caller frees. */
char *image_ref_text(const struct image_ref *r);
