/* A small bundle for tests, made as a build makes it: two layers, an image, files and an addon. */
#pragma once

#include "images/artifact.h"
#include "images/bundle.h"
#include "images/image.h"
#include "images/layout.h"
#include "lib/archive.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <fcntl.h>
#include <unistd.h>

#define FIXTURE_UNUSED __attribute__((unused))

struct fixture {
    const char *product, *architecture, *kubernetes;
    int64_t serial;
    const char *image, *image_text;   /* name, and what its layer holds; NULL: no image */
    const char *files, *files_text;   /* name, and what etc/NAME holds; NULL: no such component */
    const char *version;
};
#define FIXTURE \
    ((struct fixture){.product = "bigtop", .architecture = "amd64", .kubernetes = "v1.34.4", \
                      .serial = 1, .image = "box", .image_text = "in the box", .files = "note", \
                      .files_text = "a note", .version = "v1"})

/* A tar with one file, put as a blob. */
static inline struct image_layer fixture_layer(struct layout *l, const char *dir, const char *name,
                                               const char *text)
{
    struct image_layer layer = {0};
    AUTO_FREE char *path = path_join(dir, ".layer");
    AUTO_FREE char *inside = xasprintf("etc/%s", name);
    AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct archive_writer *w = NULL;
    assert_int_equal(archive_writer_open(fd, ARCHIVE_ZSTD, 0, &w, NULL), 0);
    assert_int_equal(archive_writer_data(w, inside, 0644, text, strlen(text), NULL), 0);
    assert_int_equal(archive_writer_close(&w, NULL), 0);
    uint64_t size;
    assert_int_equal(digest_file(path, layer.digest, &size, NULL), 0);
    layer.size = (int64_t) size;
    memcpy(layer.diff_id, layer.digest, DIGEST_SIZE);
    assert_int_equal(layout_put_file(l, path, layer.digest, layer.size, NULL), 0);
    assert_int_equal(unlink(path), 0);
    return layer;
}

static inline json_t *fixture_component(const struct fixture *f, const char *name,
                                        const char *kind)
{
    return json_pack("{s:s, s:s, s:s, s:[s, s], s:[s]}", "name", name, "kind", kind, "version",
                     f->version, "roles", "control-plane", "worker", "sources", name);
}

static inline json_t *fixture_image(const struct fixture *f, struct layout *l, const char *dir)
{
    STRBUF(manifest, IMAGE_JSON_MAX);
    char config[DIGEST_SIZE], digest[DIGEST_SIZE];
    struct image_layer layers[2] = {fixture_layer(l, dir, "base", "shared by all"),
                                    fixture_layer(l, dir, f->image, f->image_text)};
    assert_int_equal(layout_put_data(l, "{\"architecture\":\"amd64\"}", 24, config, NULL), 0);
    image_manifest(config, 24, layers, 2, &manifest);
    assert_int_equal(layout_put_data(l, manifest.data, manifest.len, digest, NULL), 0);
    AUTO_FREE char *ref = xasprintf("example.org/%s:%s", f->image, f->version);
    layout_add_manifest(l, &(struct layout_manifest){.media_type = MEDIA_MANIFEST,
                                                     .digest = digest,
                                                     .size = (int64_t) manifest.len,
                                                     .ref = ref,
                                                     .architecture = "amd64"});
    json_t *c = fixture_component(f, f->image, "image");
    json_object_set_new(c, "ref", json_string(ref));
    json_object_set_new(c, "manifest", json_string(digest));
    json_object_set_new(c, "blobs",
                        json_pack("[s, s, s]", config, layers[0].digest, layers[1].digest));
    return c;
}

static inline json_t *fixture_files(const struct fixture *f, struct layout *l, const char *dir)
{
    struct image_layer blob = fixture_layer(l, dir, f->files, f->files_text);
    AUTO_FREE char *ref = xasprintf("bigtop/%s:%s", f->files, f->version);
    const struct artifact a = {.type = MEDIA_COMPONENT,
                               .media = MEDIA_LAYER,
                               .title = f->files,
                               .digest = blob.digest,
                               .size = blob.size};
    assert_int_equal(artifact_put(l, &a, ref, NULL), 0);
    json_t *c = fixture_component(f, f->files, "files");
    json_object_set_new(c, "blob", json_string(blob.digest));
    return c;
}

/* Makes the bundle in the folder "name" of dir; the caller frees its path. */
static FIXTURE_UNUSED char *fixture_make(const char *dir, const char *name,
                                         const struct fixture *f)
{
    CLEANUP(layout_close) struct layout *l = NULL;
    char *path = path_join(dir, name);
    assert_int_equal(layout_open(path, &l, NULL), 0);
    AUTO_JSON *components = json_array();
    AUTO_JSON *sources = json_object();
    if (f->files) {
        json_array_append_new(components, fixture_files(f, l, dir));
        json_object_set_new(sources, f->files, json_pack("{s:s}", "type", "file"));
    }
    if (f->image) {
        json_array_append_new(components, fixture_image(f, l, dir));
        json_object_set_new(sources, f->image, json_pack("{s:s}", "type", "file"));
    }
    AUTO_JSON *list = json_pack(
        "{s:i, s:s, s:s, s:I, s:s, s:s*, s:O, s:O, s:O, s:O}", "schema", BUNDLE_SCHEMA, "product",
        f->product, "architecture", f->architecture, "serial", (json_int_t) f->serial, "created",
        "2026-02-10T12:53:36Z", "kubernetes", f->kubernetes, "components", components, "blobs",
        layout_blobs(l), "chunks", layout_chunks(l), "sources", sources);
    assert_int_equal(layout_finish(l, list, NULL), 0);
    return path;
}
