/* Certificates for the web pages of a stack, of an authority of the cluster's own, which is the
 * Secret STACK_AUTHORITY (ca.crt, ca.key). People trust its ca.crt once. */
#pragma once

#include "coordinator/kubectl.h"
#include "coordinator/stack-profile.h"

#include <stdbool.h>

#define STACK_AUTHORITY "bigtop-authority"
/* How long one is valid, and how long it still has to be: browsers refuse longer ones. */
#define STACK_CERTIFICATE_DAYS 397
#define STACK_CERTIFICATE_DAYS_LEFT 132

/* Makes the component's certificates that are absent, and makes those anew that end soon or are for
 * other names: Secrets of type kubernetes.io/tls with tls.crt, tls.key and ca.crt. One that
 * somebody else made is theirs, and left alone. Nothing secret is shown. Sets *changed when it made
 * one. */
int stack_make_certificates(const struct kubectl *k, const struct stack_component *c, bool *changed,
                            struct error *err);
