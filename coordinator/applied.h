/* What this coordinator has installed on a cluster, so that it takes no older bundle for it by
 * mistake, or because somebody put one in the newer one's place:
 * $XDG_STATE_HOME/bigtop-bootstrap/CLUSTER-HASH.json (lib/state-file.h), HASH being of hosts.yaml's
 * real path:
 *
 *   {"cluster":"bigtop","hosts":"/…/hosts.yaml","serials":{"bigtop":N,…},"manifest":"sha256:…",
 *    "root":[]|["RW…"],"keys":["RW…",…]}
 *
 * serials: the highest that hosts have accepted, of each product. manifest: of the last bundle.
 * keys: who may sign the next one (images/bundle.h, bundle_successors). They stand in for root, the
 * key that the user names: so a bundle by an announced key is taken while hosts.yaml still names
 * the old one, and no bundle by the old one any more. */
#pragma once

#include "coordinator/inventory.h"
#include "images/bundle.h"
#include "lib/digest.h"
#include "lib/error.h"
#include "lib/json.h"

#include <stdint.h>

struct applied {
    char *path, *hosts; /* the file; hosts.yaml's real path */
    char *cluster;
    json_t *serials;
    char manifest[DIGEST_SIZE]; /* "": nothing was applied yet */
    struct trusted_keys root, keys;
};
void applied_release(struct applied *a);
#define AUTO_APPLIED CLEANUP(applied_release) struct applied

/* The path of a file of ours about this hosts.yaml, whose real path is *hosts; both are the
 * caller's. */
char *applied_path(const struct inventory *inv, const char *suffix, char **hosts);
/* Without a file everything is empty. -EBADMSG, with a remedy: it is damaged. */
int applied_load(const struct inventory *inv, struct applied *out, struct error *err);
/* Whom to trust when the user names these. */
void applied_trusted(const struct applied *a, const struct trusted_keys *named,
                     struct trusted_keys *out);
/* -ESTALE, with a remedy: a newer one was applied, and `serial` (0: none) is not this one's; or
 * `serial` is given, and the bundle has another. */
int applied_judge(const struct applied *a, const struct bundle *b, int64_t serial,
                  struct error *err);
/* Hosts have accepted the bundle. named: as in applied_trusted. */
int applied_save(struct applied *a, const struct bundle *b, const struct trusted_keys *named,
                 struct error *err);
