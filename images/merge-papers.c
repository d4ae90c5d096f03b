#include "images/merge-papers.h"

#include "images/artifact.h"
#include "images/extract.h"
#include "images/image.h"
#include "images/papers.h"
#include "images/sbom.h"
#include "lib/archive.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool merge_papers_has(const json_t *entry)
{
    const char *type = json_get_string(entry, "artifactType", "");
    return strcmp(type, MEDIA_SPDX) == 0 || strcmp(type, MEDIA_LICENCES) == 0;
}

static int put(struct layout *l, const char *type, const char *media, const char *title,
               const char *digest, int64_t size, struct error *err)
{
    const struct artifact a = {
        .type = type, .media = media, .title = title, .digest = digest, .size = size};
    return artifact_put(l, &a, title, err);
}

static int read_sbom(const struct bundle *b, json_t **out, struct error *err)
{
    AUTO_FREE char *text = NULL;
    size_t size;
    int r = bundle_blob_text(b, b->sbom, SBOM_MAX, &text, &size, err);
    if (r < 0) {
        (void) error_prefix(err, "its SBOM");
        return r;
    }
    *out = json_parse(text, size, "its SBOM", err);
    return *out ? 0 : -EBADMSG;
}

static int merge_sboms(const struct bundle *bundles, size_t count, struct layout *l, json_t *bigtop,
                       struct error *err)
{
    AUTO_JSON *documents = json_array();
    STRBUF(text, SBOM_MAX);
    char digest[DIGEST_SIZE];
    int r;
    for (size_t i = 0; i < count; i++) {
        json_t *document = NULL;
        if (bundles[i].sbom && read_sbom(&bundles[i], &document, err) < 0)
            return error_prefix(err, "%s", bundles[i].path);
        if (document)
            json_array_append_new(documents, document);
    }
    if (json_array_size(documents) == 0)
        return 0;
    sbom_merge(bigtop, documents, &text);
    if (strbuf_full(&text))
        return error_set(err, -E2BIG, "the SBOM would be larger than %d bytes", SBOM_MAX);
    if ((r = layout_put_data(l, text.data, text.len, digest, err)) < 0)
        return r;
    json_object_set_new(bigtop, "sbom", json_string(digest));
    return put(l, MEDIA_SPDX, MEDIA_SPDX, PAPERS_SBOM_FILE, digest, (int64_t) text.len, err);
}

/* Each bundle's in a folder of its own, named so that two with the same serial do not meet. */
static int unpack_licences(const struct bundle *bundles, size_t count, const char *dir,
                           size_t *found, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct bundle *b = &bundles[i];
        if (!b->licenses)
            continue;
        AUTO_FREE char *name = xasprintf("%zu-%s-%lld", i + 1, b->product, (long long) b->serial);
        AUTO_FREE char *path = path_join(dir, name);
        int r = path_mkdir_p(path, 0755, err);
        if (r < 0)
            return r;
        if (extract_blob(b, b->licenses, path, err) < 0)
            return error_prefix(err, "%s: the licences", b->path);
        (*found)++;
    }
    return 0;
}

static int pack_licences(const char *dir, const char *path, struct error *err)
{
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_errno(err, -errno, "create %s", path);
    CLEANUP(archive_writer_abort) struct archive_writer *w = NULL;
    int r = archive_writer_open(fd, ARCHIVE_ZSTD, 0, &w, err);
    if (r < 0 || (r = archive_writer_tree(w, "", dir, err)) < 0)
        return r;
    return archive_writer_close(&w, err);
}

static int merge_licences_in(const struct bundle *bundles, size_t count, struct layout *l,
                             const char *work_dir, json_t *bigtop, struct error *err)
{
    AUTO_FREE char *texts = path_join(work_dir, "texts");
    AUTO_FREE char *path = path_join(work_dir, "texts.tar");
    char digest[DIGEST_SIZE];
    uint64_t size;
    size_t found = 0;
    int r = unpack_licences(bundles, count, texts, &found, err);
    if (r < 0 || found == 0)
        return r;
    if ((r = pack_licences(texts, path, err)) < 0 ||
        (r = digest_file(path, digest, &size, err)) < 0 ||
        (r = layout_put_file(l, path, digest, (int64_t) size, err)) < 0)
        return r;
    json_object_set_new(bigtop, "licenses", json_string(digest));
    return put(l, MEDIA_LICENCES, MEDIA_LAYER, PAPERS_LICENCES_FILE, digest, (int64_t) size, err);
}

int merge_papers(const struct bundle *bundles, size_t count, struct layout *l, const char *work_dir,
                 json_t *bigtop, struct error *err)
{
    AUTO_FREE char *dir = path_join(work_dir, ".licences.XXXXXX");
    if (!mkdtemp(dir))
        return error_errno(err, -errno, "create a folder in %s", work_dir);
    int r = merge_licences_in(bundles, count, l, dir, bigtop, err);
    int removed = path_remove_tree(dir, r < 0 ? NULL : err);
    if (r < 0 || (r = removed) < 0)
        return r;
    return merge_sboms(bundles, count, l, bigtop, err);
}
