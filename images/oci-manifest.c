#include "images/oci-manifest.h"

#include "images/image.h"

#include <errno.h>
#include <string.h>

#define MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define INDEX_MAX 1000 /* manifests of an index */

static const struct {
    const char *type;
    bool is_index;
} manifest_types[] = {
    {MEDIA_MANIFEST, false},
    {MEDIA_INDEX, true},
    {MEDIA_DOCKER_MANIFEST, false},
    {MEDIA_DOCKER_LIST, true},
};

static const char *const config_types[] = {MEDIA_CONFIG,
                                           "application/vnd.docker.container.image.v1+json", NULL};
static const char *const layer_types[] = {"application/vnd.oci.image.layer.v1.tar",
                                          "application/vnd.oci.image.layer.v1.tar+gzip",
                                          "application/vnd.oci.image.layer.v1.tar+zstd",
                                          "application/vnd.docker.image.rootfs.diff.tar",
                                          "application/vnd.docker.image.rootfs.diff.tar.gzip",
                                          "application/vnd.docker.image.rootfs.diff.tar.zstd",
                                          NULL};

void oci_manifest_release(struct oci_manifest *m)
{
    json_decref(m->json);
    free(m->blobs);
    *m = (struct oci_manifest){0};
}

/* What is wrong with it is wrong with what came from outside, whoever found it. */
static int malformed(struct error *err, const char *what)
{
    (void) error_prefix(err, "%s", what);
    if (err)
        err->code = -EBADMSG;
    return -EBADMSG;
}

static bool in_list(const char *const *list, const char *text)
{
    for (; *list; list++)
        if (strcmp(*list, text) == 0)
            return true;
    return false;
}

static int read_descriptor(const json_t *json, const char *const *types, int64_t max,
                           struct oci_descriptor *out, struct error *err)
{
    const char *type, *digest;
    int r;
    if (!json_is_object(json))
        return error_set(err, -EBADMSG, "a descriptor that is no object");
    if ((r = json_need_string(json, "mediaType", &type, err)) < 0 ||
        (r = json_need_string(json, "digest", &digest, err)) < 0 ||
        (r = json_need_int(json, "size", &out->size, err)) < 0)
        return r;
    if (types && !in_list(types, type))
        return error_set(err, -ENOTSUP,
                         "a part of the type %.100s is none of an image that a "
                         "container can run",
                         type);
    if (!digest_is_valid(digest))
        return error_set(err, -EBADMSG, "a digest that is no sha256");
    if (out->size < 0 || out->size > max)
        return error_set(err, -EBADMSG, "%s has an impossible size", digest);
    memcpy(out->digest, digest, DIGEST_SIZE);
    return 0;
}

static int read_blobs(struct oci_manifest *m, struct error *err)
{
    json_t *config, *layers;
    int r;
    if ((r = json_need_object(m->json, "config", &config, err)) < 0 ||
        (r = json_need_array(m->json, "layers", &layers, err)) < 0)
        return r;
    size_t count = json_array_size(layers);
    if (count == 0 || count > OCI_LAYERS_MAX)
        return error_set(err, -EBADMSG, "%zu layers; 1 to %d are possible", count, OCI_LAYERS_MAX);
    m->blobs = xcalloc(count + 1, sizeof(*m->blobs));
    r = read_descriptor(config, config_types, OCI_MANIFEST_MAX, &m->blobs[m->count++], err);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = read_descriptor(json_array_get(layers, i), layer_types, OCI_BLOB_MAX,
                            &m->blobs[m->count++], err);
    return r;
}

static int find_type(const char *type)
{
    for (size_t i = 0; type && i < ARRAY_SIZE(manifest_types); i++)
        if (strcmp(manifest_types[i].type, type) == 0)
            return (int) i;
    return -1;
}

/* What the bytes say of themselves is what their digest covers: the header may only add what they
 * leave out, never say otherwise (CVE-2021-41190). */
static int read_type(struct oci_manifest *m, const char *type, struct error *err)
{
    const char *own = json_get_string(m->json, "mediaType", NULL);
    bool index = json_object_get(m->json, "manifests");
    if (json_get_int(m->json, "schemaVersion", 0) != 2)
        return error_set(err, -ENOTSUP, "not schema 2: the image is too old");
    if (index && (json_object_get(m->json, "layers") || json_object_get(m->json, "config")))
        return error_set(err, -EBADMSG, "both an image and an index of images");
    int known = find_type(own ? own : type);
    if (own && known < 0)
        return error_set(err, -ENOTSUP, "%.100s is neither an image nor an index", own);
    if (own && find_type(type) >= 0 && strcmp(own, type) != 0)
        return error_set(err, -EBADMSG, "it calls itself %s, the server calls it %s", own, type);
    if (known >= 0 && manifest_types[known].is_index != index)
        return error_set(err, -EBADMSG, "it is not what its type says");
    m->is_index = index;
    m->media_type = known >= 0 ? manifest_types[known].type : index ? MEDIA_INDEX : MEDIA_MANIFEST;
    return 0;
}

int oci_manifest_parse(const char *text, size_t len, const char *type, struct oci_manifest *out,
                       struct error *err)
{
    AUTO_MANIFEST m = {.json = json_parse(text, len, "JSON", err)};
    if (!m.json)
        return malformed(err, "manifest");
    if (!json_is_object(m.json))
        return error_set(err, -EBADMSG, "manifest: not an object");
    int r = read_type(&m, type, err);
    if (r == 0 && !m.is_index)
        r = read_blobs(&m, err);
    if (r < 0)
        return r == -EINVAL ? malformed(err, "manifest") : (error_prefix(err, "manifest"), r);
    *out = m;
    m = (struct oci_manifest){0};
    return 0;
}

/* Platforms */

static bool is_baseline(const char *architecture, const char *variant)
{
    return !*variant || (strcmp(architecture, "arm64") == 0 && strcmp(variant, "v8") == 0) ||
           (strcmp(architecture, "amd64") == 0 && strcmp(variant, "v1") == 0);
}

static bool fits(const struct oci_platform *wanted, const json_t *platform)
{
    const char *architecture = json_get_string(platform, "architecture", "");
    const char *variant = json_get_string(platform, "variant", "");
    return strcmp(json_get_string(platform, "os", ""), wanted->os) == 0 &&
           strcmp(architecture, wanted->architecture) == 0 &&
           (wanted->variant ? strcmp(variant, wanted->variant) == 0
                            : is_baseline(architecture, variant));
}

static void add_platform(struct strbuf *out, const json_t *platform)
{
    const char *variant = json_get_string(platform, "variant", "");
    AUTO_FREE char *text =
        xasprintf("%s%s/%s%s%s", out->len ? ", " : "", json_get_string(platform, "os", "?"),
                  json_get_string(platform, "architecture", "?"), *variant ? "/" : "", variant);
    strbuf_add_printable(out, text, strlen(text));
}

int oci_index_choose(const struct oci_manifest *index, const struct oci_platform *platform,
                     struct oci_descriptor *out, struct error *err)
{
    static const char *const types[] = {MEDIA_MANIFEST, MEDIA_DOCKER_MANIFEST, NULL};
    json_t *list, *item;
    size_t i;
    STRBUF(found, 400);
    if (json_need_array(index->json, "manifests", &list, err) < 0)
        return malformed(err, "index");
    if (json_array_size(list) > INDEX_MAX)
        return error_set(err, -EBADMSG, "an index of %zu images", json_array_size(list));
    json_array_foreach(list, i, item) {
        const json_t *p = json_object_get(item, "platform");
        if (fits(platform, p)) {
            int r = read_descriptor(item, types, OCI_MANIFEST_MAX, out, err);
            return r == -EINVAL ? malformed(err, "index") : r;
        }
        add_platform(&found, p);
    }
    return error_set(err, -ENOENT, "there is no image for %s/%s%s%s, but for %s", platform->os,
                     platform->architecture, platform->variant ? "/" : "",
                     platform->variant ? platform->variant : "", found.len ? found.data : "none");
}

int oci_config_check(const char *text, size_t len, const struct oci_platform *platform,
                     size_t layers, struct error *err)
{
    AUTO_JSON *config = json_parse(text, len, "JSON", err);
    json_t *rootfs, *diff_ids;
    if (!config)
        return malformed(err, "configuration");
    if (json_need_object(config, "rootfs", &rootfs, err) < 0 ||
        json_need_array(rootfs, "diff_ids", &diff_ids, err) < 0)
        return malformed(err, "configuration");
    if (json_array_size(diff_ids) != layers)
        return error_set(err, -EBADMSG, "its configuration has %zu layers, its manifest %zu",
                         json_array_size(diff_ids), layers);
    struct oci_platform wanted = *platform; /* whose variant the configuration may leave out */
    const char *variant = json_get_string(config, "variant", NULL);
    wanted.variant = wanted.variant && variant ? wanted.variant : variant;
    if (fits(&wanted, config))
        return 0;
    STRBUF(found, 200);
    add_platform(&found, config);
    return error_set(err, -ENOENT, "the image is for %s, not for %s/%s", found.data, platform->os,
                     platform->architecture);
}
