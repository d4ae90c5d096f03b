/* The "sysctls" parameter of step host: {"net.ipv4.ip_forward":"1",…}. A key that this kernel does
 * not have is left out: what depends on it is not in this kernel either. */
#pragma once

#include "agent/step.h"

/* 1, 0 with differences, -EINVAL when a key or value is malformed. */
int sysctls_check(const json_t *params, struct strv *differences, struct error *err);
int sysctls_apply(const struct step_context *ctx, const json_t *params, struct error *err);
/* "net.ipv4.ip_forward" → "/proc/sys/net/ipv4/ip_forward"; a slash in a key stands for a dot in a
 * name (sysctl(8)). NULL when the key is malformed. The caller frees. */
char *sysctls_path(const char *key);
