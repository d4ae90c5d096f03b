/* The bundle that this host has accepted: AGENT_BUNDLE_DIR has its bigtop.json and signature. Steps
 * use blobs only when it lists them. Functions may be called from any thread. */
#pragma once

#include "images/bundle.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <stdint.h>

/* The call "bundle" (lib/protocol.h): verifies before it parses, judges (agent/trust.h), and only
 * then writes bigtop.json, the signature, and last what is trusted from now on: a power cut in
 * between leaves the host without an accepted bundle until it is offered again. Blobs that neither
 * this bundle nor the one before it lists are removed: those of the one before are what patches of
 * this one begin from. */
int host_bundle_accept(const json_t *params, bool *changed, struct error *err);
/* The accepted bundle, without a folder. -ENOENT: there is none; -EBADMSG: what is trusted is
 * damaged. */
int host_bundle_load(struct bundle *out, struct error *err);
/* 0 when the accepted bundle lists every one of them; else -EKEYREJECTED and the first that is
 * not, or -EBADMSG. */
int host_bundle_need(const struct strv *digests, struct error *err);
/* Whether the blob may be put: the accepted bundle lists it with this size, or it may be the
 * bigtop.json of the next. -EKEYREJECTED, -EBADMSG. */
int host_bundle_may_put(const char *digest, uint64_t size, struct error *err);
/* The facts' "bundle" (agent/facts.h); the caller owns it. */
json_t *host_bundle_facts(void);
