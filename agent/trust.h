/* Whose bundles this host takes. AGENT_TRUST remembers it across runs and coordinators
 * (lib/state-file.h):
 *
 *   {"product":"bigtop","architecture":"amd64","serial":N,"manifest":"sha256:…","keys":["RW…",…]}
 *
 * keys: who may sign the next bundle (images/bundle.h, bundle_successors); empty as long as only
 * unsigned ones were accepted. serial: the highest of all that were accepted. manifest: the digest
 * of the accepted bundle's bigtop.json. The file goes with the state folder when the host is
 * reset. */
#pragma once

#include "images/bundle.h"
#include "lib/digest.h"
#include "lib/error.h"
#include "lib/json.h"

#include <stdint.h>

#define HOST_TRUST_REMEDY "`bigtop-bootstrap reset` lets the host begin anew"

struct host_trust {
    char *product, *architecture;
    int64_t serial;
    char manifest[DIGEST_SIZE];
    struct trusted_keys keys;
};
void host_trust_release(struct host_trust *t);
#define AUTO_HOST_TRUST CLEANUP(host_trust_release) struct host_trust

/* 1 and *out; 0: this host never accepted a bundle; -EBADMSG: the file is damaged. */
int host_trust_load(struct host_trust *out, struct error *err);
/* 1 written, 0 was so. */
int host_trust_save(const struct host_trust *t, struct error *err);

/* Pure: whether a host that has accepted `before` (NULL: nothing yet) may go on to this bundle,
 * whose signature was checked already. manifest: its digest; machine: `uname -m`; named: the serial
 * that was asked for by number, 0: none. -EPERM or -ESTALE, with the remedy. */
int host_trust_judge(const struct host_trust *before, const struct bundle *b, const char *manifest,
                     const char *machine, int64_t named, struct error *err);
/* What is trusted once it is accepted; the caller releases *out. */
void host_trust_after(const struct host_trust *before, const struct bundle *b,
                      const char *manifest, struct host_trust *out);
