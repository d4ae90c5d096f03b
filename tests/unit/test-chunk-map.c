#include "images/chunk-map.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>

#define HEX(c) c c c c c c c c c c c c c c c c
#define A HEX("aaaa")
#define B HEX("bbbb")
#define C HEX("cccc")
#define E HEX("eeee")

/* Blobs a of two and a half chunks, b empty, c of exactly one, e of one byte. */
static json_t *blobs(void)
{
    return json_pack("{s:I, s:I, s:i, s:i}", "sha256:" C, (json_int_t) CHUNK_SIZE, "sha256:" A,
                     (json_int_t) (CHUNK_SIZE * 5 / 2), "sha256:" B, 0, "sha256:" E, 1);
}

static json_t *chunks(void)
{
    return json_pack("{s:[s, s, s]}", "sha256:" A, HEX("0001"), HEX("0002"), HEX("0003"));
}

static int map_of(json_t *sizes, json_t *hashes, struct bundle *b, struct chunk_map **map,
                  struct error *err)
{
    b->json = json_pack("{s:o, s:o*}", "blobs", sizes, "chunks", hashes);
    return chunk_map_new(b, map, err);
}

static void numbers_chunks(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    AUTO_CHUNK_MAP *map = NULL;
    struct chunk_range range;
    (void) state;
    assert_int_equal(map_of(blobs(), chunks(), &b, &map, NULL), 0);
    assert_int_equal(chunk_map_count(map), 5);
    struct chunk c = chunk_map_get(map, 0);
    assert_string_equal(c.blob, "sha256:" A);
    assert_string_equal(c.hash, HEX("0001"));
    assert_int_equal(c.offset, 0);
    assert_int_equal(c.size, CHUNK_SIZE);
    c = chunk_map_get(map, 2);
    assert_string_equal(c.hash, HEX("0003"));
    assert_int_equal(c.offset, 2 * CHUNK_SIZE);
    assert_int_equal(c.size, CHUNK_SIZE / 2);
    c = chunk_map_get(map, 3); /* the empty blob has none */
    assert_string_equal(c.blob, "sha256:" C);
    assert_string_equal(c.hash, C);
    assert_int_equal(c.size, CHUNK_SIZE);
    c = chunk_map_get(map, 4);
    assert_string_equal(c.blob, "sha256:" E);
    assert_int_equal(c.size, 1);
    assert_int_equal(chunk_map_find(map, "sha256:" A, &range), 0);
    assert_int_equal(range.first, 0);
    assert_int_equal(range.count, 3);
    assert_int_equal(chunk_map_find(map, "sha256:" B, &range), 0);
    assert_int_equal(range.count, 0);
    assert_int_equal(chunk_map_find(map, "sha256:" HEX("dddd"), &range), -ENOENT);
}

static void refuse(json_t *hashes, const char *why)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    AUTO_CHUNK_MAP *map = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(map_of(blobs(), hashes, &b, &map, &err), -EBADMSG);
    if (!strstr(err.text, why))
        fail_msg("no \"%s\" in: %s", why, err.text);
    assert_null(map);
}

static void refuses_what_does_not_fit(void **state)
{
    (void) state;
    refuse(NULL, "the 3 hashes of blob sha256:" A);
    refuse(json_pack("{s:[s, s]}", "sha256:" A, B, B), "the 3 hashes");
    refuse(json_pack("{s:[s, s, s, s]}", "sha256:" A, B, B, B, B), "the 3 hashes");
    refuse(json_pack("{s:[s, s, i]}", "sha256:" A, B, B, 1), "malformed");
    refuse(json_pack("{s:[s, s, s]}", "sha256:" A, B, B, "x"), "malformed");
    refuse(json_pack("{s:s}", "sha256:" A, B), "the 3 hashes");
    refuse(json_pack("{s:[s, s, s], s:[s]}", "sha256:" A, B, B, B, "sha256:" C, C), "the 1 hashes");
    refuse(json_pack("{s:[s, s, s], s:[]}", "sha256:" A, B, B, B, "sha256:" HEX("dddd")),
           "does not list");
    refuse(json_array(), "not an object");
}

static void hashes_a_file(void **state)
{
    AUTO_FREE char *path = path_join(*state, "blob");
    AUTO_FREE char *data = xcalloc(1, CHUNK_SIZE + 5);
    char first[DIGEST_SIZE], second[DIGEST_SIZE];
    digest_buffer(data, CHUNK_SIZE, first);
    digest_buffer(data, 5, second);
    assert_int_equal(file_write_atomic(path, data, CHUNK_SIZE + 5, 0600, NULL), 0);
    AUTO_BLOB_SOURCE blob = {.fd = open(path, O_RDONLY | O_CLOEXEC), .size = CHUNK_SIZE + 5};
    json_t *hashes = NULL;
    assert_int_equal(chunk_hashes(&blob, &hashes, NULL), 0);
    assert_int_equal(json_array_size(hashes), 2);
    assert_string_equal(json_string_value(json_array_get(hashes, 0)), first + 7);
    assert_string_equal(json_string_value(json_array_get(hashes, 1)), second + 7);
    json_decref(hashes);
    blob.size = CHUNK_SIZE;
    hashes = json_true();
    assert_int_equal(chunk_hashes(&blob, &hashes, NULL), 0);
    assert_null(hashes);
    blob.size = CHUNK_SIZE + 6; /* shorter than it says */
    assert_int_equal(chunk_hashes(&blob, &hashes, NULL), -ENODATA);
}

static void matches_by_content_and_size(void **state)
{
    char digest[DIGEST_SIZE];
    (void) state;
    digest_buffer("abc", 3, digest);
    struct chunk c = {.size = 3, .hash = digest + 7};
    assert_true(chunk_matches(&c, "abc", 3));
    assert_false(chunk_matches(&c, "abd", 3));
    assert_false(chunk_matches(&c, "abc", 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_chunks),
        cmocka_unit_test(refuses_what_does_not_fit),
        cmocka_folder_test(hashes_a_file),
        cmocka_unit_test(matches_by_content_and_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
