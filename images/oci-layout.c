#include "images/oci-layout.h"

#include "lib/fd.h"

#include <errno.h>
#include <string.h>

void oci_image_release(struct oci_image *i)
{
    oci_manifest_release(&i->parsed);
}

char *oci_layout_blob(const char *dir, const char *digest)
{
    return xasprintf("%s/blobs/sha256/%s", dir, digest + strlen("sha256:"));
}

/* A manifest or configuration, whose bytes have to be those of the digest. */
static int read_blob(const char *dir, const struct oci_descriptor *blob, struct strbuf *out,
                     struct error *err)
{
    AUTO_FREE char *path = oci_layout_blob(dir, blob->digest);
    char digest[DIGEST_SIZE];
    int r = file_read(path, out, err);
    if (r < 0)
        return r;
    digest_buffer(out->data, out->len, digest);
    if (strcmp(digest, blob->digest) != 0 || (int64_t) out->len != blob->size)
        return error_set(err, -EBADMSG, "%s has not the content of its name", path);
    return 0;
}

/* index.json, and an index in it, lead to the one manifest. */
static int read_manifest(const char *dir, const struct oci_platform *platform,
                         struct oci_image *out, struct error *err)
{
    for (int depth = 0; depth < 2; depth++) {
        STRBUF(text, OCI_MANIFEST_MAX);
        struct oci_manifest m = {0};
        int r;
        if ((r = read_blob(dir, &out->manifest, &text, err)) < 0 ||
            (r = oci_manifest_parse(text.data, text.len, NULL, &m, err)) < 0)
            return r;
        if (!m.is_index) {
            out->parsed = m;
            return 0;
        }
        r = oci_index_choose(&m, platform, &out->manifest, err);
        oci_manifest_release(&m);
        if (r < 0)
            return r;
    }
    return error_set(err, -EBADMSG, "%s: an index in an index", dir);
}

static int check_config(const char *dir, const struct oci_platform *platform,
                        const struct oci_manifest *m, struct error *err)
{
    STRBUF(text, OCI_MANIFEST_MAX);
    int r = read_blob(dir, &m->blobs[0], &text, err);
    return r < 0 ? r : oci_config_check(text.data, text.len, platform, m->count - 1, err);
}

/* The one entry of index.json. */
static int read_index(const char *dir, struct oci_descriptor *out, struct error *err)
{
    AUTO_FREE char *path = xasprintf("%s/index.json", dir);
    AUTO_JSON *index = json_parse_file(path, OCI_MANIFEST_MAX, err);
    json_t *list;
    const char *digest;
    int r;
    if (!index)
        return error_prefix(err, "not the folder of an image");
    if ((r = json_need_array(index, "manifests", &list, err)) < 0)
        return r;
    if (json_array_size(list) != 1)
        return error_set(err, -ENOENT, "%s has %zu images, expected one", path,
                         json_array_size(list));
    const json_t *entry = json_array_get(list, 0);
    if ((r = json_need_string(entry, "digest", &digest, err)) < 0 ||
        (r = json_need_int(entry, "size", &out->size, err)) < 0)
        return r;
    if (!digest_is_valid(digest))
        return error_set(err, -EBADMSG, "%s: a digest that is no sha256", path);
    memcpy(out->digest, digest, DIGEST_SIZE);
    return 0;
}

int oci_layout_read(const char *dir, const struct oci_platform *platform, struct oci_image *out,
                    struct error *err)
{
    AUTO_OCI_IMAGE image = {0};
    int r;
    if ((r = read_index(dir, &image.manifest, err)) < 0 ||
        (r = read_manifest(dir, platform, &image, err)) < 0 ||
        (r = check_config(dir, platform, &image.parsed, err)) < 0)
        return r;
    *out = image;
    image = (struct oci_image){0};
    return 0;
}

static int write_text(const char *dir, const char *name, const char *text, struct error *err)
{
    AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
    return file_write_new(path, text, strlen(text), 0644, err);
}

int oci_layout_write(const char *dir, const struct oci_descriptor *manifest, const char *media_type,
                     struct error *err)
{
    AUTO_JSON *index = json_pack("{s:i, s:[{s:s, s:s, s:I}]}", "schemaVersion", 2, "manifests",
                                 "mediaType", media_type, "digest", manifest->digest, "size",
                                 (json_int_t) manifest->size);
    AUTO_FREE char *text = json_dumps(index, JSON_INDENT(1));
    int r = write_text(dir, "oci-layout", OCI_LAYOUT_MARKER, err);
    return r < 0 ? r : write_text(dir, "index.json", text, err);
}
