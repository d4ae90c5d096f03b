#include "images/layout.h"

#include "images/bundle-store.h"
#include "images/bundle.h"
#include "images/chunk-map.h"
#include "images/image.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY ".incoming"

struct layout {
    char *dir, *blob_dir;
    json_t *blobs, *chunks, *manifests;
};

/* A build that was killed while it claimed the folder leaves its file of file_write_atomic(). */
static bool is_left_behind(const char *name)
{
    AUTO_FREE char *torn = xasprintf(".%s.", bundle_text_name(BUNDLE_TEXT_LAYOUT));
    return strncmp(name, torn, strlen(torn)) == 0;
}

static bool is_empty(const char *dir)
{
    AUTO_DIR *d = opendir(dir);
    bool empty = d != NULL;
    for (struct dirent *e; empty && (e = readdir(d));)
        empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
                is_left_behind(e->d_name);
    return empty;
}

/* "oci-layout" is written first: a folder that has it is ours to write to. */
static int claim(const char *dir, struct error *err)
{
    AUTO_FREE char *marker = path_join(dir, bundle_text_name(BUNDLE_TEXT_LAYOUT));
    int r = path_mkdir_p(dir, 0755, err);
    if (r < 0)
        return r;
    if (access(marker, F_OK) == 0)
        return 0;
    if (!is_empty(dir)) {
        error_set(err, -ENOTEMPTY, "%s is neither empty nor a bundle", dir);
        return error_remedy(err, "name another folder with -o");
    }
    return file_write_atomic(marker, BUNDLE_STORE_LAYOUT_TEXT, strlen(BUNDLE_STORE_LAYOUT_TEXT),
                             0644, err);
}

int layout_open(const char *dir, struct layout **out, struct error *err)
{
    int r = claim(dir, err);
    if (r < 0)
        return r;
    AUTO_FREE char *blob_dir = path_join(dir, "blobs/sha256");
    if ((r = path_mkdir_p(blob_dir, 0755, err)) < 0)
        return r;
    struct layout *l = xcalloc(1, sizeof(*l));
    l->dir = xstrdup(dir);
    l->blob_dir = TAKE_PTR(blob_dir);
    l->blobs = json_object();
    l->chunks = json_object();
    l->manifests = json_array();
    *out = l;
    return 0;
}

void layout_close(struct layout **l)
{
    if (*l) {
        free((*l)->dir);
        free((*l)->blob_dir);
        json_decref((*l)->blobs);
        json_decref((*l)->chunks);
        json_decref((*l)->manifests);
        free(*l);
    }
    *l = NULL;
}

static char *blob_path(const struct layout *l, const char *digest)
{
    return path_join(l->blob_dir, digest + strlen("sha256:"));
}

static bool is_there(const char *path, const char *digest, uint64_t size)
{
    struct stat st;
    char found[DIGEST_SIZE];
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t) st.st_size == size &&
           digest_file(path, found, NULL, NULL) == 0 && strcmp(found, digest) == 0;
}

static int copy_blob(const struct layout *l, const struct blob_source *source, const char *digest,
                     const char *path, struct error *err)
{
    AUTO_FREE char *temporary = path_join(l->blob_dir, TEMPORARY);
    unlink(temporary);
    AUTO_FD out = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (out < 0)
        return error_errno(err, -errno, "create %s", temporary);
    char found[DIGEST_SIZE];
    if (blob_source_copy(source, out, found, err) < 0)
        return error_prefix(err, "copy blob %s to %s", digest, l->blob_dir);
    if (fsync(out) < 0)
        return error_errno(err, -errno, "fsync %s", temporary);
    if (strcmp(found, digest) != 0)
        return error_set(err, -EBADMSG, "blob %s has the content of %s", digest, found);
    return rename(temporary, path) < 0 ? error_errno(err, -errno, "rename to %s", path) : 0;
}

static int list_blob(struct layout *l, const char *path, const char *digest, int64_t size,
                     struct error *err)
{
    AUTO_BLOB_SOURCE blob = {.fd = open(path, O_RDONLY | O_CLOEXEC), .size = (uint64_t) size};
    json_t *hashes = NULL;
    if (blob.fd < 0)
        return error_errno(err, -errno, "open %s", path);
    int r = chunk_hashes(&blob, &hashes, err);
    if (r < 0)
        return r;
    json_object_set_new(l->blobs, digest, json_integer(size));
    if (hashes)
        json_object_set_new(l->chunks, digest, hashes);
    return 0;
}

int layout_put_blob(struct layout *l, const struct blob_source *source, const char *digest,
                    struct error *err)
{
    AUTO_FREE char *path = blob_path(l, digest);
    if (json_object_get(l->blobs, digest))
        return 0;
    int r = is_there(path, digest, source->size) ? 0 : copy_blob(l, source, digest, path, err);
    return r < 0 ? r : list_blob(l, path, digest, (int64_t) source->size, err);
}

int layout_put_file(struct layout *l, const char *source, const char *digest, int64_t size,
                    struct error *err)
{
    AUTO_BLOB_SOURCE blob = {.fd = open(source, O_RDONLY | O_CLOEXEC), .size = (uint64_t) size};
    struct stat st;
    if (blob.fd < 0 || fstat(blob.fd, &st) < 0)
        return error_errno(err, -errno, "open %s", source);
    if (st.st_size != size)
        return error_set(err, -EBADMSG, "%s changed: it has %lld bytes, not %lld", source,
                         (long long) st.st_size, (long long) size);
    return layout_put_blob(l, &blob, digest, err);
}

int layout_put_data(struct layout *l, const void *data, size_t len, char digest[DIGEST_SIZE],
                    struct error *err)
{
    digest_buffer(data, len, digest);
    AUTO_FREE char *path = blob_path(l, digest);
    int r = is_there(path, digest, len) ? 0 : file_write_atomic(path, data, len, 0644, err);
    return r < 0 ? r : list_blob(l, path, digest, (int64_t) len, err);
}

int layout_blob_open(const struct layout *l, const char *digest, struct blob_source *out,
                     struct error *err)
{
    AUTO_FREE char *path = blob_path(l, digest);
    json_int_t size = json_integer_value(json_object_get(l->blobs, digest));
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, -errno, "open %s", path);
    *out = (struct blob_source){.fd = TAKE_FD(fd), .size = (uint64_t) size};
    return 0;
}

void layout_add_manifest(struct layout *l, const struct layout_manifest *manifest)
{
    json_t *m = json_pack("{s:s, s:s, s:I}", "mediaType", manifest->media_type, "digest",
                          manifest->digest, "size", (json_int_t) manifest->size);
    if (manifest->artifact_type)
        json_object_set_new(m, "artifactType", json_string(manifest->artifact_type));
    if (manifest->architecture)
        json_object_set_new(
            m, "platform",
            json_pack("{s:s, s:s}", "architecture", manifest->architecture, "os", "linux"));
    json_object_set_new(m, "annotations", json_pack("{s:s}", LAYOUT_REF, manifest->ref));
    json_array_append_new(l->manifests, m);
}

void layout_add_entry(struct layout *l, json_t *entry)
{
    json_array_append(l->manifests, entry);
}

json_t *layout_blobs(struct layout *l)
{
    return l->blobs;
}

json_t *layout_chunks(struct layout *l)
{
    return l->chunks;
}

static int write_text(const struct layout *l, enum bundle_text which, const char *text, size_t max,
                      struct error *err)
{
    AUTO_FREE char *path = path_join(l->dir, bundle_text_name(which));
    if (strlen(text) > max)
        return error_set(err, -E2BIG, "%s would be %zu bytes long, %zu are possible", path,
                         strlen(text), max);
    return file_write_atomic(path, text, strlen(text), 0644, err);
}

/* ".HEX.XXXXXX": of a file_write_atomic() that was killed. */
static bool is_torn(const char *name)
{
    AUTO_FREE char *digest = xasprintf("sha256:%.*s", SHA256_HEX_LEN, name + (name[0] == '.'));
    return name[0] == '.' && digest_is_valid(digest) && name[1 + SHA256_HEX_LEN] == '.';
}

/* A signature of an earlier list would make the new one look altered; one of the same list stays.
 */
static int remove_old_signature(const struct layout *l, const char *list, struct error *err)
{
    AUTO_FREE char *path = path_join(l->dir, BUNDLE_MANIFEST);
    AUTO_FREE char *signature = path_join(l->dir, BUNDLE_SIGNATURE);
    if (file_is(path, list, strlen(list), 0644) == 1)
        return 0;
    if (unlink(signature) < 0 && errno != ENOENT)
        return error_errno(err, -errno, "remove %s", signature);
    return 0;
}

static int remove_others(const struct layout *l, struct error *err)
{
    AUTO_DIR *d = opendir(l->blob_dir);
    if (!d)
        return error_errno(err, -errno, "list %s", l->blob_dir);
    int r = 0;
    for (struct dirent *e; r == 0 && (e = readdir(d));) {
        AUTO_FREE char *digest = xasprintf("sha256:%s", e->d_name);
        bool is_blob = digest_is_valid(digest) || strcmp(e->d_name, TEMPORARY) == 0 ||
                       is_torn(e->d_name);
        if (is_blob && !json_object_get(l->blobs, digest) && unlinkat(dirfd(d), e->d_name, 0) < 0)
            r = error_errno(err, -errno, "remove blob %s", e->d_name);
    }
    return r;
}

static int sync_blobs(const struct layout *l, struct error *err)
{
    AUTO_FD blob_dir = open(l->blob_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (blob_dir < 0 || fsync(blob_dir) < 0)
        return error_errno(err, -errno, "fsync %s", l->blob_dir);
    return 0;
}

static char *index_text(const struct layout *l)
{
    AUTO_JSON *index = json_pack("{s:i, s:s, s:O}", "schemaVersion", 2, "mediaType", MEDIA_INDEX,
                                 "manifests", l->manifests);
    return json_dumps(index, JSON_INDENT(1));
}

static char *list_text(const json_t *bigtop_json, const char *index)
{
    AUTO_JSON *json = json_copy((json_t *) bigtop_json);
    char digest[DIGEST_SIZE];
    digest_buffer(index, strlen(index), digest);
    json_object_set_new(json, "index", json_string(digest));
    return json_dumps(json, JSON_INDENT(1));
}

static int write_list(const struct layout *l, const char *index, const char *list,
                      struct error *err)
{
    int r;
    if ((r = sync_blobs(l, err)) < 0 ||
        (r = write_text(l, BUNDLE_TEXT_INDEX, index, BUNDLE_STORE_INDEX_MAX, err)) < 0 ||
        (r = remove_old_signature(l, list, err)) < 0 ||
        (r = write_text(l, BUNDLE_TEXT_LIST, list, BUNDLE_MANIFEST_MAX, err)) < 0)
        return r;
    return remove_others(l, err);
}

int layout_finish(struct layout *l, const json_t *bigtop_json, struct error *err)
{
    AUTO_FREE char *index = index_text(l);
    AUTO_FREE char *list = list_text(bigtop_json, index);
    return write_list(l, index, list, err);
}

int layout_finish_images(struct layout *l, struct error *err)
{
    AUTO_FREE char *index = index_text(l);
    int r = sync_blobs(l, err);
    return r < 0 ? r : write_text(l, BUNDLE_TEXT_INDEX, index, BUNDLE_STORE_INDEX_MAX, err);
}

int layout_finish_copy(struct layout *l, const struct bundle *b, struct error *err)
{
    STRBUF(index, BUNDLE_STORE_INDEX_MAX);
    int r;
    if ((r = bundle_store_read(b->store, BUNDLE_TEXT_INDEX, &index, err)) < 0 ||
        (r = write_list(l, index.data, b->text, err)) < 0 || !b->signature_text)
        return r;
    return write_text(l, BUNDLE_TEXT_SIGNATURE, b->signature_text, SIGNATURE_MAX, err);
}
