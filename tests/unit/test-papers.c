#include "images/build.h"
#include "images/bundle.h"
#include "images/papers.h"
#include "lib/archive.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <unistd.h>

#define RECIPE \
    "product: p\narchitecture: amd64\nserial: 1\ncreated: 2026-02-10T12:53:36Z\n" \
    "sources:\n" \
    "  tool: {type: file, path: tool}\n" \
    "  unused: {type: file, path: unused}\n" \
    "components:\n" \
    "- {name: tool, kind: files, version: v1, roles: [worker], files: [{from: tool, to: opt}]}\n"

static void put(const char *dir, const char *name, const char *text)
{
    AUTO_FREE char *path = path_join(dir, name);
    AUTO_FREE char *parent = path_dirname(path);
    assert_int_equal(path_mkdir_p(parent, 0755, NULL), 0);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, NULL), 0);
}

static void must_build(const char *dir, const char *out, struct bundle *b)
{
    AUTO_FREE char *recipe = path_join(dir, "r.yaml");
    AUTO_FREE char *out_dir = path_join(dir, out);
    AUTO_FREE char *cache_dir = path_join(dir, "cache");
    struct error err = ERROR_INIT;
    const struct build_options options = {
        .recipe = recipe, .out_dir = out_dir, .cache_dir = cache_dir};
    if (build_bundle(&options, &err) < 0 || bundle_open(out_dir, NULL, b, &err) < 0 ||
        bundle_verify(b, &err) < 0)
        fail_msg("%s", err.text);
}

static void put_sources(const char *dir)
{
    put(dir, "r.yaml", RECIPE);
    put(dir, "tool/run", "x");
    put(dir, "tool/LICENSE", "my terms");
    put(dir, "unused/LICENSE", "other terms");
}

static int blob(const struct bundle *b, const char *digest)
{
    assert_non_null(digest);
    AUTO_FREE char *path = xasprintf("%s/blobs/sha256/%s", b->path, digest + strlen("sha256:"));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static int list_entry(void *userdata, const struct archive_entry_info *entry, struct error *err)
{
    (void) err;
    return strbuf_addf(userdata, "%s %04o;", entry->path, (unsigned) (entry->mode & 07777));
}

static void packs_the_texts_of_what_is_used(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    STRBUF(list, 4096);
    struct error err = ERROR_INIT;
    put_sources(*state);
    must_build(*state, "out", &b);
    AUTO_FD fd = blob(&b, b.licenses);
    if (archive_check(fd, NULL, list_entry, &list, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(list.data, "NOTICE 0644;files/tool/LICENSE 0644;");
}

static void writes_an_sbom(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    STRBUF(text, 1024 * 1024);
    put_sources(*state);
    must_build(*state, "out", &b);
    AUTO_FD fd = blob(&b, b.sbom);
    assert_int_equal(fd_read_to_end(fd, &text), 0);
    AUTO_JSON *doc = json_parse(text.data, text.len, "SBOM", NULL);
    assert_non_null(doc);
    assert_string_equal(json_get_string(doc, "spdxVersion", ""), "SPDX-2.3");
    assert_null(strstr(text.data, "unused"));
    assert_non_null(strstr(text.data, "GENERATED_FROM"));
}

/* Both are artifacts that other tools find by their names. */
static void lists_both_in_the_index(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    put_sources(*state);
    must_build(*state, "out", &b);
    AUTO_FREE char *path = path_join(b.path, "index.json");
    STRBUF(text, 65536);
    assert_int_equal(file_read(path, &text, NULL), 0);
    assert_non_null(strstr(text.data, "application/spdx+json"));
    assert_non_null(strstr(text.data, "bigtop.spdx.json"));
    assert_non_null(strstr(text.data, "licenses.tar.zst"));
}

static void follows_a_changed_text(void **state)
{
    CLEANUP(bundle_release) struct bundle before = BUNDLE_INIT;
    CLEANUP(bundle_release) struct bundle same = BUNDLE_INIT;
    CLEANUP(bundle_release) struct bundle after = BUNDLE_INIT;
    put_sources(*state);
    must_build(*state, "a", &before);
    must_build(*state, "b", &same);
    put(*state, "tool/LICENSE", "my other terms");
    must_build(*state, "c", &after);
    assert_string_equal(before.licenses, same.licenses);
    assert_string_equal(before.sbom, same.sbom);
    assert_string_not_equal(before.licenses, after.licenses);
    assert_string_not_equal(before.sbom, after.sbom);
}

static void notices_duties(void **state)
{
    (void) state;
    AUTO_JSON *sources = json_pack(
        "{s:{s:[{s:s, s:s, s:s, s:s}, {s:s, s:s, s:s}]}, s:{s:[{s:s, s:s, s:s, s:s}]}}", "a",
        "parts", "name", "github.com/minio/minio", "version", "v1", "licence", "AGPL-3.0-only",
        "purl", "pkg:golang/github.com/minio/minio@v1", "name", "mit-thing", "version", "v1",
        "licence", "MIT", "b", "parts", "name", "libc6", "version", "2.36", "comment",
        "licences named in its copyright file: LGPL-2.1", "purl", "pkg:deb/debian/libc6@2.36");
    AUTO_JSON *nothing = json_object();
    assert_non_null(sources);
    STRBUF(text, 65536);
    papers_notice("bigtop", sources, &text);
    assert_non_null(strstr(text.data, "github.com/minio/minio v1\n    AGPL-3.0-only\n"));
    assert_non_null(strstr(text.data, "go mod download"));
    assert_non_null(strstr(text.data, "libc6 2.36\n"));
    assert_null(strstr(text.data, "mit-thing"));
    strbuf_reset(&text);
    papers_notice("bigtop", nothing, &text);
    assert_null(strstr(text.data, "source:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(packs_the_texts_of_what_is_used),
        cmocka_folder_test(writes_an_sbom),
        cmocka_folder_test(lists_both_in_the_index),
        cmocka_folder_test(follows_a_changed_text),
        cmocka_unit_test(notices_duties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
