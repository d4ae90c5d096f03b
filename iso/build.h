/* From a bundle to an image that machines start from (docs/iso.md). */
#pragma once

#include "images/bundle.h"
#include "images/trusted-keys.h"
#include "iso/steps.h"
#include "lib/error.h"
#include "lib/strv.h"

#include <stdbool.h>

struct iso_build {
    struct iso_steps steps;
    const struct bundle *bundle;
    const struct trusted_keys *bundle_keys;
    const struct strv *ssh_keys; /* lines of authorized_keys, at least one */
    const char *hosts;           /* hosts.yaml to have on it; NULL: none */
    const char *program;         /* the coordinator that is on it; for the bundle's architecture */
    const char *live;            /* a folder like iso/live; NULL: what is built in */
    bool update_lock;            /* pin the packages anew; needs `live` */
    const char *out;             /* -EEXIST when there is something */
};

/* For machines of the bundle's architecture. The same inputs and tools give the same bytes. -EPERM:
 * the program is for other machines. */
int iso_build(const struct iso_build *b, struct error *err);
