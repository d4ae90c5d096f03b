/* type: url — a file from a web server, by its hash.
 *   url: https://…        plain http only together with sha256
 *   sha256: HEX           what it has to be; or
 *   sha256_url: https://… a published file of checksums (images/checksums.h): what it says at the
 *                         first build is pinned in the lock file
 *   size: BYTES           optional
 *   name: NAME            of the file; default: the last part of the URL
 *   mode: "0755"          default "0644"
 *   unpack: true          a tar, compressed or not: what is in it instead of the file */
#include "images/checksums.h"
#include "images/fetch.h"
#include "images/fields.h"
#include "images/licence.h"
#include "images/purl.h"
#include "images/source.h"
#include "images/store.h"
#include "images/unpack.h"
#include "lib/digest.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <string.h>

#define SIZE_LIMIT (16LL << 30) /* bytes of a file whose size the recipe does not say */

struct url_spec {
    const char *url, *sha256_url; /* sha256_url may be NULL */
    char digest[DIGEST_SIZE];     /* "" when only sha256_url is there */
    int64_t size;                 /* -1: not said */
    char *name;
    mode_t mode;
    bool unpack;
};

static void release(void *spec)
{
    struct url_spec *s = spec;
    free(s->name);
}

/* Loading */

static int check_url(const struct yaml_file *f, const struct yaml_node *node, const char *key,
                     const char *url, bool plain, struct error *err)
{
    const struct yaml_node *n = yaml_get(node, key);
    if (strncmp(url, "https://", 8) == 0 || (plain && strncmp(url, "http://", 7) == 0))
        return 0;
    return yaml_error(f, n, err, plain ? "expected https://… or http://…" : "expected https://…");
}

static int load_hash(const struct yaml_file *f, const struct yaml_node *node, struct url_spec *s,
                     struct error *err)
{
    const char *hex = NULL;
    int e;
    if ((e = fields_get_string(f, node, "sha256", &hex, err)) < 0 ||
        (e = fields_get_string(f, node, "sha256_url", &s->sha256_url, err)) < 0)
        return e;
    if (!hex == !s->sha256_url)
        return yaml_error(f, node, err, "expected one of \"sha256\" and \"sha256_url\"");
    if (s->sha256_url)
        return check_url(f, node, "sha256_url", s->sha256_url, false, err);
    STRBUF(digest, DIGEST_SIZE);
    strbuf_addf(&digest, "sha256:%s", hex);
    if (!digest_is_valid(digest.data))
        return yaml_error(f, yaml_get(node, "sha256"), err, "expected 64 lowercase hex digits");
    memcpy(s->digest, digest.data, DIGEST_SIZE);
    return 0;
}

static int load_name(const struct yaml_file *f, const struct yaml_node *node, struct url_spec *s,
                     struct error *err)
{
    const char *name = NULL;
    int e = fields_get_path(f, node, "name", &name, err);
    if (e < 0)
        return e;
    AUTO_FREE char *url = xstrndup(s->url, strcspn(s->url, "?#"));
    s->name = xstrdup(name ? name : path_basename(url));
    if (path_is_safe_relative(s->name) && !strchr(s->name, '/'))
        return 0;
    return yaml_error(f, yaml_get(node, name ? "name" : "url"), err,
                      "no name for the file: say it with \"name\"");
}

static int load(const struct recipe *r, const struct yaml_node *node, void *spec, struct error *err)
{
    static const char *const keys[] = {"type", "url",  "sha256", "sha256_url", "size",
                                       "name", "mode", "unpack", NULL};
    struct url_spec *s = spec;
    const struct yaml_file *f = &r->file;
    const struct yaml_node *size = yaml_get(node, "size"), *unpack = yaml_get(node, "unpack");
    int e;
    s->size = -1;
    s->mode = 0644;
    if ((e = fields_check(f, node, keys, err)) < 0 ||
        (e = fields_need_string(f, node, "url", &s->url, err)) < 0 ||
        (e = load_hash(f, node, s, err)) < 0 ||
        (e = check_url(f, node, "url", s->url, *s->digest, err)) < 0 ||
        (e = load_name(f, node, s, err)) < 0 ||
        (size && (e = yaml_int(f, size, 0, INT64_MAX, &s->size, err)) < 0) ||
        (unpack && (e = yaml_bool(f, unpack, &s->unpack, err)) < 0))
        return e;
    return fields_get_mode(f, node, "mode", &s->mode, err);
}

/* Fetching */

static void on_progress(void *userdata, uint64_t done, uint64_t total)
{
    source_progress(userdata, "%llu of %llu MB", (unsigned long long) done / 1000000,
                    (unsigned long long) total / 1000000);
}

static struct fetcher *open_fetcher(const struct source_context *ctx, bool plain)
{
    const struct fetch_settings settings = {.insecure_http = plain,
                                            .cancel = ctx->cancel,
                                            .progress = on_progress,
                                            .userdata = (void *) ctx};
    return fetcher_new(&settings);
}

static int get_checksum(const struct source_context *ctx, const struct url_spec *s,
                        char digest[DIGEST_SIZE], struct error *err)
{
    AUTO_FETCHER *f = open_fetcher(ctx, false);
    AUTO_RESPONSE response = {0};
    STRBUF(text, CHECKSUMS_MAX);
    AUTO_FREE char *shown = fetch_shown_url(s->sha256_url);
    AUTO_FREE char *url = xstrndup(s->url, strcspn(s->url, "?#"));
    const struct fetch_request request = {.url = s->sha256_url};
    source_progress(ctx, "asking for the checksum");
    int r = fetch_get(f, &request, &text, &response, err);
    if (r < 0)
        return r;
    if (response.status != 200)
        return error_set(err, -EREMOTEIO, "%s: status %ld", shown, response.status);
    r = checksums_find(text.data, path_basename(url), digest, err);
    return r < 0 ? error_prefix(err, "%s", shown) : 0;
}

/* What is pinned, else what is published now, which is pinned by that. */
static int resolve(const struct source_context *ctx, const struct url_spec *s,
                   char digest[DIGEST_SIZE], struct error *err)
{
    const char *pinned = *s->digest ? s->digest : lock_get(ctx->lock, LOCK_URL, s->url);
    if (pinned) {
        memcpy(digest, pinned, DIGEST_SIZE);
        return 0;
    }
    int r = get_checksum(ctx, s, digest, err);
    return r < 0 ? r : lock_pin(ctx->lock, LOCK_URL, s->url, digest, err);
}

static int inputs(const struct source_context *ctx, const void *spec, json_t *in, struct error *err)
{
    const struct url_spec *s = spec;
    char digest[DIGEST_SIZE];
    int r = resolve(ctx, s, digest, err);
    if (r < 0)
        return r;
    json_object_set_new(in, "digest", json_string(digest));
    json_object_set_new(in, "url", json_string(s->url));
    json_object_set_new(in, "name", json_string(s->name));
    json_object_set_new(in, "mode", json_integer(s->mode));
    json_object_set_new(in, "unpack", json_boolean(s->unpack));
    return 0;
}

struct wanted {
    const struct source_context *ctx;
    const struct url_spec *spec;
    const char *digest;
};

static int fetch(void *userdata, const char *path, struct error *err)
{
    const struct wanted *w = userdata;
    AUTO_FETCHER *f = open_fetcher(w->ctx, *w->spec->digest);
    AUTO_RESPONSE response = {0};
    const struct fetch_request request = {.url = w->spec->url};
    source_progress(w->ctx, "fetching %s", w->spec->name);
    return fetch_file(f, &request, path, w->digest, w->spec->size, SIZE_LIMIT, &response, err);
}

static int produce(const struct source_context *ctx, const void *spec, const char *dir,
                   json_t *about, struct error *err)
{
    const struct url_spec *s = spec;
    char digest[DIGEST_SIZE];
    AUTO_FREE char *file = NULL;
    int r = resolve(ctx, s, digest, err);
    if (r < 0)
        return r;
    struct wanted wanted = {.ctx = ctx, .spec = s, .digest = digest};
    if ((r = store_need(ctx->cache_dir, digest, s->size, fetch, &wanted, &file, err)) < 0)
        return r;
    json_object_set_new(about, "type", json_string("url"));
    AUTO_FREE char *shown = fetch_shown_url(s->url);
    json_object_set_new(about, "url", json_string(shown));
    json_object_set_new(about, "digest", json_string(digest));
    AUTO_FREE char *to = path_join(dir, s->name);
    r = s->unpack ? unpack_tar(ctx, file, dir, err) : file_copy(file, to, s->mode, err);
    return r < 0 ? error_prefix(err, "%s", s->name) : 0;
}

static int parts(const struct source_context *ctx, const void *spec,
                 const struct cache_entry *result, struct parts *out, struct error *err)
{
    (void) ctx;
    const struct url_spec *s = spec;
    const char *digest = json_get_string(result->about, "digest", "");
    const char *url = json_get_string(result->about, "url", "");
    AUTO_FREE char *to = xasprintf("url/%s-%.12s", s->name, digest + strlen("sha256:"));
    AUTO_FREE char *purl = purl_generic(s->name, url, digest);
    STRV(ids);
    int r = parts_take_texts(out, result->dir, to, 1, &ids, err);
    if (r < 0)
        return r;
    AUTO_FREE char *licence = licence_expression(&ids);
    parts_add(out,
              &(struct part){.name = s->name, .purl = purl, .digest = digest, .licence = licence});
    return 0;
}

const struct source_type source_url = {.name = "url",
                                       .main_key = "url",
                                       .spec_size = sizeof(struct url_spec),
                                       .load = load,
                                       .release = release,
                                       .inputs = inputs,
                                       .produce = produce,
                                       .parts = parts};
