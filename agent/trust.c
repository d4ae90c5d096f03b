#include "agent/trust.h"

#include "agent/paths.h"
#include "lib/architecture.h"
#include "lib/fd.h"
#include "lib/protocol.h"
#include "lib/state-file.h"

#include <errno.h>
#include <string.h>

void host_trust_release(struct host_trust *t)
{
    free(t->product);
    free(t->architecture);
    trusted_keys_release(&t->keys);
    *t = (struct host_trust){0};
}

static json_t *to_json(const struct host_trust *t)
{
    return json_pack("{s:s, s:s, s:I, s:s, s:o}", "product", t->product, "architecture",
                     t->architecture, "serial", (json_int_t) t->serial, "manifest", t->manifest,
                     "keys", trusted_keys_to_json(&t->keys));
}

static int from_json(const json_t *state, struct host_trust *out, struct error *err)
{
    AUTO_HOST_TRUST t = {0};
    const char *product, *architecture, *manifest;
    json_t *keys;
    int r;
    if ((r = json_need_string(state, "product", &product, err)) < 0 ||
        (r = json_need_string(state, "architecture", &architecture, err)) < 0 ||
        (r = json_need_int(state, "serial", &t.serial, err)) < 0 ||
        (r = json_need_string(state, "manifest", &manifest, err)) < 0 ||
        (r = json_need_array(state, "keys", &keys, err)) < 0 ||
        (r = trusted_keys_from_json(&t.keys, keys, err)) < 0)
        return r;
    if (json_object_size(state) != 5 || t.serial < 1 || !digest_is_valid(manifest))
        return error_set(err, -EBADMSG, "its members are not those of this version");
    t.product = xstrdup(product);
    t.architecture = xstrdup(architecture);
    snprintf(t.manifest, sizeof(t.manifest), "%s", manifest);
    *out = t;
    t = (struct host_trust){0};
    return 0;
}

int host_trust_load(struct host_trust *out, struct error *err)
{
    AUTO_FREE char *path = agent_path(AGENT_TRUST);
    AUTO_JSON *state = NULL;
    int r = state_file_read(path, &state, err);
    if (r == 1 && from_json(state, out, err) < 0) {
        (void) error_prefix(err, "%s is damaged", path);
        r = -EBADMSG;
    }
    if (r < 0)
        (void) error_remedy(err, "find out who changed it; " HOST_TRUST_REMEDY);
    return r;
}

int host_trust_save(const struct host_trust *t, struct error *err)
{
    AUTO_FREE char *path = agent_path(AGENT_TRUST);
    AUTO_JSON *state = to_json(t);
    return state_file_write(path, state, err);
}

static int judge_kind(const struct host_trust *before, const struct bundle *b, const char *machine,
                      struct error *err)
{
    const char *architecture = architecture_of_machine(machine);
    if (strcmp(b->architecture, architecture) != 0) {
        error_set(err, -EPERM, "the bundle is for %s, this host is %s", b->architecture,
                  architecture);
        (void) error_remedy(err, "take a bundle for this architecture");
        return -EPERM;
    }
    if (!before || strcmp(b->product, before->product) == 0)
        return 0;
    error_set(err, -EPERM, "the bundle is of product %s, this host has %s", b->product,
              before->product);
    (void) error_remedy(err, "take a bundle of %s; " HOST_TRUST_REMEDY, before->product);
    return -EPERM;
}

/* The very bundle that is here may be older than the newest that ever was: it was let in by its
 * number. */
static int judge_serial(const struct host_trust *before, const struct bundle *b,
                        const char *manifest, int64_t named, struct error *err)
{
    if (!before || b->serial >= before->serial || b->serial == named ||
        strcmp(manifest, before->manifest) == 0)
        return 0;
    error_set(err, -ESTALE, "the bundle has serial %lld, this host has had %lld",
              (long long) b->serial, (long long) before->serial);
    (void) error_remedy(err, "take a newer bundle, or name this one: --serial %lld",
                        (long long) b->serial);
    return -ESTALE;
}

int host_trust_judge(const struct host_trust *before, const struct bundle *b, const char *manifest,
                     const char *machine, int64_t named, struct error *err)
{
    int r = judge_kind(before, b, machine, err);
    return r < 0 ? r : judge_serial(before, b, manifest, named, err);
}

void host_trust_after(const struct host_trust *before, const struct bundle *b, const char *manifest,
                      struct host_trust *out)
{
    bool was_newer = before && before->serial > b->serial;
    *out = (struct host_trust){.product = xstrdup(b->product),
                               .architecture = xstrdup(b->architecture),
                               .serial = was_newer ? before->serial : b->serial};
    snprintf(out->manifest, sizeof(out->manifest), "%s", manifest);
    if (b->signature.key_id[0])
        bundle_successors(b, &out->keys);
}
