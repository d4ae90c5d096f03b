/* Kubernetes versions: "v1.34.4", "v1.35.0-rc.1", and what may stand beside what.
 * Source: kubernetes.io/releases/version-skew-policy and semver.org, 11 (precedence). */
#pragma once

#include "lib/error.h"

#include <stdbool.h>

#define KUBE_PRERELEASE_MAX 32
#define KUBE_KUBELET_SKEW 3 /* minors that a kubelet may be behind its API server */

struct kube_version {
    unsigned major, minor, patch;
    char prerelease[KUBE_PRERELEASE_MAX]; /* "rc.1", or "" */
};

/* "v" is optional, build metadata ("+…") is not accepted. -EINVAL; *out untouched on failure. */
int kube_version_parse(const char *text, struct kube_version *out, struct error *err);
/* < 0, 0, > 0: by semver precedence, so that a pre-release comes before its release. */
int kube_version_compare(const struct kube_version *a, const struct kube_version *b);
/* The minors are counted within one major; another major is never accepted. */
bool kube_version_kubelet_fits(const struct kube_version *kubelet,
                               const struct kube_version *api_server);
/* 0 when a cluster may go from one to the other in one step: same minor or the next one, never
 * back. -EINVAL with the version to go to first as remedy. The same version is fine. */
int kube_version_upgrade_check(const struct kube_version *from, const struct kube_version *to,
                               struct error *err);
