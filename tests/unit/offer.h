/* A bundle that is offered to the host of a test: its bigtop.json in the blob store, and the
 * parameters of the call "bundle". Include after unit.h; agent_root_set must point at a folder. */
#pragma once

#include "agent/blobs.h"
#include "agent/host-bundle.h"
#include "lib/architecture.h"
#include "lib/digest.h"
#include "lib/fd.h"
#include "lib/json.h"

#include <sys/utsname.h>

#define OFFER_SIZE 5 /* of every blob that it lists */

struct offered {
    const char *product, *architecture; /* NULL: "bigtop"; this machine's */
    int64_t serial;                     /* 0: 1 */
    const struct secret_key *key;       /* signs it; NULL: not signed, insecure */
    const struct secret_key *next;      /* announced; NULL: none */
    const char *const *digests;         /* that it lists, up to a NULL; NULL: one */
};

static inline const char *this_architecture(void)
{
    static struct utsname machine;
    uname(&machine);
    return architecture_of_machine(machine.machine);
}

static inline json_t *offer_blobs(const struct offered *o)
{
    static const char *const one[] = {
        "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL};
    json_t *blobs = json_object();
    for (const char *const *d = o->digests ? o->digests : one; *d; d++)
        json_object_set_new(blobs, *d, json_integer(OFFER_SIZE));
    return blobs;
}

static inline char *offer_manifest(const struct offered *o)
{
    json_t *blobs = offer_blobs(o);
    AUTO_JSON *json =
        json_pack("{s:i, s:s, s:s, s:I, s:s, s:[{s:s, s:s, s:s, s:[s], s:s}], s:o}", "schema",
                  BUNDLE_SCHEMA, "product", o->product ? o->product : "bigtop", "architecture",
                  o->architecture ? o->architecture : this_architecture(), "serial",
                  (json_int_t) (o->serial ? o->serial : 1), "kubernetes", "v1.34.4", "components",
                  "name", "tools", "kind", "files", "version", "v1", "roles", "worker", "blob",
                  json_object_iter_key(json_object_iter(blobs)), "blobs", blobs);
    if (o->next) {
        char text[PUBLIC_KEY_TEXT];
        public_key_text(&o->next->public_key, text);
        json_object_set_new(json, "next_keys", json_pack("[s]", text));
    }
    return json_canonical(json);
}

/* Parameters of the call; its manifest is in the blob store. The caller owns them. */
static inline json_t *offer_params(const struct offered *o)
{
    char digest[DIGEST_SIZE];
    AUTO_FREE char *text = offer_manifest(o);
    digest_buffer(text, strlen(text), digest);
    AUTO_FREE char *path = blob_path(digest);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
    if (!o->key)
        return json_pack("{s:s, s:b}", "manifest", digest, "insecure", true);
    STRBUF(signature, SIGNATURE_MAX);
    char key[PUBLIC_KEY_TEXT];
    assert_int_equal(signature_make(o->key, text, strlen(text), "test", &signature, NULL), 0);
    public_key_text(&o->key->public_key, key);
    return json_pack("{s:s, s:s, s:[s]}", "manifest", digest, "signature", signature.data, "keys",
                     key);
}

static inline int offer_accept(const struct offered *o, struct error *err)
{
    bool changed = false;
    AUTO_JSON *params = offer_params(o);
    return host_bundle_accept(params, &changed, err);
}

/* For tests whose subject is what comes after: the host has accepted a bundle with these blobs. */
static inline void offer_blob(const char *digest)
{
    const char *const digests[] = {digest, NULL};
    const struct offered o = {.digests = digests};
    assert_int_equal(offer_accept(&o, NULL), 0);
}
