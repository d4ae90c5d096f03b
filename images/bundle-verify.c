/* Whether a bundle's contents are those that bigtop.json names. */
#include "images/bundle-store.h"
#include "images/bundle.h"
#include "images/chunk-map.h"

#include <errno.h>
#include <string.h>

#define REMEDY_REBUILD "get or build the bundle again: bigtop-bootstrap bundle build RECIPE -o DIR"

static int verify_blob(const struct bundle *b, const char *digest, struct error *err)
{
    AUTO_BLOB_SOURCE blob = BLOB_SOURCE_INIT;
    char found[DIGEST_SIZE];
    int r;
    if ((r = bundle_blob_open(b, digest, &blob, err)) < 0 ||
        (r = blob_source_copy(&blob, -1, found, err)) < 0)
        return r;
    if (strcmp(found, digest) != 0)
        return error_set(err, -EBADMSG, "blob %s has the content of %s", digest, found);
    AUTO_JSON *chunks = NULL;
    if ((r = chunk_hashes(&blob, &chunks, err)) < 0)
        return r;
    json_t *listed = json_object_get(json_object_get(b->json, "chunks"), digest);
    if ((listed || chunks) && !json_equal(listed, chunks))
        return error_set(err, -EBADMSG, "\"chunks\" has other hashes for blob %s", digest);
    return 0;
}

/* What containerd reads is the manifest, what we send is bigtop.json's list: they must agree. */
static int verify_descriptor(const struct bundle *b, const struct component *c, const json_t *desc,
                             size_t i, struct error *err)
{
    const char *digest;
    int64_t size;
    int r;
    if ((r = json_need_string(desc, "digest", &digest, err)) < 0 ||
        (r = json_need_int(desc, "size", &size, err)) < 0)
        return r;
    const char *listed = json_string_value(json_array_get(c->blobs, i));
    if (!listed || strcmp(listed, digest) != 0 || bundle_blob_size(b, digest) != size)
        return error_set(err, -EBADMSG, "blob %zu of its manifest is not the one of bigtop.json",
                         i + 1);
    return 0;
}

static int read_manifest(const struct bundle *b, const char *digest, json_t **out,
                         struct error *err)
{
    AUTO_FREE char *text = NULL;
    size_t size;
    int r = bundle_blob_text(b, digest, BUNDLE_MANIFEST_MAX, &text, &size, err);
    if (r == -E2BIG)
        return error_set(err, -EBADMSG, "manifest %s is too large", digest);
    if (r < 0)
        return r;
    *out = json_parse(text, size, digest, err);
    return *out ? 0 : -EBADMSG;
}

static int verify_manifest(const struct bundle *b, const struct component *c, struct error *err)
{
    AUTO_JSON *manifest = NULL;
    json_t *config, *layers;
    int r = read_manifest(b, c->manifest, &manifest, err);
    if (r < 0)
        return r;
    if ((r = json_need_object(manifest, "config", &config, err)) < 0 ||
        (r = json_need_array(manifest, "layers", &layers, err)) < 0 ||
        (r = verify_descriptor(b, c, config, 0, err)) < 0)
        return r;
    size_t i;
    json_t *layer;
    json_array_foreach(layers, i, layer)
        if ((r = verify_descriptor(b, c, layer, i + 1, err)) < 0)
            return r;
    if (json_array_size(layers) + 1 != json_array_size(c->blobs))
        return error_set(err, -EBADMSG, "bigtop.json lists more blobs than its manifest");
    return 0;
}

/* index.json and oci-layout are no blobs, but other programs read them. */
static int read_index(const struct bundle *b, struct strbuf *text, struct error *err)
{
    const char *listed = json_get_string(b->json, "index", NULL);
    char found[DIGEST_SIZE];
    int r = bundle_store_read(b->store, BUNDLE_TEXT_INDEX, text, err);
    if (r < 0)
        return r;
    digest_buffer(text->data, text->len, found);
    if (listed && strcmp(found, listed) != 0)
        return error_set(err, -EBADMSG, "%s is not the one of bigtop.json",
                         bundle_text_name(BUNDLE_TEXT_INDEX));
    return 0;
}

int bundle_index(const struct bundle *b, json_t **out, struct error *err)
{
    STRBUF(text, BUNDLE_STORE_INDEX_MAX);
    int r = read_index(b, &text, err);
    if (r < 0)
        return r;
    *out = json_parse(text.data, text.len, bundle_text_name(BUNDLE_TEXT_INDEX), err);
    return *out ? 0 : -EBADMSG;
}

static int verify_texts(const struct bundle *b, struct error *err)
{
    STRBUF(layout, sizeof(BUNDLE_STORE_LAYOUT_TEXT));
    STRBUF(index, BUNDLE_STORE_INDEX_MAX);
    int r;
    if (!json_object_get(b->json, "index"))
        return 0;
    if ((r = bundle_store_read(b->store, BUNDLE_TEXT_LAYOUT, &layout, err)) < 0 ||
        (r = read_index(b, &index, err)) < 0)
        return r;
    if (strcmp(layout.data, BUNDLE_STORE_LAYOUT_TEXT) != 0)
        return error_set(err, -EBADMSG, "%s is not the one of a bundle",
                         bundle_text_name(BUNDLE_TEXT_LAYOUT));
    return 0;
}

int bundle_verify(const struct bundle *b, struct error *err)
{
    const char *digest;
    json_t *size;
    if (verify_texts(b, err) < 0)
        return error_remedy(err, REMEDY_REBUILD);
    json_object_foreach(json_object_get(b->json, "blobs"), digest, size) {
        int r = verify_blob(b, digest, err);
        if (r < 0)
            return error_remedy(err, REMEDY_REBUILD);
    }
    for (size_t i = 0; i < b->component_count; i++) {
        const struct component *c = &b->components[i];
        if (c->kind == COMPONENT_IMAGE && verify_manifest(b, c, err) < 0) {
            error_prefix(err, "image %s", c->name);
            return error_remedy(err, REMEDY_REBUILD);
        }
    }
    return 0;
}
