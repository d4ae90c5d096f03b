#include "images/build.h"
#include "images/bundle.h"
#include "images/cache.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECIPE \
    "product: p\narchitecture: amd64\nserial: 1\nkubernetes: v1\n" \
    "created: 2026-02-10T12:53:36Z\n" \
    "sources: {tool: {type: file, path: tool}, addon: {type: file, path: addon}}\n" \
    "layers: {base: [{text: base, to: etc/base}, {dir: tmp, mode: \"1777\"}]}\n" \
    "components:\n" \
    "- {name: tool, kind: files, version: v1, roles: [worker],\n" \
    "   files: [{from: tool, path: tool, to: usr/bin/tool}, {links: [t], in: usr/bin,\n" \
    "   target: tool}]}\n" \
    "- {name: one, kind: image, version: v1, roles: [worker], ref: a.io/one:v1,\n" \
    "   layers: [base], files: [{from: tool, to: bin}], entrypoint: [/bin/tool], user: \"5:6\"}\n" \
    "- {name: two, kind: image, version: v1, roles: [control-plane], ref: a.io/two:v1,\n" \
    "   layers: [base]}\n" \
    "- {name: net, kind: addon, version: v1, roles: [control-plane], files: [{from: addon}],\n" \
    "   namespaces: [x], images: {image-one: a.io/one}}\n"

static void put(const char *dir, const char *name, const char *text, mode_t mode)
{
    AUTO_FREE char *path = path_join(dir, name);
    AUTO_FREE char *parent = path_dirname(path);
    assert_int_equal(path_mkdir_p(parent, 0755, NULL), 0);
    assert_int_equal(file_write_atomic(path, text, strlen(text), mode, NULL), 0);
}

static void get(const char *dir, const char *name, struct strbuf *out)
{
    AUTO_FREE char *path = path_join(dir, name);
    strbuf_reset(out);
    assert_int_equal(file_read(path, out, NULL), 0);
}

static void put_sources(const char *dir)
{
    put(dir, "r.yaml", RECIPE, 0644);
    put(dir, "tool", "#!/bin/sh\n", 0755);
    put(dir, "addon/kustomization.yaml", "resources: []\n", 0644);
    put(dir, "addon/sub/x.yaml", "a: b\n", 0600);
}

struct seen {
    size_t fresh, done;
};

static void on_event(void *userdata, const struct build_event *e)
{
    struct seen *seen = userdata;
    seen->done += e->kind == BUILD_DONE;
    seen->fresh += e->kind == BUILD_DONE && e->fresh;
}

static int build(const char *dir, const char *out, const char *cache, struct seen *seen,
                 struct error *err)
{
    AUTO_FREE char *recipe = path_join(dir, "r.yaml");
    AUTO_FREE char *out_dir = path_join(dir, out);
    AUTO_FREE char *cache_dir = path_join(dir, cache);
    const struct build_options options = {.recipe = recipe,
                                          .out_dir = out_dir,
                                          .cache_dir = cache_dir,
                                          .report = on_event,
                                          .userdata = seen};
    *seen = (struct seen){0};
    return build_bundle(&options, err);
}

static void must_build(const char *dir, const char *out, const char *cache, struct seen *seen)
{
    struct error err = ERROR_INIT;
    if (build(dir, out, cache, seen, &err) < 0)
        fail_msg("%s", err.text);
}

/* Names and bytes of all blobs follow from bigtop.json, and verify hashes them. */
static void must_be_same(const char *dir, const char *a, const char *b)
{
    static const char *const names[] = {"bigtop.json", "index.json", "oci-layout"};
    STRBUF(x, BUNDLE_MANIFEST_MAX);
    STRBUF(y, BUNDLE_MANIFEST_MAX);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        AUTO_FREE char *first = path_join(a, names[i]);
        AUTO_FREE char *second = path_join(b, names[i]);
        get(dir, first, &x);
        get(dir, second, &y);
        assert_string_equal(x.data, y.data);
    }
}

static void must_verify(const char *dir, const char *out, struct bundle *b)
{
    AUTO_FREE char *path = path_join(dir, out);
    struct error err = ERROR_INIT;
    if (bundle_open(path, NULL, b, &err) < 0 || bundle_verify(b, &err) < 0)
        fail_msg("%s", err.text);
}

static char *blob_path(const struct bundle *b, const char *digest)
{
    return xasprintf("%s/blobs/sha256/%s", b->path, digest + strlen("sha256:"));
}

static json_t *blob_json(const struct bundle *b, const char *digest)
{
    AUTO_FREE char *path = blob_path(b, digest);
    json_t *json = json_parse_file(path, BUNDLE_MANIFEST_MAX, NULL);
    assert_non_null(json);
    return json;
}

static void builds_a_bundle(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct seen seen;
    put_sources(*state);
    must_build(*state, "out", "cache", &seen);
    assert_int_equal(seen.done, 4);
    assert_int_equal(seen.fresh, 3); /* `two` has only the layer of `one` */
    must_verify(*state, "out", &b);
    assert_int_equal(b.component_count, 4);
    const struct component *one = bundle_find(&b, "one");
    assert_int_equal(json_array_size(one->blobs), 3);
    AUTO_JSON *config = blob_json(&b, json_string_value(json_array_get(one->blobs, 0)));
    const json_t *run = json_object_get(config, "config");
    assert_string_equal(json_get_string(run, "User", ""), "5:6");
    assert_string_equal(json_get_string(config, "architecture", ""), "amd64");
    assert_string_equal(json_get_string(config, "created", ""), "2026-02-10T12:53:36Z");
    assert_int_equal(
        json_array_size(json_object_get(json_object_get(config, "rootfs"), "diff_ids")), 2);
    /* A layer that two images share is there once. */
    const struct component *two = bundle_find(&b, "two");
    assert_string_equal(json_string_value(json_array_get(one->blobs, 1)),
                        json_string_value(json_array_get(two->blobs, 1)));
    assert_string_equal(json_get_string(bundle_find(&b, "net")->images, "image-one", ""),
                        "a.io/one");
    assert_string_equal(json_string_value(json_array_get(bundle_find(&b, "net")->namespaces, 0)),
                        "x");
}

static void same_recipe_same_bytes(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct seen seen;
    put_sources(*state);
    must_build(*state, "a", "cache-a", &seen);
    /* Other times, other modes: what git and umask may differ in. */
    put(*state, "tool", "#!/bin/sh\n", 0700);
    put(*state, "addon/sub/x.yaml", "a: b\n", 0644);
    must_build(*state, "b", "cache-b", &seen);
    assert_int_equal(seen.fresh, 3);
    must_be_same(*state, "a", "b");
    must_build(*state, "c", "cache-a", &seen);
    assert_int_equal(seen.fresh, 0);
    must_be_same(*state, "a", "c");
    must_verify(*state, "c", &b);
}

static void follows_a_change(void **state)
{
    CLEANUP(bundle_release) struct bundle before = BUNDLE_INIT;
    CLEANUP(bundle_release) struct bundle after = BUNDLE_INIT;
    struct seen seen;
    put_sources(*state);
    must_build(*state, "out", "cache", &seen);
    must_verify(*state, "out", &before);
    put(*state, "addon/sub/x.yaml", "a: c\n", 0644);
    must_build(*state, "out", "cache", &seen);
    assert_int_equal(seen.fresh, 1);
    must_verify(*state, "out", &after);
    const char *old = bundle_find(&before, "net")->blob;
    assert_string_not_equal(old, bundle_find(&after, "net")->blob);
    assert_string_equal(bundle_find(&before, "tool")->blob, bundle_find(&after, "tool")->blob);
    /* What nobody names any more is gone. */
    AUTO_FREE char *path = blob_path(&after, old);
    assert_int_equal(access(path, F_OK), -1);
}

static void repairs_the_output(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    CLEANUP(bundle_release) struct bundle again = BUNDLE_INIT;
    struct seen seen;
    put_sources(*state);
    must_build(*state, "out", "cache", &seen);
    must_verify(*state, "out", &b);
    AUTO_FREE char *path = blob_path(&b, bundle_find(&b, "tool")->blob);
    assert_int_equal(truncate(path, 3), 0);
    must_build(*state, "out", "cache", &seen);
    assert_int_equal(seen.fresh, 0);
    must_verify(*state, "out", &again);
}

/* Calls fn for every file of the cache that holds a result. */
static size_t spoil_cache(const char *cache, void (*fn)(const char *path))
{
    AUTO_FREE char *builds = path_join(cache, "builds");
    DIR *d = opendir(builds);
    size_t count = 0;
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        if (strlen(e->d_name) != 64)
            continue;
        AUTO_FREE char *layer = xasprintf("%s/%s/files/layer.tar.zst", builds, e->d_name);
        AUTO_FREE char *tool = xasprintf("%s/%s/files/tool", builds, e->d_name);
        const char *file = access(layer, F_OK) == 0 ? layer : tool;
        if (access(file, F_OK) != 0)
            continue;
        fn(file);
        count++;
    }
    closedir(d);
    return count;
}

static void flip(const char *path)
{
    int fd = open(path, O_RDWR);
    char c = 0;
    assert_true(fd >= 0 && pread(fd, &c, 1, 2) == 1);
    c ^= 1;
    assert_int_equal(pwrite(fd, &c, 1, 2), 1);
    close(fd);
}

static void make_setuid(const char *path)
{
    assert_int_equal(chmod(path, 04777), 0);
}

static void drop_file(const char *path)
{
    assert_int_equal(unlink(path), 0);
}

static void never_trusts_the_cache(void **state)
{
    static void (*const spoil[])(const char *) = {flip, make_setuid, drop_file};
    struct seen seen;
    put_sources(*state);
    must_build(*state, "a", "cache", &seen);
    AUTO_FREE char *cache = path_join(*state, "cache");
    for (size_t i = 0; i < ARRAY_SIZE(spoil); i++) {
        assert_int_equal(spoil_cache(cache, spoil[i]), 5);
        must_build(*state, "b", "cache", &seen);
        assert_int_equal(seen.fresh, 3);
        must_be_same(*state, "a", "b");
        must_build(*state, "b", "cache", &seen);
        assert_int_equal(seen.fresh, 0);
    }
}

static void stops_when_told(void **state)
{
    struct error err = ERROR_INIT;
    const bool cancel = true;
    put_sources(*state);
    AUTO_FREE char *recipe = path_join(*state, "r.yaml");
    AUTO_FREE char *out = path_join(*state, "out");
    AUTO_FREE char *cache = path_join(*state, "cache");
    const struct build_options options = {
        .recipe = recipe, .out_dir = out, .cache_dir = cache, .cancel = &cancel};
    assert_int_equal(build_bundle(&options, &err), -ECANCELED);
    AUTO_FREE char *list = path_join(out, "bigtop.json");
    assert_int_equal(access(list, F_OK), -1);
}

static void refuses_a_foreign_folder(void **state)
{
    struct error err = ERROR_INIT;
    struct seen seen;
    put_sources(*state);
    put(*state, "home/diary", "dear me", 0644);
    assert_int_equal(build(*state, "home", "cache", &seen, &err), -ENOTEMPTY);
    assert_error_has(err, "neither empty nor a bundle");
    AUTO_FREE char *home = path_join(*state, "home");
    AUTO_FREE char *blobs = path_join(home, "blobs");
    assert_int_equal(access(blobs, F_OK), -1);
}

static void names_what_is_missing(void **state)
{
    struct error err = ERROR_INIT;
    struct seen seen;
    put_sources(*state);
    put(*state, "r.yaml",
        "product: p\narchitecture: amd64\nserial: 1\nkubernetes: v1\n"
        "created: 2026-02-10T12:53:36Z\nsources: {s: {type: file, path: tool}}\ncomponents:\n"
        "- {name: a, kind: files, version: v1, roles: [worker], files: [{from: s, path: x}]}\n",
        0644);
    assert_int_equal(build(*state, "out", "cache", &seen, &err), -EINVAL);
    assert_error_has(err, "r.yaml:8:64: source \"s\" has no \"x\"");
}

/* The host would refuse it: it is better known where it is packed. */
static void refuses_what_the_agent_would(void **state)
{
    struct error err = ERROR_INIT;
    struct seen seen;
    put_sources(*state);
    put(*state, "r.yaml",
        "product: p\narchitecture: amd64\nserial: 1\nkubernetes: v1\n"
        "created: 2026-02-10T12:53:36Z\nsources: {}\ncomponents:\n"
        "- {name: a, kind: files, version: v1, roles: [worker],\n"
        "   files: [{links: [x], target: /etc/shadow}]}\n",
        0644);
    for (int i = 0; i < 2; i++) { /* not the second time either: nothing of it was kept */
        assert_true(build(*state, "out", "cache", &seen, &err) < 0);
        assert_error_has(err, "a v1: ");
    }
}

static void must_build_text(const char *dir, const char *recipe, const char *out)
{
    struct seen seen;
    put(dir, "r.yaml", recipe, 0644);
    must_build(dir, out, "cache", &seen);
}

static void builds_the_shortest_recipe(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    put_sources(*state);
    must_build_text(
        *state, "product: p\nserial: 1\ncomponents: [{name: x, source: {file: tool}}]\n", "out");
    must_verify(*state, "out", &b);
    assert_int_equal(b.component_count, 1);
    assert_null(b.kubernetes);
}

/* The first image of a bundle, as the folder of a source: again of another media type. */
static void put_image(const char *dir, const struct bundle *from, const char *media_type)
{
    AUTO_JSON *manifest = blob_json(from, bundle_find(from, "one")->manifest);
    if (media_type)
        json_object_set_new(manifest, "mediaType", json_string(media_type));
    AUTO_FREE char *text = json_dumps(manifest, JSON_INDENT(3));
    char digest[DIGEST_SIZE];
    digest_buffer(text, strlen(text), digest);
    AUTO_FREE char *name = xasprintf("image/blobs/sha256/%s", digest + strlen("sha256:"));
    AUTO_FREE char *index = xasprintf("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"%s\","
                                      "\"digest\":\"%s\",\"size\":%zu}]}",
                                      json_get_string(manifest, "mediaType", ""), digest,
                                      strlen(text));
    put(dir, name, text, 0644);
    put(dir, "image/index.json", index, 0644);
    put(dir, "image/oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}", 0644);
    const json_t *blobs = bundle_find(from, "one")->blobs;
    for (size_t i = 0; i < json_array_size(blobs); i++) {
        const char *hex = json_string_value(json_array_get(blobs, i)) + strlen("sha256:");
        AUTO_FREE char *source = xasprintf("%s/blobs/sha256/%s", from->path, hex);
        AUTO_FREE char *to = xasprintf("%s/image/blobs/sha256/%s", dir, hex);
        assert_int_equal(file_copy(source, to, 0644, NULL), 0);
    }
}

#define IMAGE_RECIPE \
    "product: p\nserial: 1\narchitecture: amd64\nsources: {i: {type: file, path: image}}\n" \
    "components: [{name: x, image: i, ref: a.io/x:v1}]\n"

/* Another layout of the same JSON has another digest: it stays as it came. */
static void keeps_an_image_as_it_is(void **state)
{
    CLEANUP(bundle_release) struct bundle own = BUNDLE_INIT, taken = BUNDLE_INIT;
    struct seen seen;
    put_sources(*state);
    must_build(*state, "out", "cache", &seen);
    must_verify(*state, "out", &own);
    put_image(*state, &own, "application/vnd.docker.distribution.manifest.v2+json");
    /* A docker manifest with a configuration of OCI's type: what some registries convert to. */
    must_build_text(*state, IMAGE_RECIPE, "taken");
    must_verify(*state, "taken", &taken);
    const struct component *x = bundle_find(&taken, "x");
    assert_string_equal(x->ref, "a.io/x:v1");
    assert_string_equal(x->version, "v1");
    assert_true(json_equal(x->blobs, bundle_find(&own, "one")->blobs));
    assert_string_not_equal(x->manifest, bundle_find(&own, "one")->manifest);
    AUTO_FREE char *index_path = path_join(taken.path, "index.json");
    AUTO_JSON *index = json_parse_file(index_path, BUNDLE_MANIFEST_MAX, NULL);
    const json_t *entry = json_array_get(json_object_get(index, "manifests"), 0);
    assert_string_equal(json_get_string(entry, "mediaType", ""),
                        "application/vnd.oci.image.index.v1+json");
    AUTO_JSON *wrapper = blob_json(&taken, json_get_string(entry, "digest", ""));
    entry = json_array_get(json_object_get(wrapper, "manifests"), 0);
    assert_string_equal(json_get_string(entry, "mediaType", ""),
                        "application/vnd.docker.distribution.manifest.v2+json");
    assert_string_equal(json_get_string(entry, "digest", ""), x->manifest);
}

static void refuses_folders_that_are_no_image(void **state)
{
    CLEANUP(bundle_release) struct bundle own = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    struct seen seen;
    put_sources(*state);
    must_build(*state, "out", "cache", &seen);
    must_verify(*state, "out", &own);
    put_image(*state, &own, NULL);
    put(*state, "r.yaml", IMAGE_RECIPE, 0644);
    AUTO_FREE char *config =
        xasprintf("image/blobs/sha256/%s",
                  json_string_value(json_array_get(bundle_find(&own, "one")->blobs, 0)) + 7);
    put(*state, config, "{}", 0644);
    assert_int_equal(build(*state, "taken", "cache", &seen, &err), -EBADMSG);
    assert_error_has(err, "content of its name");
    put(*state, "image/index.json", "{\"schemaVersion\":2,\"manifests\":[]}", 0644);
    assert_int_equal(build(*state, "taken", "cache", &seen, &err), -ENOENT);
    assert_error_has(err, "0 images");
    put(*state, "r.yaml",
        "product: p\nserial: 1\nsources: {i: {type: file, path: tool}}\n"
        "components: [{name: x, image: i, ref: a.io/x:v1}]\n",
        0644);
    assert_true(build(*state, "taken", "cache", &seen, &err) < 0);
    assert_error_has(err, "not the folder of an image");
}

static void tell(void *told)
{
    ++*(int *) told;
}

static void one_build_at_a_time(void **state)
{
    struct cache *first = NULL, *second = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(cache_open(*state, &first, &err), 0);
    assert_int_equal(cache_open(*state, &second, &err), -EBUSY);
    assert_null(second);
    const bool cancel = true;
    int told = 0;
    assert_int_equal(cache_await(*state, &cancel, tell, &told, &second, &err), -ECANCELED);
    assert_int_equal(told, 1);
    assert_null(second);
    cache_close(&first);
    assert_int_equal(cache_open(*state, &second, &err), 0);
    cache_close(&second);
}

static void announces_the_next_keys(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    AUTO_SECRET_KEY key;
    AUTO_TRUSTED_KEYS next = {0};
    AUTO_FREE char *recipe = path_join(*state, "r.yaml");
    AUTO_FREE char *out = path_join(*state, "out");
    AUTO_FREE char *cache = path_join(*state, "cache");
    const struct build_options options = {
        .recipe = recipe, .out_dir = out, .cache_dir = cache, .next_keys = &next};
    secret_key_generate(&key);
    trusted_keys_add(&next, &key.public_key);
    put_sources(*state);
    assert_int_equal(build_bundle(&options, NULL), 0);
    must_verify(*state, "out", &b);
    assert_int_equal(b.next_keys.count, 1);
    assert_true(trusted_keys_have(&b.next_keys, &key.public_key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(builds_a_bundle),
        cmocka_folder_test(same_recipe_same_bytes),
        cmocka_folder_test(follows_a_change),
        cmocka_folder_test(repairs_the_output),
        cmocka_folder_test(never_trusts_the_cache),
        cmocka_folder_test(stops_when_told),
        cmocka_folder_test(refuses_a_foreign_folder),
        cmocka_folder_test(names_what_is_missing),
        cmocka_folder_test(refuses_what_the_agent_would),
        cmocka_folder_test(builds_the_shortest_recipe),
        cmocka_folder_test(keeps_an_image_as_it_is),
        cmocka_folder_test(refuses_folders_that_are_no_image),
        cmocka_folder_test(one_build_at_a_time),
        cmocka_folder_test(announces_the_next_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
