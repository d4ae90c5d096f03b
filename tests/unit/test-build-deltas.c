#include "images/build-deltas.h"
#include "images/bundle.h"
#include "images/delta.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define KIB 1024
#define RECIPE \
    "product: p\narchitecture: amd64\nserial: 1\nkubernetes: v1\n" \
    "created: 2026-02-10T12:53:36Z\n" \
    "sources: {files: {type: file, path: files}}\n" \
    "layers: {base: [{from: files, path: base, to: base}]}\n" \
    "components:\n" \
    "- {name: tool, kind: files, version: v1, roles: [worker], files: [{from: files, " \
    "path: tool, to: tool}]}\n" \
    "- {name: one, kind: image, version: v1, roles: [worker], ref: a.io/one:v1, layers: [base],\n" \
    "   files: [{from: files, path: one, to: one}]}\n" \
    "- {name: two, kind: image, version: v1, roles: [worker], ref: a.io/two:v1, layers: [base]}\n" \
    "- {name: small, kind: files, version: v1, roles: [worker],\n" \
    "   files: [{from: files, path: small, to: small}]}\n" \
    "- {name: other, kind: files, version: v1, roles: [worker],\n" \
    "   files: [{from: files, path: other, to: other}]}\n"

static void put(const char *dir, const char *name, const void *data, size_t len)
{
    AUTO_FREE char *path = path_join(dir, name);
    AUTO_FREE char *parent = path_dirname(path);
    assert_int_equal(path_mkdir_p(parent, 0755, NULL), 0);
    assert_int_equal(file_write_atomic(path, data, len, 0644, NULL), 0);
}

/* Bytes that do not compress, the same for the same seed; `change` makes some of them others. */
static void put_random(const char *dir, const char *name, size_t len, unsigned seed, char change)
{
    AUTO_FREE char *data = xcalloc(1, len);
    uint64_t x = seed;
    for (size_t i = 0; i < len; i++) {
        x = x * 6364136223846793005ULL + 1442695040888963407ULL;
        data[i] = (char) (x >> 56);
    }
    for (size_t i = 0; i < len; i += 10000)
        data[i] = (char) (data[i] + change);
    put(dir, name, data, len);
}

static void put_sources(const char *dir, char version)
{
    put(dir, "r.yaml", RECIPE, strlen(RECIPE));
    put_random(dir, "files/tool", 200 * KIB, 1, version);
    put_random(dir, "files/one", 200 * KIB, 2, version);
    put_random(dir, "files/base", 100 * KIB, 3, version);
    put_random(dir, "files/small", 50 * KIB, 4, version);
    put_random(dir, "files/other", 100 * KIB, 5 + (unsigned) version, 0);
}

struct seen {
    size_t made, kept, useless, steps;
    bool *cancel;
};

static void on_event(void *userdata, const struct build_event *e)
{
    struct seen *seen = userdata;
    if (e->kind == BUILD_DELTA_DONE && e->size == 0)
        seen->useless++;
    else if (e->kind == BUILD_DELTA_DONE)
        *(e->fresh ? &seen->made : &seen->kept) += 1;
    if (e->kind == BUILD_DELTA && seen->cancel)
        *seen->cancel = true;
}

static int build(const char *dir, const char *out, const struct strv *bases, struct seen *seen,
                 struct error *err)
{
    AUTO_FREE char *recipe = path_join(dir, "r.yaml");
    AUTO_FREE char *out_dir = path_join(dir, out);
    AUTO_FREE char *cache_dir = path_join(dir, "cache");
    const struct build_options options = {.recipe = recipe,
                                          .out_dir = out_dir,
                                          .cache_dir = cache_dir,
                                          .delta_bases = bases,
                                          .cancel = seen->cancel,
                                          .report = on_event,
                                          .userdata = seen};
    return build_bundle(&options, err);
}

static void must_build(const char *dir, const char *out, const struct strv *bases,
                       struct seen *seen)
{
    struct error err = ERROR_INIT;
    *seen = (struct seen){0};
    if (build(dir, out, bases, seen, &err) < 0)
        fail_msg("%s", err.text);
}

static void must_open(const char *dir, const char *name, struct bundle *b)
{
    AUTO_FREE char *path = path_join(dir, name);
    struct error err = ERROR_INIT;
    if (bundle_open(path, NULL, b, &err) < 0 || bundle_verify(b, &err) < 0)
        fail_msg("%s", err.text);
}

/* Every delta of the bundle makes what it is for, out of a blob of the base. */
static size_t must_apply(const char *dir, const struct bundle *b, const struct bundle *base)
{
    json_t *deltas = json_object_get(b->json, "deltas"), *list, *delta;
    const char *to;
    size_t count = 0, i;
    json_object_foreach(deltas, to, list)
        json_array_foreach(list, i, delta) {
            AUTO_BLOB_SOURCE from = BLOB_SOURCE_INIT, patch = BLOB_SOURCE_INIT;
            AUTO_FREE char *path = path_join(dir, "applied");
            char digest[DIGEST_SIZE];
            const char *from_digest = json_get_string(delta, "from", "");
            if (bundle_blob_size(base, from_digest) < 0)
                continue;
            assert_int_equal(bundle_blob_open(base, from_digest, &from, NULL), 0);
            assert_int_equal(bundle_blob_open(b, json_get_string(delta, "blob", ""), &patch, NULL),
                             0);
            assert_true((int64_t) patch.size * 10 < bundle_blob_size(b, to));
            AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
            assert_int_equal(delta_apply(&from, &patch, UINT64_MAX, fd, NULL, NULL), 0);
            assert_int_equal(digest_file(path, digest, NULL, NULL), 0);
            assert_string_equal(digest, to);
            count++;
        }
    return count;
}

static void make_base(const char *dir, const char *name, char version, struct strv *bases)
{
    struct seen seen;
    put_sources(dir, version);
    must_build(dir, name, NULL, &seen);
    assert_int_equal(seen.made + seen.kept + seen.useless, 0);
    AUTO_FREE char *path = path_join(dir, name);
    strv_add(bases, path);
}

static void adds_patches_for_what_changed(void **state)
{
    CLEANUP(bundle_release) struct bundle base = BUNDLE_INIT;
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct seen seen;
    STRV(bases);
    make_base(*state, "old", 0, &bases);
    put_sources(*state, 1);
    must_build(*state, "new", &bases, &seen);
    assert_int_equal(seen.made, 3);    /* tool, one and the base layer, which two images have */
    assert_int_equal(seen.useless, 1); /* other */
    must_open(*state, "old", &base);
    must_open(*state, "new", &b);
    assert_int_equal(must_apply(*state, &b, &base), 3);
    must_build(*state, "again", &bases, &seen);
    assert_int_equal(seen.made, 0);
    assert_int_equal(seen.kept, 3);
    assert_int_equal(seen.useless, 1);
}

static void takes_several_bases(void **state)
{
    CLEANUP(bundle_release)
    struct bundle first = BUNDLE_INIT, second = BUNDLE_INIT, b = BUNDLE_INIT;
    struct seen seen;
    STRV(bases);
    make_base(*state, "first", 0, &bases);
    make_base(*state, "second", 1, &bases);
    strv_add(&bases, bases.items[0]);
    put_sources(*state, 2);
    must_build(*state, "new", &bases, &seen);
    assert_int_equal(seen.made, 6);
    must_open(*state, "first", &first);
    must_open(*state, "second", &second);
    must_open(*state, "new", &b);
    assert_int_equal(must_apply(*state, &b, &first), 3);
    assert_int_equal(must_apply(*state, &b, &second), 3);
    assert_int_equal(json_array_size(bundle_deltas(&b, bundle_find(&b, "tool")->blob)), 2);
}

static void has_none_when_nothing_changed(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct seen seen;
    STRV(bases);
    make_base(*state, "old", 0, &bases);
    must_build(*state, "new", &bases, &seen);
    assert_int_equal(seen.made + seen.kept + seen.useless, 0);
    must_open(*state, "new", &b);
    assert_null(json_object_get(b.json, "deltas"));
}

static void refuses_an_altered_base(void **state)
{
    CLEANUP(bundle_release) struct bundle base = BUNDLE_INIT;
    struct seen seen = {0};
    struct error err = ERROR_INIT;
    STRV(bases);
    make_base(*state, "old", 0, &bases);
    must_open(*state, "old", &base);
    AUTO_FREE char *path = xasprintf("%s/blobs/sha256/%s", base.path,
                                     bundle_find(&base, "tool")->blob + strlen("sha256:"));
    AUTO_FD fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "x", 1, 1000), 1);
    put_sources(*state, 1);
    assert_int_equal(build(*state, "new", &bases, &seen, &err), -EBADMSG);
    assert_error_has(err, "delta of tool");
    assert_error_has(err, "altered");
    strv_add(&bases, "/nonexistent");
    STRV(missing);
    strv_add(&missing, "/nonexistent");
    assert_int_equal(build(*state, "new", &missing, &seen, &err), -ENOENT);
}

static void stops_when_told(void **state)
{
    bool cancel = false;
    struct seen seen = {.cancel = &cancel};
    STRV(bases);
    make_base(*state, "old", 0, &bases);
    put_sources(*state, 1);
    assert_int_equal(build(*state, "new", &bases, &seen, NULL), -ECANCELED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(adds_patches_for_what_changed),
        cmocka_folder_test(takes_several_bases),
        cmocka_folder_test(has_none_when_nothing_changed),
        cmocka_folder_test(refuses_an_altered_base),
        cmocka_folder_test(stops_when_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
