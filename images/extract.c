#include "images/extract.h"

#include "images/contents.h"
#include "images/layout.h"
#include "lib/archive.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* A copy that nobody else can open: what was hashed is what is unpacked. */
static int copy_verified(const struct bundle *b, const char *digest, const char *dir, int *out,
                         struct error *err)
{
    AUTO_BLOB_SOURCE blob = BLOB_SOURCE_INIT;
    AUTO_FREE char *path = path_join(dir, ".extract.XXXXXX");
    char found[DIGEST_SIZE];
    int r = bundle_blob_open(b, digest, &blob, err);
    if (r < 0)
        return r;
    AUTO_FD fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0 || unlink(path) < 0)
        return error_errno(err, -errno, "create %s", path);
    if ((r = blob_source_copy(&blob, fd, found, err)) < 0)
        return r;
    if (strcmp(found, digest) != 0)
        return error_set(err, -EBADMSG, "blob %s has the content of %s", digest, found);
    if (lseek(fd, 0, SEEK_SET) < 0)
        return error_errno(err, -errno, "rewind %s", path);
    *out = TAKE_FD(fd);
    return 0;
}

int extract_blob(const struct bundle *b, const char *digest, const char *dir, struct error *err)
{
    AUTO_FD tar = -1;
    AUTO_FD folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return error_errno(err, -errno, "open %s", dir);
    int r = copy_verified(b, digest, dir, &tar, err);
    return r < 0 ? r : archive_unpack(tar, folder, NULL, NULL, NULL, err);
}

/* Its entry of index.json as it is: what it says of the platform is not ours to make up. */
static int add_entry(struct layout *l, const struct bundle *b, const struct component *c,
                     struct error *err)
{
    AUTO_JSON *index = NULL;
    int r = bundle_index(b, &index, err);
    if (r < 0)
        return r;
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(index, "manifests"), i, entry) {
        const json_t *annotations = json_object_get(entry, "annotations");
        if (strcmp(json_get_string(entry, "digest", ""), c->manifest) == 0 &&
            strcmp(json_get_string(annotations, LAYOUT_REF, ""), c->ref) == 0) {
            layout_add_entry(l, entry);
            return 0;
        }
    }
    return error_set(err, -EBADMSG, "index.json does not have %s", c->ref);
}

static int extract_image(const struct bundle *b, const struct component *c, const char *dir,
                         struct error *err)
{
    CLEANUP(layout_close) struct layout *l = NULL;
    AUTO_JSON *blobs = contents_of(b, c);
    int r = layout_open(dir, &l, err);
    const char *digest;
    json_t *size;
    json_object_foreach(blobs, digest, size) {
        AUTO_BLOB_SOURCE blob = BLOB_SOURCE_INIT;
        if (r < 0 || (r = bundle_blob_open(b, digest, &blob, err)) < 0 ||
            (r = layout_put_blob(l, &blob, digest, err)) < 0)
            return r;
    }
    return (r = add_entry(l, b, c, err)) < 0 ? r : layout_finish_images(l, err);
}

int bundle_extract(const struct bundle *b, const struct component *c, const char *dir,
                   struct error *err)
{
    int r = path_make_empty(dir, 0755, err);
    if (r < 0)
        return r;
    r = c->kind == COMPONENT_IMAGE ? extract_image(b, c, dir, err)
                                   : extract_blob(b, c->blob, dir, err);
    return r < 0 ? error_prefix(err, "%s", c->name) : 0;
}
