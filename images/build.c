#include "images/build.h"

#include "images/artifact.h"
#include "images/build-deltas.h"
#include "images/bundle.h"
#include "images/cache.h"
#include "images/image.h"
#include "images/layout.h"
#include "images/lock.h"
#include "images/oci-layout.h"
#include "images/papers.h"
#include "images/source.h"
#include "images/tree.h"
#include "lib/archive.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LAYER_FORMAT 2 /* counted up when the same files give another archive */
#define LAYER_FILE "layer.tar.zst"

struct build {
    const struct build_options *options;
    struct recipe recipe;
    struct cache *cache;
    struct lock *lock;
    struct layout *layout;
    struct cache_entry *sources; /* one per source of the recipe; dir NULL: not yet needed */
    struct image_layer *shared;  /* one per layer of the recipe; size 0: not yet made */
    json_t *components, *about;  /* of bigtop.json */
    size_t index;                /* of the component at work */
    bool fresh;                  /* something of it was made now */
};

static bool is_cancelled(const struct build *b)
{
    return b->options->cancel && *b->options->cancel;
}

static void report(struct build *b, enum build_event_kind kind, const char *text, int64_t size)
{
    if (!b->options->report)
        return;
    bool inside = b->index < b->recipe.component_count;
    const struct build_event event = {
        .kind = kind,
        .index = b->index + 1,
        .total = b->recipe.component_count,
        .name = inside ? b->recipe.components[b->index].name : "",
        .text = text,
        .fresh = b->fresh,
        .size = size,
    };
    b->options->report(b->options->userdata, &event);
}

static void on_progress(void *userdata, const char *text)
{
    report(userdata, BUILD_STEP, text, 0);
}

/* Sources */

struct making {
    const struct source_context *ctx;
    const struct recipe_source *source;
};

static int produce_source(void *userdata, const char *dir, json_t *about, struct error *err)
{
    const struct making *m = userdata;
    return m->source->type->produce(m->ctx, m->source->spec, dir, about, err);
}

static struct source_context context(struct build *b)
{
    return (struct source_context){.recipe = &b->recipe,
                                   .cache_dir = b->options->cache_dir,
                                   .lock = b->lock,
                                   .registry_config = b->options->registry_config,
                                   .cancel = b->options->cancel,
                                   .progress = on_progress,
                                   .userdata = b};
}

static int get_source(struct build *b, size_t i, struct error *err)
{
    if (b->sources[i].dir)
        return 0;
    const struct recipe_source *s = &b->recipe.sources[i];
    const struct source_context ctx = context(b);
    struct making making = {.ctx = &ctx, .source = s};
    AUTO_JSON *inputs = json_pack("{s:s}", "type", s->type->name);
    bool fresh = false;
    int r = s->type->inputs(&ctx, s->spec, inputs, err);
    if (r == 0 && !b->options->update_lock) /* an interrupted build goes on with the same */
        r = lock_save(b->lock, err);
    if (r == 0)
        r = cache_get(b->cache, inputs, produce_source, &making, &b->sources[i], &fresh, err);
    if (r < 0)
        return r == -ECANCELED ? r : error_prefix(err, "source %s", s->name);
    b->fresh |= fresh;
    json_object_set(b->about, s->name, b->sources[i].about);
    return 0;
}

static int get_sources(struct build *b, const struct recipe_layer *layer, struct error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < layer->count; i++)
        if (layer->entries[i].kind == RECIPE_FROM)
            r = get_source(b, layer->entries[i].source, err);
    return r;
}

/* Layers */

struct packing {
    const struct tree *tree;
    int64_t mtime;
    bool for_host; /* unpacked by the agent, not by containerd */
};

static int pack(const struct packing *p, const char *path, enum archive_compression compression,
                struct error *err)
{
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_errno(err, -errno, "create %s", path);
    CLEANUP(archive_writer_abort) struct archive_writer *w = NULL;
    int r = archive_writer_open(fd, compression, p->mtime, &w, err);
    if (r < 0 || (r = tree_write(p->tree, w, err)) < 0)
        return r;
    return archive_writer_close(&w, err);
}

/* What a host unpacks has to pass the agent's own checks: better to know it now. */
static int check_unpackable(const char *path, struct error *err)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, -errno, "open %s", path);
    const struct archive_limits limits = ARCHIVE_LIMITS_DEFAULT;
    return archive_check(fd, &limits, NULL, NULL, err);
}

/* Packed twice: an image's configuration names the hash of the plain tar. */
static int produce_layer(void *userdata, const char *dir, json_t *about, struct error *err)
{
    const struct packing *p = userdata;
    AUTO_FREE char *path = path_join(dir, LAYER_FILE);
    char plain[DIGEST_SIZE], packed[DIGEST_SIZE];
    uint64_t size;
    int r;
    if ((r = pack(p, path, ARCHIVE_PLAIN, err)) < 0 ||
        (r = digest_file(path, plain, NULL, err)) < 0 ||
        (r = pack(p, path, ARCHIVE_ZSTD, err)) < 0 ||
        (r = digest_file(path, packed, &size, err)) < 0 ||
        (p->for_host && (r = check_unpackable(path, err)) < 0))
        return r;
    json_object_set_new(about, "diff_id", json_string(plain));
    json_object_set_new(about, "digest", json_string(packed));
    json_object_set_new(about, "size", json_integer((json_int_t) size));
    return 0;
}

static int read_layer(const struct cache_entry *entry, struct image_layer *out, struct error *err)
{
    const char *digest, *diff_id;
    int r;
    if ((r = json_need_string(entry->about, "digest", &digest, err)) < 0 ||
        (r = json_need_string(entry->about, "diff_id", &diff_id, err)) < 0 ||
        (r = json_need_int(entry->about, "size", &out->size, err)) < 0)
        return r;
    if (!digest_is_valid(digest) || !digest_is_valid(diff_id))
        return error_set(err, -EBADMSG, "%s: not a layer", entry->dir);
    memcpy(out->digest, digest, DIGEST_SIZE);
    memcpy(out->diff_id, diff_id, DIGEST_SIZE);
    return 0;
}

static int get_layer(struct build *b, const struct recipe_layer *layer, bool for_host,
                     struct image_layer *out, struct error *err)
{
    CLEANUP(tree_release) struct tree tree = TREE_INIT;
    int r;
    if ((r = get_sources(b, layer, err)) < 0 ||
        (r = tree_build(&b->recipe, layer, b->sources, &tree, err)) < 0)
        return r;
    if (!for_host)
        tree_share(&tree);
    AUTO_JSON *inputs = json_pack("{s:s, s:i, s:b, s:I, s:o}", "type", "layer", "format",
                                  LAYER_FORMAT, "for host", for_host, "mtime",
                                  (json_int_t) b->recipe.mtime, "files", tree_describe(&tree));
    struct packing packing = {.tree = &tree, .mtime = b->recipe.mtime, .for_host = for_host};
    CLEANUP(cache_entry_release) struct cache_entry entry = CACHE_ENTRY_INIT;
    bool fresh;
    report(b, BUILD_STEP, "packing", 0);
    if ((r = cache_get(b->cache, inputs, produce_layer, &packing, &entry, &fresh, err)) < 0 ||
        (r = read_layer(&entry, out, err)) < 0)
        return r;
    b->fresh |= fresh;
    AUTO_FREE char *path = path_join(entry.dir, LAYER_FILE);
    return layout_put_file(b->layout, path, out->digest, out->size, err);
}

/* Components */

static json_t *role_list(unsigned roles)
{
    json_t *list = json_array();
    if (roles & COMPONENT_CONTROL_PLANE)
        json_array_append_new(list, json_string("control-plane"));
    if (roles & COMPONENT_WORKER)
        json_array_append_new(list, json_string("worker"));
    return list;
}

static void list_source(const struct build *b, json_t *list, size_t source)
{
    const char *name = b->recipe.sources[source].name;
    if (!json_has_text(list, name))
        json_array_append_new(list, json_string(name));
}

static void list_sources(const struct build *b, json_t *list, const struct recipe_layer *layer)
{
    for (size_t i = 0; i < layer->count; i++)
        if (layer->entries[i].kind == RECIPE_FROM)
            list_source(b, list, layer->entries[i].source);
}

static json_t *component_json(const struct build *b, const struct recipe_component *c)
{
    json_t *sources = json_array();
    if (c->is_source)
        list_source(b, sources, c->source);
    list_sources(b, sources, &c->files);
    for (size_t i = 0; i < c->layer_count; i++)
        list_sources(b, sources, &b->recipe.layers[c->layers[i]]);
    return json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", c->name, "kind",
                     component_kind_name(c->kind), "version", c->version, "roles",
                     role_list(c->roles), "sources", sources);
}

static json_t *needed_images(const struct yaml_node *map)
{
    json_t *images = json_object();
    for (size_t i = 0; i < map->count; i++)
        json_object_set_new(images, map->keys[i], json_string(map->items[i]->text));
    return images;
}

static int build_artifact(struct build *b, const struct recipe_component *c, int64_t *size,
                          struct error *err)
{
    struct image_layer blob;
    int r = get_layer(b, &c->files, true, &blob, err);
    if (r < 0)
        return r;
    AUTO_FREE char *title = xasprintf("%s-%s.tar.zst", c->name, c->version);
    AUTO_FREE char *ref = xasprintf("bigtop/%s:%s", c->name, c->version);
    const struct artifact artifact = {.type = MEDIA_COMPONENT,
                                      .media = MEDIA_LAYER,
                                      .title = title,
                                      .digest = blob.digest,
                                      .size = blob.size};
    if ((r = artifact_put(b->layout, &artifact, ref, err)) < 0)
        return r;
    json_t *json = component_json(b, c);
    json_object_set_new(json, "blob", json_string(blob.digest));
    if (c->kind == COMPONENT_ADDON)
        json_object_set_new(json, "namespaces", json_texts(&c->namespaces));
    if (c->images)
        json_object_set_new(json, "images", needed_images(c->images));
    if (c->kind == COMPONENT_STACK)
        json_object_set_new(json, "images", json_texts(&c->stack_images));
    json_array_append_new(b->components, json);
    *size = blob.size;
    return 0;
}

static int get_image_layers(struct build *b, const struct recipe_component *c,
                            struct image_layer *layers, size_t *count, struct error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < c->layer_count; i++) {
        struct image_layer *shared = &b->shared[c->layers[i]];
        if (shared->size == 0)
            r = get_layer(b, &b->recipe.layers[c->layers[i]], false, shared, err);
        layers[(*count)++] = *shared;
    }
    if (r == 0 && c->files.count)
        r = get_layer(b, &c->files, false, &layers[(*count)++], err);
    return r;
}

/* Takes blobs over. */
static void add_image(struct build *b, const struct recipe_component *c, const char *manifest,
                      json_t *blobs)
{
    json_t *json = component_json(b, c);
    json_object_set_new(json, "ref", json_string(c->ref));
    json_object_set_new(json, "manifest", json_string(manifest));
    json_object_set_new(json, "blobs", blobs);
    json_array_append_new(b->components, json);
}

static int build_image(struct build *b, const struct recipe_component *c, int64_t *size,
                       struct error *err)
{
    AUTO_FREE struct image_layer *layers = xcalloc(c->layer_count + 1, sizeof(*layers));
    size_t count = 0;
    STRBUF(config, IMAGE_JSON_MAX);
    STRBUF(manifest, IMAGE_JSON_MAX);
    char config_digest[DIGEST_SIZE], digest[DIGEST_SIZE];
    int r = get_image_layers(b, c, layers, &count, err);
    if (r < 0)
        return r;
    image_config(&b->recipe, c, layers, count, &config);
    if ((r = layout_put_data(b->layout, config.data, config.len, config_digest, err)) < 0)
        return r;
    image_manifest(config_digest, (int64_t) config.len, layers, count, &manifest);
    if ((r = layout_put_data(b->layout, manifest.data, manifest.len, digest, err)) < 0)
        return r;
    layout_add_manifest(b->layout,
                        &(struct layout_manifest){.media_type = MEDIA_MANIFEST,
                                                  .digest = digest,
                                                  .ref = c->ref,
                                                  .size = (int64_t) manifest.len,
                                                  .architecture = b->recipe.architecture});
    json_t *blobs = json_pack("[s]", config_digest);
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(blobs, json_string(layers[i].digest));
        *size += layers[i].size;
    }
    add_image(b, c, digest, blobs);
    return 0;
}

static int put_blob(struct build *b, const char *dir, const struct oci_descriptor *d,
                    struct error *err)
{
    AUTO_FREE char *path = oci_layout_blob(dir, d->digest);
    return layout_put_file(b->layout, path, d->digest, d->size, err);
}

/* By their names, skopeo finds OCI's manifests and indexes only: one of docker's gets an index. */
static int name_image(struct build *b, const struct recipe_component *c,
                      const struct oci_image *image, struct error *err)
{
    STRBUF(index, IMAGE_JSON_MAX);
    char digest[DIGEST_SIZE];
    struct layout_manifest m = {.media_type = image->parsed.media_type,
                                .digest = image->manifest.digest,
                                .ref = c->ref,
                                .size = image->manifest.size,
                                .architecture = b->recipe.architecture};
    if (strcmp(m.media_type, MEDIA_MANIFEST) != 0) {
        image_index(m.media_type, m.digest, m.size, m.architecture, &index);
        int r = layout_put_data(b->layout, index.data, index.len, digest, err);
        if (r < 0)
            return r;
        m.media_type = MEDIA_INDEX;
        m.digest = digest;
        m.size = (int64_t) index.len;
    }
    layout_add_manifest(b->layout, &m);
    return 0;
}

/* An image as it came: not a byte of it is ours. */
static int take_image(struct build *b, const struct recipe_component *c, int64_t *size,
                      struct error *err)
{
    const struct oci_platform platform = {"linux", b->recipe.architecture, NULL};
    const char *dir;
    AUTO_OCI_IMAGE image = {0};
    int r = get_source(b, c->source, err);
    if (r < 0)
        return r;
    dir = b->sources[c->source].dir;
    if ((r = oci_layout_read(dir, &platform, &image, err)) < 0 ||
        (r = put_blob(b, dir, &image.manifest, err)) < 0)
        return r;
    AUTO_JSON *blobs = json_array();
    for (size_t i = 0; i < image.parsed.count; i++) {
        if ((r = put_blob(b, dir, &image.parsed.blobs[i], err)) < 0)
            return r;
        json_array_append_new(blobs, json_string(image.parsed.blobs[i].digest));
        *size += image.parsed.blobs[i].size;
    }
    if ((r = name_image(b, c, &image, err)) < 0)
        return r;
    add_image(b, c, image.manifest.digest, TAKE_PTR(blobs));
    return 0;
}

static int build_component(struct build *b, struct error *err)
{
    const struct recipe_component *c = &b->recipe.components[b->index];
    int64_t size = 0;
    b->fresh = false;
    report(b, BUILD_COMPONENT, NULL, 0);
    int r = is_cancelled(b)              ? error_set(err, -ECANCELED, "interrupted")
            : c->whole_image             ? take_image(b, c, &size, err)
            : c->kind == COMPONENT_IMAGE ? build_image(b, c, &size, err)
                                         : build_artifact(b, c, &size, err);
    if (r < 0)
        return error_prefix(err, "%s %s", c->name, c->version);
    report(b, BUILD_DONE, NULL, size);
    return 0;
}

/* The whole */

static void tell_waiting(void *userdata)
{
    report(userdata, BUILD_WAITING, NULL, 0);
}

static int open_lock(struct build *b, struct error *err)
{
    AUTO_FREE char *path = xasprintf("%s" LOCK_SUFFIX, b->options->recipe);
    return lock_open(path, b->options->update_lock, &b->lock, err);
}

static int finish(struct build *b, struct error *err)
{
    const struct recipe *r = &b->recipe;
    AUTO_JSON *json = json_pack(
        "{s:i, s:s, s:s, s:I, s:s, s:s*, s:O, s:O, s:O, s:O}", "schema", BUNDLE_SCHEMA, "product",
        r->product, "architecture", r->architecture, "serial", (json_int_t) r->serial, "created",
        r->created, "kubernetes", r->kubernetes, "components", b->components, "blobs",
        layout_blobs(b->layout), "chunks", layout_chunks(b->layout), "sources", b->about);
    if (b->options->next_keys)
        trusted_keys_add_all(&b->recipe.next_keys, b->options->next_keys);
    if (b->recipe.next_keys.count)
        json_object_set_new(json, "next_keys", trusted_keys_to_json(&b->recipe.next_keys));
    const struct source_context ctx = context(b);
    const struct papers papers = {
        .cache = b->cache, .ctx = &ctx, .sources = b->sources, .layout = b->layout};
    const struct delta_build deltas = {
        .options = b->options, .cache = b->cache, .layout = b->layout};
    int e;
    if ((e = papers_add(&papers, json, err)) < 0 || (e = build_deltas(&deltas, json, err)) < 0)
        return e;
    return layout_finish(b->layout, json, err);
}

static int run(struct build *b, struct error *err)
{
    int r;
    b->sources = xcalloc(b->recipe.source_count + 1, sizeof(*b->sources));
    b->shared = xcalloc(b->recipe.layer_count + 1, sizeof(*b->shared));
    b->components = json_array();
    b->about = json_object();
    if ((r = open_lock(b, err)) < 0 ||
        (r = cache_await(b->options->cache_dir, b->options->cancel, tell_waiting, b, &b->cache,
                         err)) < 0 ||
        (r = layout_open(b->options->out_dir, &b->layout, err)) < 0)
        return r;
    for (; b->index < b->recipe.component_count; b->index++)
        if ((r = build_component(b, err)) < 0)
            return r;
    r = lock_save(b->lock, err);
    return r < 0 ? r : finish(b, err);
}

static void build_release(struct build *b)
{
    for (size_t i = 0; b->sources && i < b->recipe.source_count; i++)
        cache_entry_release(&b->sources[i]);
    free(b->sources);
    free(b->shared);
    json_decref(b->components);
    json_decref(b->about);
    layout_close(&b->layout);
    cache_close(&b->cache);
    lock_close(&b->lock);
    recipe_release(&b->recipe);
}

int build_bundle(const struct build_options *options, struct error *err)
{
    CLEANUP(build_release) struct build b = {.options = options};
    int r = recipe_load(options->recipe, &b.recipe, err);
    if (r == 0 && options->only)
        r = recipe_keep_only(&b.recipe, options->only, err);
    return r < 0 ? r : run(&b, err);
}
