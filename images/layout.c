#include "images/layout.h"

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

#define COPY_CHUNK (256 * 1024)
#define TEMPORARY ".incoming"
#define MARKER "oci-layout"

struct layout {
    char *dir, *blob_dir;
    json_t *blobs, *chunks, *manifests;
};

/* A build that was killed while it claimed the folder leaves its file of file_write_atomic(). */
static bool is_left_behind(const char *name)
{
    return strncmp(name, "." MARKER ".", strlen("." MARKER ".")) == 0;
}

static bool is_empty(const char *dir)
{
    DIR *d = opendir(dir);
    bool empty = d != NULL;
    for (struct dirent *e; empty && (e = readdir(d));)
        empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
                is_left_behind(e->d_name);
    if (d)
        closedir(d);
    return empty;
}

/* "oci-layout" is written first: a folder that has it is ours to write to. */
static int claim(const char *dir, struct error *err)
{
    static const char text[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
    AUTO_FREE char *marker = path_join(dir, MARKER);
    int r = path_mkdir_p(dir, 0755, err);
    if (r < 0)
        return r;
    if (access(marker, F_OK) == 0)
        return 0;
    if (!is_empty(dir)) {
        error_set(err, -ENOTEMPTY, "%s is neither empty nor a bundle", dir);
        return error_remedy(err, "name another folder with -o");
    }
    return file_write_atomic(marker, text, strlen(text), 0644, err);
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

static bool is_there(const char *path, const char *digest)
{
    struct stat st;
    char found[DIGEST_SIZE];
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
           digest_file(path, found, NULL, NULL) == 0 && strcmp(found, digest) == 0;
}

static int copy_hashed(int in, int out, char digest[DIGEST_SIZE], uint64_t *size)
{
    AUTO_FREE char *chunk = xcalloc(1, COPY_CHUNK);
    AUTO_SHA256 *h = sha256_new();
    ssize_t n;
    while ((n = read(in, chunk, COPY_CHUNK)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        int r = n < 0 ? -errno : fd_write_all(out, chunk, (size_t) n);
        if (r < 0)
            return r;
        sha256_update(h, chunk, (size_t) n);
        *size += (uint64_t) n;
    }
    sha256_finish(TAKE_PTR(h), digest);
    return fsync(out) < 0 ? -errno : 0;
}

static int copy_blob(const struct layout *l, const char *source, const char *digest, int64_t size,
                     const char *path, struct error *err)
{
    AUTO_FREE char *temporary = path_join(l->blob_dir, TEMPORARY);
    unlink(temporary);
    AUTO_FD in = open(source, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return error_errno(err, -errno, "open %s", source);
    AUTO_FD out = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (out < 0)
        return error_errno(err, -errno, "create %s", temporary);
    char found[DIGEST_SIZE];
    uint64_t copied = 0;
    int r = copy_hashed(in, out, found, &copied);
    if (r < 0)
        return error_errno(err, r, "copy %s to %s", source, l->blob_dir);
    if (strcmp(found, digest) != 0 || copied != (uint64_t) size)
        return error_set(err, -EBADMSG, "%s changed while it was copied", source);
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

int layout_put_file(struct layout *l, const char *source, const char *digest, int64_t size,
                    struct error *err)
{
    AUTO_FREE char *path = blob_path(l, digest);
    if (json_object_get(l->blobs, digest))
        return 0;
    int r = is_there(path, digest) ? 0 : copy_blob(l, source, digest, size, path, err);
    return r < 0 ? r : list_blob(l, path, digest, size, err);
}

int layout_put_data(struct layout *l, const void *data, size_t len, char digest[DIGEST_SIZE],
                    struct error *err)
{
    digest_buffer(data, len, digest);
    AUTO_FREE char *path = blob_path(l, digest);
    int r = is_there(path, digest) ? 0 : file_write_atomic(path, data, len, 0644, err);
    return r < 0 ? r : list_blob(l, path, digest, (int64_t) len, err);
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

json_t *layout_blobs(struct layout *l)
{
    return l->blobs;
}

json_t *layout_chunks(struct layout *l)
{
    return l->chunks;
}

static int write_text(const struct layout *l, const char *name, const char *text, size_t max,
                      struct error *err)
{
    AUTO_FREE char *path = path_join(l->dir, name);
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
    DIR *d = opendir(l->blob_dir);
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
    closedir(d);
    return r;
}

int layout_finish(struct layout *l, const json_t *bigtop_json, struct error *err)
{
    AUTO_JSON *index = json_pack("{s:i, s:s, s:O}", "schemaVersion", 2, "mediaType",
                                 "application/vnd.oci.image.index.v1+json", "manifests",
                                 l->manifests);
    AUTO_FD blob_dir = open(l->blob_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (blob_dir < 0 || fsync(blob_dir) < 0)
        return error_errno(err, -errno, "fsync %s", l->blob_dir);
    AUTO_FREE char *index_text = json_dumps(index, JSON_INDENT(1));
    AUTO_FREE char *list = json_dumps(bigtop_json, JSON_INDENT(1));
    int r;
    if ((r = write_text(l, "index.json", index_text, IMAGE_JSON_MAX, err)) < 0 ||
        (r = remove_old_signature(l, list, err)) < 0 ||
        (r = write_text(l, BUNDLE_MANIFEST, list, BUNDLE_MANIFEST_MAX, err)) < 0)
        return r;
    return remove_others(l, err);
}
