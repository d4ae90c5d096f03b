#include "agent/images-archive.h"

#include "agent/blobs.h"
#include "agent/tar-stream.h"
#include "lib/digest.h"
#include "lib/fd.h"
#include "lib/grammar.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST_MAX (4 * 1024 * 1024)
#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"

static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";

static int check_image(const json_t *image, struct error *err)
{
    const char *ref, *manifest;
    json_t *blobs, *blob;
    size_t i;
    int r = json_need_string(image, "ref", &ref, err);
    r = r < 0 ? r : json_need_string(image, "manifest", &manifest, err);
    r = r < 0 ? r : json_need_array(image, "blobs", &blobs, err);
    if (r < 0) {
        return r;
    }
    if (!grammar_image_ref(ref) || !digest_is_valid(manifest)) {
        return error_set(err, -EINVAL, "images: a reference or manifest digest is malformed");
    }
    json_array_foreach(blobs, i, blob) {
        if (!json_is_string(blob) || !digest_is_valid(json_string_value(blob))) {
            return error_set(err, -EINVAL, "images: a blob of %s is no digest", ref);
        }
    }
    return 0;
}

int images_check_params(const json_t *images, struct error *err)
{
    size_t i;
    json_t *image;
    json_array_foreach(images, i, image) {
        int r = check_image(image, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

void images_archive_blobs(const json_t *images, struct strv *digests)
{
    AUTO_JSON *seen = json_object();
    size_t i, k;
    json_t *image, *blob;
    json_array_foreach(images, i, image) {
        json_object_set_new(seen, json_get_string(image, "manifest", ""), json_true());
        json_array_foreach(json_object_get(image, "blobs"), k, blob) {
            json_object_set_new(seen, json_string_value(blob), json_true());
        }
    }
    const char *digest;
    json_object_foreach(seen, digest, blob) {
        strv_add(digests, digest);
    }
    strv_sort(digests);
}

static int describe(const json_t *image, json_t **out, struct error *err)
{
    const char *digest = json_get_string(image, "manifest", "");
    const char *ref = json_get_string(image, "ref", "");
    AUTO_FREE char *path = blob_path(digest);
    AUTO_JSON *manifest = json_parse_file(path, MANIFEST_MAX, err);
    struct stat st;
    if (!manifest || stat(path, &st) < 0) {
        return error_prefix(err, "manifest of %s", ref);
    }
    *out = json_pack("{s:s, s:s, s:I, s:{s:s, s:s}}", "mediaType",
                     json_get_string(manifest, "mediaType", MANIFEST_TYPE), "digest", digest,
                     "size", (json_int_t) st.st_size, "annotations", "io.containerd.image.name",
                     ref, "org.opencontainers.image.ref.name", strrchr(ref, ':') + 1);
    return 0;
}

int images_archive_index(const json_t *images, json_t **out, struct error *err)
{
    json_t *manifests = json_array();
    AUTO_JSON *index = json_pack("{s:i, s:s, s:o}", "schemaVersion", 2, "mediaType",
                                 "application/vnd.oci.image.index.v1+json", "manifests", manifests);
    size_t i;
    json_t *image;
    json_array_foreach(images, i, image) {
        json_t *descriptor = NULL;
        int r = describe(image, &descriptor, err);
        if (r < 0) {
            return r;
        }
        json_array_append_new(manifests, descriptor);
    }
    *out = TAKE_PTR(index);
    return 0;
}

/* Before the first byte: a stream that breaks off says less than a name. */
static int need_blobs(const json_t *images, struct error *err)
{
    STRV(digests);
    images_archive_blobs(images, &digests);
    for (size_t i = 0; i < digests.count; i++) {
        AUTO_FREE char *path = blob_path(digests.items[i]);
        if (access(path, R_OK) < 0) {
            return error_errno(err, -errno, "blob %s", digests.items[i]);
        }
    }
    return 0;
}

static int write_blobs(struct images_archive *a, int fd, struct error *err)
{
    STRV(digests);
    images_archive_blobs(a->images, &digests);
    for (size_t i = 0; i < digests.count; i++) {
        const char *digest = digests.items[i];
        AUTO_FREE char *source = blob_path(digest);
        AUTO_FREE char *name = xasprintf("blobs/sha256/%s", digest + strlen("sha256:"));
        int r = tar_stream_file(fd, name, source, err);
        if (r < 0) {
            return r;
        }
        step_progress(a->ctx, (int64_t) i + 1, (int64_t) digests.count, "importing images");
    }
    return 0;
}

int images_archive_write(struct images_archive *a, struct error *err)
{
    AUTO_FD fd = TAKE_FD(a->fd);
    AUTO_JSON *index = NULL;
    int r = need_blobs(a->images, err);
    r = r < 0 ? r : images_archive_index(a->images, &index, err);
    if (r < 0) {
        return r;
    }
    AUTO_FREE char *text = json_canonical(index);
    r = tar_stream_data(fd, "oci-layout", layout, strlen(layout), err);
    r = r < 0 ? r : tar_stream_data(fd, "index.json", text, strlen(text), err);
    r = r < 0 ? r : write_blobs(a, fd, err);
    return r < 0 ? r : tar_stream_end(fd, err);
}
