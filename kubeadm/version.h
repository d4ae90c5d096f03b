/* Kubernetes versions: "v1.34.4", "v1.35.0-rc.1", as semver.org has them. */
#pragma once

#include "lib/error.h"

#include <stdbool.h>

#define KUBE_PRERELEASE_MAX 32

struct kube_version {
    unsigned major, minor, patch;
    char prerelease[KUBE_PRERELEASE_MAX]; /* "rc.1", or "" */
};

/* "v" is optional, build metadata ("+…") is not accepted. -EINVAL; *out untouched on failure. */
int kube_version_parse(const char *text, struct kube_version *out, struct error *err);
