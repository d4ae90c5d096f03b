/* type: oci — an image of a registry, as it is there: the component's key `image` takes it.
 *   ref: HOST/PATH:TAG[@DIGEST]   what a tag stands for at the first build is pinned in the lock
 *                                 file; from then on the image is used by its digest only
 *   platform: linux/arm64/v8      when it has to be that variant
 * Registries, mirrors and logins: images/registry.h. The result is an OCI image layout. */
#include "images/fields.h"
#include "images/image-ref.h"
#include "images/oci-layout.h"
#include "images/purl.h"
#include "images/registry.h"
#include "images/source.h"
#include "images/store.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct oci_spec {
    struct image_ref ref;
    char *name;           /* with tag and digest: the key in the lock file */
    char *image;          /* what containerd calls it, or NULL */
    const char *platform; /* as it is written */
    struct strv parts;    /* of the platform */
};

static void release(void *spec)
{
    struct oci_spec *s = spec;
    image_ref_release(&s->ref);
    free(s->name);
    free(s->image);
    strv_release(&s->parts);
}

/* Loading */

static int load_platform(const struct recipe *r, const struct yaml_node *node, struct oci_spec *s,
                         struct error *err)
{
    int e = fields_get_string(&r->file, node, "platform", &s->platform, err);
    if (e < 0)
        return e;
    if (!s->platform) {
        strv_add(&s->parts, "linux");
        strv_add(&s->parts, r->architecture);
        return 0;
    }
    strv_split(&s->parts, s->platform, '/');
    for (size_t i = 0; i < s->parts.count; i++)
        if (!fields_is_word(s->parts.items[i]))
            s->parts.count = 0;
    if (s->parts.count < 2 || s->parts.count > 3 || strcmp(s->parts.items[0], "linux") != 0 ||
        strcmp(s->parts.items[1], r->architecture) != 0)
        return yaml_error(&r->file, yaml_get(node, "platform"), err,
                          "expected linux/%s[/VARIANT], as the recipe is for", r->architecture);
    return 0;
}

static int load(const struct recipe *r, const struct yaml_node *node, void *spec, struct error *err)
{
    static const char *const keys[] = {"type", "ref", "platform", NULL};
    struct oci_spec *s = spec;
    struct error cause = ERROR_INIT;
    const char *ref;
    int e;
    if ((e = fields_check(&r->file, node, keys, err)) < 0 ||
        (e = fields_need_string(&r->file, node, "ref", &ref, err)) < 0)
        return e;
    if (image_ref_parse(ref, &s->ref, &cause) < 0)
        return yaml_error(&r->file, yaml_get(node, "ref"), err, "%s", cause.text);
    s->name = image_ref_text(&s->ref);
    s->image = image_ref_name(&s->ref);
    return load_platform(r, node, s, err);
}

/* Fetching: everything goes through the store, so that an interrupted build goes on. */

struct puller {
    const struct source_context *ctx;
    const struct oci_spec *spec;
    struct registry *registry;
    size_t index, total; /* of the blob that is fetched */
};

static void on_progress(void *userdata, uint64_t done, uint64_t total)
{
    const struct puller *p = userdata;
    source_progress(p->ctx, "%s: part %zu of %zu, %llu of %llu MB", p->spec->name, p->index,
                    p->total, (unsigned long long) done / 1000000,
                    (unsigned long long) total / 1000000);
}

static void puller_release(struct puller *p)
{
    registry_close(&p->registry);
}

static int puller_open(const struct source_context *ctx, const struct oci_spec *s,
                       struct puller *out, struct error *err)
{
    *out = (struct puller){.ctx = ctx, .spec = s};
    const struct registry_settings settings = {.config_dir = ctx->registry_config,
                                               .cancel = ctx->cancel,
                                               .progress = on_progress,
                                               .userdata = out};
    return registry_open(&settings, &s->ref, &out->registry, err);
}

static int write_body(void *userdata, const char *path, struct error *err)
{
    const struct strbuf *body = userdata;
    return file_write_atomic(path, body->data, body->len, 0644, err);
}

/* By tag or digest; kept under its digest, if it is anything that we can use. */
static int fetch_manifest(struct puller *p, const char *reference, char digest[DIGEST_SIZE],
                          struct error *err)
{
    STRBUF(body, OCI_MANIFEST_MAX);
    AUTO_FREE char *type = NULL;
    AUTO_FREE char *path = NULL;
    AUTO_MANIFEST manifest = {0};
    int r;
    if ((r = registry_manifest(p->registry, reference, &body, &type, digest, err)) < 0 ||
        (r = oci_manifest_parse(body.data, body.len, type, &manifest, err)) < 0)
        return r;
    return store_need(p->ctx->cache_dir, digest, (int64_t) body.len, write_body, &body, &path, err);
}

static int resolve(const struct source_context *ctx, const struct oci_spec *s,
                   char digest[DIGEST_SIZE], struct error *err)
{
    const char *pinned = s->ref.digest ? s->ref.digest : lock_get(ctx->lock, LOCK_OCI, s->name);
    if (pinned) {
        memcpy(digest, pinned, DIGEST_SIZE);
        return 0;
    }
    CLEANUP(puller_release) struct puller p = {0};
    source_progress(ctx, "asking what %s is", s->name);
    int r;
    if ((r = puller_open(ctx, s, &p, err)) < 0 ||
        (r = fetch_manifest(&p, s->ref.tag, digest, err)) < 0)
        return r;
    return lock_pin(ctx->lock, LOCK_OCI, s->name, digest, err);
}

static int inputs(const struct source_context *ctx, const void *spec, json_t *in, struct error *err)
{
    const struct oci_spec *s = spec;
    char digest[DIGEST_SIZE];
    int r = resolve(ctx, s, digest, err);
    if (r < 0)
        return r == -ECANCELED ? r : error_prefix(err, "%s", s->name);
    json_object_set_new(in, "ref", json_string(s->name));
    json_object_set_new(in, "digest", json_string(digest));
    json_object_set_new(in, "platform", json_texts(&s->parts));
    return 0;
}

/* A blob of the layout in `dir`: a second name for the file of the store. */
static int place(const char *from, const char *dir, const char *digest, struct error *err)
{
    AUTO_FREE char *to = oci_layout_blob(dir, digest);
    if (link(from, to) == 0 || errno == EEXIST)
        return 0;
    if (errno != EXDEV && errno != EPERM && errno != EMLINK)
        return error_errno(err, -errno, "link %s", from);
    return file_copy(from, to, 0644, err);
}

struct manifest_wanted {
    struct puller *puller;
    const char *digest;
};

static int get_manifest(void *userdata, const char *path, struct error *err)
{
    (void) path;
    const struct manifest_wanted *w = userdata;
    char digest[DIGEST_SIZE];
    return fetch_manifest(w->puller, w->digest, digest, err);
}

/* d: gets its size, when that is -1. */
static int need_manifest(struct puller *p, struct oci_descriptor *d, struct oci_manifest *out,
                         char **path, struct error *err)
{
    struct manifest_wanted wanted = {p, d->digest};
    STRBUF(text, OCI_MANIFEST_MAX);
    int r;
    if ((r = store_need(p->ctx->cache_dir, d->digest, d->size, get_manifest, &wanted, path, err)) <
            0 ||
        (r = file_read(*path, &text, err)) < 0)
        return r;
    if (d->size >= 0 && d->size != (int64_t) text.len)
        return error_set(err, -EBADMSG, "%s has %zu bytes, its index says %lld", d->digest,
                         text.len, (long long) d->size);
    d->size = (int64_t) text.len;
    return oci_manifest_parse(text.data, text.len, NULL, out, err);
}

struct blob_wanted {
    struct puller *puller;
    const struct oci_descriptor *blob;
};

static int get_blob(void *userdata, const char *path, struct error *err)
{
    const struct blob_wanted *w = userdata;
    return registry_blob(w->puller->registry, w->blob, path, err);
}

static int pull_blobs(struct puller *p, const struct oci_manifest *m, const char *dir,
                      struct error *err)
{
    p->total = m->count;
    for (p->index = 1; p->index <= m->count; p->index++) {
        struct blob_wanted wanted = {p, &m->blobs[p->index - 1]};
        const char *digest = wanted.blob->digest;
        AUTO_FREE char *path = NULL;
        source_progress(p->ctx, "%s: part %zu of %zu", p->spec->name, p->index, p->total);
        int r = store_need(p->ctx->cache_dir, digest, wanted.blob->size, get_blob, &wanted, &path,
                           err);
        if (r < 0 || (r = place(path, dir, digest, err)) < 0)
            return r;
    }
    return 0;
}

/* *d: what the name stands for; in the end the manifest for the platform. */
static int pull_manifest(struct puller *p, const struct oci_platform *platform,
                         struct oci_descriptor *d, struct oci_manifest *m, char **path,
                         struct error *err)
{
    int r = need_manifest(p, d, m, path, err);
    if (r < 0 || !m->is_index)
        return r;
    AUTO_MANIFEST index = *m;
    *m = (struct oci_manifest){0};
    free(TAKE_PTR(*path));
    if ((r = oci_index_choose(&index, platform, d, err)) < 0 ||
        (r = need_manifest(p, d, m, path, err)) < 0)
        return r;
    return m->is_index ? error_set(err, -EBADMSG, "an index in an index") : 0;
}

static int pull(struct puller *p, struct oci_descriptor *d, const char *dir, struct error *err)
{
    const struct oci_platform platform = {
        .os = p->spec->parts.items[0],
        .architecture = p->spec->parts.items[1],
        .variant = p->spec->parts.count > 2 ? p->spec->parts.items[2] : NULL};
    AUTO_OCI_IMAGE image = {0};
    AUTO_MANIFEST m = {0};
    AUTO_FREE char *path = NULL;
    AUTO_FREE char *blobs = path_join(dir, "blobs/sha256");
    int r;
    if ((r = pull_manifest(p, &platform, d, &m, &path, err)) < 0 ||
        (r = path_mkdir_p(blobs, 0755, err)) < 0 || (r = place(path, dir, d->digest, err)) < 0 ||
        (r = pull_blobs(p, &m, dir, err)) < 0)
        return r;
    r = oci_layout_write(dir, d, m.media_type, err);
    return r < 0 ? r : oci_layout_read(dir, &platform, &image, err);
}

static int produce(const struct source_context *ctx, const void *spec, const char *dir,
                   json_t *about, struct error *err)
{
    const struct oci_spec *s = spec;
    CLEANUP(puller_release) struct puller p = {0};
    struct oci_descriptor d = {.size = -1};
    char digest[DIGEST_SIZE];
    int r;
    if ((r = resolve(ctx, s, digest, err)) < 0 || (r = puller_open(ctx, s, &p, err)) < 0)
        return r;
    memcpy(d.digest, digest, DIGEST_SIZE);
    if ((r = pull(&p, &d, dir, err)) < 0)
        return r == -ECANCELED ? r : error_prefix(err, "%s", s->name);
    json_object_set_new(about, "type", json_string("oci"));
    json_object_set_new(about, "ref", json_string(s->name));
    json_object_set_new(about, "digest", json_string(digest));
    json_object_set_new(about, "manifest", json_string(d.digest));
    return 0;
}

static const char *image_name(const void *spec)
{
    const struct oci_spec *s = spec;
    return s->image;
}

/* Taken as one piece: what is in an image is its maker's to list. */
static int parts(const struct source_context *ctx, const void *spec,
                 const struct cache_entry *result, struct parts *out, struct error *err)
{
    (void) ctx;
    (void) err;
    const struct oci_spec *s = spec;
    const char *manifest = json_get_string(result->about, "manifest", "");
    AUTO_FREE char *purl = purl_oci(s->name, manifest);
    parts_add(out, &(struct part){.name = s->name, .purl = purl, .digest = manifest});
    return 0;
}

const struct source_type source_oci = {.name = "oci",
                                       .main_key = "ref",
                                       .spec_size = sizeof(struct oci_spec),
                                       .load = load,
                                       .release = release,
                                       .inputs = inputs,
                                       .produce = produce,
                                       .parts = parts,
                                       .image_name = image_name};
