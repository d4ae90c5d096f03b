/* What one image has over the live root: our program, whom it trusts, and what it was given. A
 * layer of its own, so that the root is made once. */
#pragma once

#include "images/trusted-keys.h"
#include "iso/steps.h"
#include "lib/error.h"
#include "lib/strv.h"

#include <stdint.h>

/* Where it is on the booted machine. */
#define ISO_PROGRAM "usr/bin/bigtop-bootstrap"
#define ISO_CONFIG "etc/bigtop"
#define ISO_AUTHORIZED ISO_CONFIG "/authorized_keys"
#define ISO_HOSTS ISO_CONFIG "/hosts.yaml"

struct iso_site {
    const char *live;      /* a folder like iso/live; all of its site/ is taken */
    const char *program;   /* the coordinator */
    const char *hosts;     /* hosts.yaml; NULL: none */
    const struct strv *ssh_keys; /* lines of authorized_keys: who may log in as root */
    const struct trusted_keys *bundle_keys;
    int64_t epoch; /* time stamp of all; the booted machine's clock is never before it */
};

int iso_site_make(const struct iso_steps *s, const struct iso_site *site, const char *squashfs,
                  struct error *err);
/* Pure. A public key as ssh-keygen writes it, in one line without options: the line without its
 * newline into *out (free() it). -EINVAL: a private key, several lines, something else. */
int iso_ssh_key(const char *text, size_t len, char **out, struct error *err);
