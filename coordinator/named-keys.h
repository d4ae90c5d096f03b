/* Whose bundles may be installed: the keys that the user names, all of them together:
 * --key NAME.pub, `bundle_keys` of hosts.yaml, and every *.pub in
 * $XDG_CONFIG_HOME/bigtop-bootstrap/trusted. */
#pragma once

#include "coordinator/inventory.h"
#include "images/bundle.h"
#include "lib/error.h"
#include "lib/strv.h"

/* Adds them; none at all is no error. paths: of --key. */
int named_keys_load(const struct inventory *inv, const struct strv *paths,
                    struct trusted_keys *out, struct error *err);
