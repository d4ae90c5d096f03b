/* Whose bundle a host takes: it is offered before any of its blobs is sent. */
#include "coordinator/program.h"
#include "lib/fd.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define ACCEPT_TIMEOUT_MS 60000

/* What the facts say of the bundle that the host has accepted. */
static bool is_accepted(const struct host_run *h)
{
    const struct bundle *b = h->run->bundle;
    const json_t *bundle = json_object_get(h->facts.json, "bundle");
    if (strcmp(json_get_string(bundle, "manifest", ""), b->digest) != 0)
        return false;
    return facts_trusts(&h->facts, b->signature.key_id);
}

/* From memory: the bytes that were verified, whatever became of the file. */
static int put_manifest(struct host_run *h, struct error *err)
{
    const struct bundle *b = h->run->bundle;
    AUTO_BLOB_SOURCE blob = {.fd = memfd_create(BUNDLE_MANIFEST, MFD_CLOEXEC)};
    if (blob.fd < 0)
        return error_errno(err, -errno, "make a file in memory");
    int r = fd_write_all(blob.fd, b->text, b->text_len);
    if (r < 0)
        return error_errno(err, r, "write a file in memory");
    blob.size = b->text_len;
    return session_put(h->session, b->digest, &blob, &h->sent, err);
}

static json_t *offer(const struct run *run)
{
    const struct bundle *b = run->bundle;
    json_t *params = json_pack("{s:s}", "manifest", b->digest);
    if (run->serial)
        json_object_set_new(params, "serial", json_integer(run->serial));
    if (!b->signature.key_id[0]) {
        json_object_set_new(params, "insecure", json_true());
        return params;
    }
    char key[PUBLIC_KEY_TEXT];
    public_key_text(&b->signature.key, key);
    json_object_set_new(params, "signature", json_string(b->signature_text));
    json_object_set_new(params, "keys", json_pack("[s]", key));
    return params;
}

static int offer_bundle(struct host_run *h, struct error *err)
{
    AUTO_JSON *result = NULL;
    int r = put_manifest(h, err);
    r = r < 0 ? r : run_call(h, "bundle", offer(h->run), ACCEPT_TIMEOUT_MS, &result, err);
    /* What preflight could not see; the host has the last word on what it takes. */
    return r == -EKEYREJECTED || r == -ESTALE || r == -EPERM ? run_refuse(h, err) : r;
}

int phase_bundle(struct host_run *h, struct error *err)
{
    const struct bundle *b = h->run->bundle;
    const json_t *known = json_object_get(h->facts.json, "bundle");
    bool is_other = strcmp(json_get_string(known, "manifest", ""), b->digest) != 0;
    if (is_other)
        strv_addf(&h->differences, "bundle: take %s, serial %lld", b->product,
                  (long long) b->serial);
    if (h->run->read_only)
        return 0;
    int r = is_accepted(h) ? 0 : offer_bundle(h, err);
    if (r < 0)
        return r;
    h->changed |= is_other;
    return run_accepted(h->run, err);
}
