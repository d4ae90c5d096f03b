#include "agent/host-bundle.h"

#include "agent/blobs-prune.h"
#include "agent/blobs.h"
#include "agent/paths.h"
#include "agent/trust.h"
#include "lib/digest.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/protocol.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The bigtop.json that was the host's before: what it lists may be what a patch is for. */
#define FORMER_MANIFEST "former.json"

/* Accepting writes several files. */
static pthread_mutex_t files_mutex = PTHREAD_MUTEX_INITIALIZER;

static char *bundle_file(const char *name)
{
    AUTO_FREE char *dir = agent_path(AGENT_BUNDLE_DIR);
    return path_join(dir, name);
}

/* What the call's parameters say; borrowed from them, but for the keys. */
struct offer {
    const char *manifest, *signature;
    struct trusted_keys keys;
    int64_t serial;
    bool insecure;
};

static void offer_release(struct offer *o)
{
    trusted_keys_release(&o->keys);
}

static int parse_offer(const json_t *params, struct offer *o, struct error *err)
{
    const json_t *keys = json_object_get(params, "keys");
    int r = json_need_string(params, "manifest", &o->manifest, err);
    if (r < 0 || (keys && (r = trusted_keys_from_json(&o->keys, keys, err)) < 0))
        return r;
    o->signature = json_get_string(params, "signature", NULL);
    o->serial = json_get_int(params, "serial", 0);
    o->insecure = json_get_bool(params, "insecure", false);
    if (!digest_is_valid(o->manifest))
        return error_set(err, -EINVAL, "bundle: the digest of its manifest is malformed");
    if (o->insecure && (o->signature || o->keys.count))
        return error_set(err, -EINVAL, "bundle: either a signature, or none at all");
    if (o->insecure || o->signature)
        return 0;
    error_set(err, -EKEYREJECTED, "the bundle is not signed");
    (void) error_remedy(err, "take a signed bundle, or let it in with --insecure-bundle");
    return -EKEYREJECTED;
}

/* Hashed again as it is read: these bytes are what is verified and parsed. */
static int read_manifest(const char *digest, struct strbuf *text, struct error *err)
{
    char found[DIGEST_SIZE];
    AUTO_FREE char *path = blob_path(digest);
    int r = file_read(path, text, err);
    if (r < 0)
        return r;
    digest_buffer(text->data, text->len, found);
    return strcmp(found, digest) == 0 ? 0 : error_set(err, -EBADMSG, "%s was altered", path);
}

/* Before a byte of the text is looked at. Whom this host trusts comes first; who offers the bundle
 * is asked only by a host that trusts nobody yet. */
static int check_signature(const struct offer *o, const struct host_trust *before,
                           const struct strbuf *text, struct signature *out, struct error *err)
{
    bool has_pins = before && before->keys.count > 0;
    if (o->insecure && has_pins) {
        error_set(err, -EKEYREJECTED, "this host takes signed bundles only, as it has had one");
        (void) error_remedy(err, "take a signed one; " HOST_TRUST_REMEDY);
        return -EKEYREJECTED;
    }
    if (o->insecure)
        return 0;
    int r = signature_check(o->signature, strlen(o->signature), text->data, text->len,
                            has_pins ? &before->keys : &o->keys, out, err);
    if (r < 0)
        (void) error_prefix(err, "the bundle's signature");
    return r;
}

/* The text that the host's trust names; one that a power cut left half exchanged is none. */
static int load_text(const struct host_trust *trust, struct strbuf *text, struct error *err)
{
    char found[DIGEST_SIZE];
    AUTO_FREE char *path = bundle_file(BUNDLE_MANIFEST);
    int r = file_read(path, text, err);
    if (r < 0 && r != -E2BIG)
        return r;
    digest_buffer(text->data, text->len, found);
    return r == 0 && strcmp(found, trust->manifest) == 0
               ? 0
               : error_set(err, -ENOENT, "%s is not the one that was accepted", path);
}

static int load(struct bundle *out, struct error *err)
{
    AUTO_HOST_TRUST trust = {0};
    STRBUF(text, BUNDLE_MANIFEST_MAX);
    int r = host_trust_load(&trust, err);
    if (r == 0)
        return error_set(err, -ENOENT, "no bundle was accepted yet");
    if (r < 0 || (r = load_text(&trust, &text, err)) < 0)
        return r;
    return bundle_parse(text.data, text.len, BUNDLE_MANIFEST, out, err);
}

static int write_file(const char *name, const char *data, size_t len, bool *changed,
                      struct error *err)
{
    AUTO_FREE char *path = bundle_file(name);
    if (file_is(path, data, len, 0600) == 1)
        return 0;
    *changed = true;
    return file_write_atomic(path, data, len, 0600, err);
}

static int remove_signature(bool *changed, struct error *err)
{
    AUTO_FREE char *path = bundle_file(BUNDLE_SIGNATURE);
    if (unlink(path) == 0) {
        *changed = true;
        return 0;
    }
    return errno == ENOENT ? 0 : error_errno(err, -errno, "remove %s", path);
}

/* A crash later on may leave no bundle accepted: then the former one is known already. */
static int remember_former(const char *manifest, struct error *err)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    char digest[DIGEST_SIZE];
    bool changed = false;
    if (load(&b, NULL) < 0)
        return 0;
    digest_buffer(b.text, b.text_len, digest);
    return strcmp(digest, manifest) == 0
               ? 0
               : write_file(FORMER_MANIFEST, b.text, b.text_len, &changed, err);
}

/* That something cannot be removed is no reason to refuse the bundle. */
static void prune(const struct bundle *now, const char *manifest)
{
    CLEANUP(bundle_release) struct bundle former = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    STRBUF(text, BUNDLE_MANIFEST_MAX);
    AUTO_FREE char *path = bundle_file(FORMER_MANIFEST);
    int r = file_read(path, &text, &err);
    bool has_former = r == 0 && (r = bundle_parse(text.data, text.len, path, &former, &err)) == 0;
    const struct bundle *bundles[] = {now, &former};
    if (has_former || r == -ENOENT)
        r = blobs_prune(bundles, has_former ? 2 : 1, manifest, &err);
    if (r < 0)
        fprintf(stderr, "blobs of old bundles stay: %s\n", err.text);
}

static int keep(const struct offer *o, const struct strbuf *text, const struct host_trust *after,
                bool *changed, struct error *err)
{
    AUTO_FREE char *dir = agent_path(AGENT_BUNDLE_DIR);
    int r = path_mkdir_p(dir, 0700, err);
    r = r < 0 ? r : remember_former(o->manifest, err);
    r = r < 0 ? r : write_file(BUNDLE_MANIFEST, text->data, text->len, changed, err);
    if (r >= 0)
        r = o->signature
                ? write_file(BUNDLE_SIGNATURE, o->signature, strlen(o->signature), changed, err)
                : remove_signature(changed, err);
    r = r < 0 ? r : host_trust_save(after, err);
    *changed |= r == 1;
    return r < 0 ? r : 0;
}

static int judge_and_keep(const struct offer *o, const struct host_trust *before,
                          const struct strbuf *text, bool *changed, struct error *err)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    CLEANUP(signature_release) struct signature signature = {0};
    AUTO_HOST_TRUST after = {0};
    struct utsname machine;
    int r;
    if ((r = check_signature(o, before, text, &signature, err)) < 0 ||
        (r = bundle_parse(text->data, text->len, BUNDLE_MANIFEST, &b, err)) < 0)
        return r;
    b.signature = signature;
    signature = (struct signature){0};
    uname(&machine);
    r = host_trust_judge(before, &b, o->manifest, machine.machine, o->serial, err);
    if (r < 0)
        return r;
    host_trust_after(before, &b, o->manifest, &after);
    r = keep(o, text, &after, changed, err);
    if (r == 0 && *changed)
        prune(&b, o->manifest);
    return r;
}

static int accept_offer(const struct offer *o, bool *changed, struct error *err)
{
    AUTO_HOST_TRUST before = {0};
    STRBUF(text, BUNDLE_MANIFEST_MAX);
    int known = host_trust_load(&before, err);
    int r = known < 0 ? known : read_manifest(o->manifest, &text, err);
    return r < 0 ? r : judge_and_keep(o, known ? &before : NULL, &text, changed, err);
}

int host_bundle_accept(const json_t *params, bool *changed, struct error *err)
{
    CLEANUP(offer_release) struct offer o = {0};
    int r = parse_offer(params, &o, err);
    if (r < 0)
        return r;
    pthread_mutex_lock(&files_mutex);
    r = accept_offer(&o, changed, err);
    pthread_mutex_unlock(&files_mutex);
    return r;
}

int host_bundle_load(struct bundle *out, struct error *err)
{
    pthread_mutex_lock(&files_mutex);
    int r = load(out, err);
    pthread_mutex_unlock(&files_mutex);
    return r;
}

static int not_listed(const char *digest, struct error *err)
{
    error_set(err, -EKEYREJECTED, "%s is not of the bundle that this host has accepted", digest);
    (void) error_remedy(err, "run again: the bundle is offered first, then used");
    return -EKEYREJECTED;
}

/* Leaves *out empty where there is none: it lists nothing. */
static int load_any(struct bundle *out, struct error *err)
{
    struct error why = ERROR_INIT;
    int r = host_bundle_load(out, &why);
    if (r == 0 || r == -ENOENT)
        return 0;
    if (err)
        *err = why;
    return r;
}

int host_bundle_need(const struct strv *digests, struct error *err)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    int r = load_any(&b, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < digests->count; i++)
        if (bundle_blob_size(&b, digests->items[i]) < 0)
            return not_listed(digests->items[i], err);
    return 0;
}

int host_bundle_may_put(const char *digest, uint64_t size, struct error *err)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    int r = load_any(&b, err);
    if (r < 0)
        return r;
    int64_t listed = bundle_blob_size(&b, digest);
    if (listed < 0)
        return size <= BUNDLE_MANIFEST_MAX ? 0 : not_listed(digest, err);
    if ((uint64_t) listed != size)
        return error_set(err, -EBADMSG, "%s is announced with %llu bytes, the bundle has %lld",
                         digest, (unsigned long long) size, (long long) listed);
    return 0;
}

static json_t *key_ids(const struct trusted_keys *keys)
{
    json_t *list = json_array();
    for (size_t i = 0; i < keys->count; i++) {
        char id[KEY_ID_TEXT];
        key_id_text(keys->keys[i].id, id);
        json_array_append_new(list, json_string(id));
    }
    return list;
}

json_t *host_bundle_facts(void)
{
    AUTO_HOST_TRUST trust = {0};
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    int r = host_trust_load(&trust, &err);
    if (r == 0)
        return json_null();
    if (r < 0)
        return json_pack("{s:s}", "damaged", err.text);
    json_t *facts = json_pack("{s:s, s:s, s:I, s:o}", "product", trust.product, "architecture",
                              trust.architecture, "serial", (json_int_t) trust.serial, "keys",
                              key_ids(&trust.keys));
    bool is_whole = host_bundle_load(&b, NULL) == 0;
    json_object_set_new(facts, "manifest", is_whole ? json_string(trust.manifest) : json_null());
    return facts;
}
