#include "images/bundle-store.h"
#include "images/pack.h"
#include "images/tar-header.h"
#include "tests/unit/unit.h"

#include "tests/unit/bundle-fixture.h"
#include "tests/unit/tar.h"

#include <errno.h>
#include <sys/stat.h>

#define FILE_MAX (1 << 20)

/* A bundle in one file: its bytes, and where it is. */
struct packed {
    char *dir, *path;
    struct strbuf bytes;
};

static void packed_release(struct packed *p)
{
    free(p->dir);
    free(p->path);
    strbuf_release(&p->bytes);
}

static void pack(const char *dir, const char *name, struct error *err)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    assert_int_equal(bundle_open(dir, NULL, &b, err), 0);
    assert_int_equal(bundle_pack(&b, name, err), 0);
}

static void make_packed(const char *dir, struct packed *p)
{
    struct error err = ERROR_INIT;
    p->dir = fixture_make(dir, "folder", &FIXTURE);
    p->path = path_join(dir, "x.bundle");
    strbuf_init(&p->bytes, FILE_MAX);
    pack(p->dir, p->path, &err);
    assert_int_equal(file_read(p->path, &p->bytes, NULL), 0);
}

static int open_whole(const char *path, const struct trusted_keys *trusted, struct error *err)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    int r = bundle_open(path, trusted, &b, err);
    return r < 0 ? r : bundle_verify(&b, err);
}

static void write_bytes(const struct packed *p, const char *data, size_t len)
{
    AUTO_FD fd = open(p->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(fd_write_all(fd, data, len), 0);
}

static int open_bytes(const struct packed *p, const char *data, size_t len, struct error *err)
{
    write_bytes(p, data, len);
    return open_whole(p->path, NULL, err);
}

static void reads_in_place(void **state)
{
    CLEANUP(packed_release) struct packed p;
    CLEANUP(bundle_release) struct bundle folder = BUNDLE_INIT, file = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    make_packed(*state, &p);
    assert_int_equal(bundle_open(p.dir, NULL, &folder, &err), 0);
    assert_int_equal(bundle_open(p.path, NULL, &file, &err), 0);
    assert_int_equal(bundle_verify(&file, &err), 0);
    assert_true(bundle_store_is_file(file.store));
    assert_false(bundle_store_is_file(folder.store));
    const char *digest;
    json_t *size;
    json_object_foreach(json_object_get(folder.json, "blobs"), digest, size) {
        AUTO_BLOB_SOURCE blob = BLOB_SOURCE_INIT;
        char found[DIGEST_SIZE];
        assert_int_equal(bundle_blob_open(&file, digest, &blob, &err), 0);
        assert_int_equal(blob.size, json_integer_value(size));
        assert_true(blob.offset > 0);
        assert_int_equal(blob_source_copy(&blob, -1, found, &err), 0);
        assert_string_equal(found, digest);
    }
    AUTO_BLOB_SOURCE none = BLOB_SOURCE_INIT;
    assert_int_equal(bundle_blob_open(&file, "sha256:0", &none, &err), -ENOENT);
}

static void refuses_every_truncation(void **state)
{
    CLEANUP(packed_release) struct packed p;
    make_packed(*state, &p);
    for (size_t len = 0; len < p.bytes.len; len += len % 512 == 511 || len % 512 < 3 ? 1 : 7) {
        struct error err = ERROR_INIT;
        assert_true(open_bytes(&p, p.bytes.data, len, &err) < 0);
        assert_string_not_equal(err.remedy, "");
    }
}

static void refuses_more_than_a_bundle(void **state)
{
    CLEANUP(packed_release) struct packed p;
    struct error err = ERROR_INIT;
    make_packed(*state, &p);
    strbuf_addc(&p.bytes, '\0');
    assert_int_equal(open_bytes(&p, p.bytes.data, p.bytes.len, &err), -EBADMSG);
    assert_error_has(err, "its end");
}

/* The blobs of one, the list of another. */
static void refuses_two_that_are_mixed(void **state)
{
    CLEANUP(packed_release) struct packed p, q;
    struct error err = ERROR_INIT;
    struct fixture other = FIXTURE;
    make_packed(*state, &p);
    other.image_text = "In the box";
    q.dir = fixture_make(*state, "folder2", &other);
    q.path = path_join(*state, "y.bundle");
    strbuf_init(&q.bytes, FILE_MAX);
    pack(q.dir, q.path, &err);
    assert_int_equal(file_read(q.path, &q.bytes, NULL), 0);
    size_t blobs =
        (size_t) ((char *) memmem(p.bytes.data, p.bytes.len, "blobs/sha256/", 13) - p.bytes.data);
    const char *at = p.bytes.data;
    while ((at = memmem(at, p.bytes.len - (size_t) (at - p.bytes.data), "blobs/sha256/", 13)) &&
           (at - p.bytes.data) % 512 != 0)
        at++;
    assert_non_null(at);
    blobs = (size_t) (at - p.bytes.data);
    STRBUF(mixed, FILE_MAX);
    strbuf_add(&mixed, p.bytes.data, blobs);
    strbuf_add(&mixed, q.bytes.data + blobs, q.bytes.len - blobs);
    assert_int_equal(open_bytes(&p, mixed.data, mixed.len, &err), -EBADMSG);
}

/* What a tar can hold that a bundle does not. */
static void refuses_other_tars(void **state)
{
    static const struct tar_entry first[] = {
        {.name = "bigtop.json", .data = "{}"}, /* another owner, time and mode than ours */
        {.name = "../bigtop.json", .data = "{}"},
        {.name = "./bigtop.json", .data = "{}"},
        {.name = "/bigtop.json", .data = "{}"},
        {.name = "bigtop.json", .type = '1', .link = "/etc/passwd"},
        {.name = "bigtop.json", .type = '2', .link = "/etc/passwd"},
        {.name = "bigtop.json", .type = '3'},
        {.name = "bigtop.json", .type = '6'},
        {.name = "bigtop.json", .mode = 04755, .data = "{}"},
        {.name = "bigtop.json\n", .data = "{}"},
        {.name = "bigtop.json", .size = 0777777777},
        {.name = "blobs", .type = '5'},
    };
    CLEANUP(packed_release) struct packed p;
    make_packed(*state, &p);
    for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
        STRBUF(tar, TAR_MAX);
        struct error err = ERROR_INIT;
        tar_add(&tar, first[i]);
        strbuf_add(&tar, p.bytes.data, p.bytes.len); /* the whole bundle behind it */
        assert_int_equal(open_bytes(&p, tar.data, tar.len, &err), -EBADMSG);
        assert_error_has(err, "at byte 0 it must have bigtop.json");
        assert_non_null(strstr(err.remedy, "bundle pack"));
    }
}

/* Its own entries, but other ones: a hard link for a blob, one twice, one more, another order. */
static void refuses_other_entries(void **state)
{
    CLEANUP(packed_release) struct packed p;
    struct error err = ERROR_INIT;
    make_packed(*state, &p);
    size_t last = 0, before = 0;
    for (size_t at = 0; at + 512 < p.bytes.len; at += 512)
        if (strncmp(p.bytes.data + at, "blobs/sha256/", 13) == 0) {
            before = last;
            last = at;
        }
    assert_true(before > 0);
    STRBUF(twice, FILE_MAX);
    strbuf_add(&twice, p.bytes.data, last);
    strbuf_add(&twice, p.bytes.data + before, p.bytes.len - before);
    assert_int_equal(open_bytes(&p, twice.data, twice.len, &err), -EBADMSG);
    STRBUF(fewer, FILE_MAX);
    strbuf_add(&fewer, p.bytes.data, last);
    tar_end(&fewer);
    assert_int_equal(open_bytes(&p, fewer.data, fewer.len, &err), -EBADMSG);
    STRBUF(more, FILE_MAX);
    strbuf_add(&more, p.bytes.data, p.bytes.len - TAR_END);
    char header[TAR_BLOCK];
    tar_header_make(header, "blobs/sha256/more", 0);
    strbuf_add(&more, header, sizeof(header));
    tar_end(&more);
    assert_int_equal(open_bytes(&p, more.data, more.len, &err), -EBADMSG);
    STRBUF(swapped, FILE_MAX);
    strbuf_add(&swapped, p.bytes.data, before);
    strbuf_add(&swapped, p.bytes.data + last, p.bytes.len - TAR_END - last);
    strbuf_add(&swapped, p.bytes.data + before, last - before);
    tar_end(&swapped);
    assert_int_equal(swapped.len, p.bytes.len);
    assert_int_equal(open_bytes(&p, swapped.data, swapped.len, &err), -EBADMSG);
}

static void refuses_a_long_list(void **state)
{
    AUTO_FREE char *path = path_join(*state, "x.bundle");
    struct error err = ERROR_INIT;
    char header[TAR_BLOCK];
    tar_header_make(header, "bigtop.json", BUNDLE_MANIFEST_MAX + 1);
    assert_int_equal(file_write_atomic(path, header, sizeof(header), 0600, NULL), 0);
    assert_int_equal(truncate(path, 8 << 20), 0);
    assert_int_equal(open_whole(path, NULL, &err), -EBADMSG);
    assert_error_has(err, "at byte 0");
}

static void refuses_what_is_no_file(void **state)
{
    AUTO_FREE char *fifo = path_join(*state, "fifo");
    struct error err = ERROR_INIT;
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(open_whole(fifo, NULL, &err), -EBADMSG);
    assert_error_has(err, "neither a folder nor a regular file");
}

/* Signatures */

static void sign(const char *path, struct secret_key *key, struct trusted_keys *trusted)
{
    struct error err = ERROR_INIT;
    secret_key_generate(key);
    if (!trusted->keys)
        trusted->keys = xcalloc(1, sizeof(struct public_key));
    trusted->count = 1;
    trusted->keys[0] = key->public_key;
    assert_int_equal(bundle_sign(path, key, &err), 0);
}

static void signs_in_place(void **state)
{
    CLEANUP(packed_release) struct packed p;
    CLEANUP(trusted_keys_release) struct trusted_keys trusted = {0};
    AUTO_SECRET_KEY key;
    struct error err = ERROR_INIT;
    STRBUF(after, FILE_MAX);
    make_packed(*state, &p);
    assert_int_equal(open_whole(p.path, &trusted, &err), -ENOKEY);
    assert_error_has(err, "is not signed");
    sign(p.path, &key, &trusted);
    assert_int_equal(open_whole(p.path, &trusted, &err), 0);
    assert_int_equal(file_read(p.path, &after, NULL), 0);
    assert_int_equal(after.len, p.bytes.len);
    /* Once more, with another key: only the last one counts. */
    sign(p.path, &key, &trusted);
    assert_int_equal(open_whole(p.path, &trusted, &err), 0);
}

/* All of a signed file is covered: by the signature, by hashes, or as there is only one way. */
static void refuses_every_flipped_byte(void **state)
{
    static const char free_text[] = "untrusted comment: ";
    CLEANUP(packed_release) struct packed p;
    CLEANUP(trusted_keys_release) struct trusted_keys trusted = {0};
    AUTO_SECRET_KEY key;
    STRBUF(bytes, FILE_MAX);
    make_packed(*state, &p);
    sign(p.path, &key, &trusted);
    assert_int_equal(file_read(p.path, &bytes, NULL), 0);
    const char *comment = memmem(bytes.data, bytes.len, free_text, strlen(free_text));
    assert_non_null(comment);
    size_t begin = (size_t) (comment - bytes.data) + strlen(free_text);
    size_t end = begin + strcspn(bytes.data + begin, "\n");
    AUTO_FD fd = open(p.path, O_WRONLY | O_CLOEXEC);
    /* Of the padding every eleventh byte: most of a small bundle is padding. */
    for (size_t i = 0; i < bytes.len; i += bytes.data[i] || bytes.data[i + 1] ? 1 : 11) {
        char flipped = (char) (bytes.data[i] ^ (1 << (i < begin || i >= end ? i % 8 : 0)));
        assert_int_equal(pwrite(fd, &flipped, 1, (off_t) i), 1);
        if ((open_whole(p.path, &trusted, NULL) == 0) != (i >= begin && i < end))
            fail_msg("byte %zu", i);
        assert_int_equal(pwrite(fd, &bytes.data[i], 1, (off_t) i), 1);
    }
    assert_int_equal(open_whole(p.path, &trusted, NULL), 0);
}

/* Nothing of the list is parsed, and no blob looked for, before the signature is verified. */
static void verifies_the_signature_first(void **state)
{
    CLEANUP(packed_release) struct packed p;
    CLEANUP(trusted_keys_release) struct trusted_keys trusted = {0};
    AUTO_SECRET_KEY key;
    struct error err = ERROR_INIT;
    STRBUF(bytes, FILE_MAX);
    make_packed(*state, &p);
    sign(p.path, &key, &trusted);
    assert_int_equal(file_read(p.path, &bytes, NULL), 0);
    memset(bytes.data + TAR_BLOCK, '[', 100);
    (void) open_bytes(&p, bytes.data, bytes.len, &err);
    assert_error_has(err, "bigtop.json");
    assert_int_equal(open_whole(p.path, &trusted, &err), -EKEYREJECTED);
    assert_error_has(err, "altered");
    assert_int_equal(truncate(p.path, (off_t) (bytes.len - TAR_END - 512)), 0);
    assert_int_equal(open_whole(p.path, &trusted, &err), -EKEYREJECTED);
}

static void has_no_room_for_a_long_signature(void **state)
{
    CLEANUP(packed_release) struct packed p;
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    char text[BUNDLE_STORE_SIGNATURE_SIZE + 1];
    memset(text, 'x', sizeof(text));
    make_packed(*state, &p);
    assert_int_equal(bundle_open(p.path, NULL, &b, &err), 0);
    assert_int_equal(bundle_store_write_signature(b.store, text, sizeof(text), &err), -E2BIG);
    assert_int_equal(open_whole(p.path, NULL, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(reads_in_place),
        cmocka_folder_test(refuses_every_truncation),
        cmocka_folder_test(refuses_more_than_a_bundle),
        cmocka_folder_test(refuses_two_that_are_mixed),
        cmocka_folder_test(refuses_other_tars),
        cmocka_folder_test(refuses_other_entries),
        cmocka_folder_test(refuses_a_long_list),
        cmocka_folder_test(refuses_what_is_no_file),
        cmocka_folder_test(signs_in_place),
        cmocka_folder_test(refuses_every_flipped_byte),
        cmocka_folder_test(verifies_the_signature_first),
        cmocka_folder_test(has_no_room_for_a_long_signature),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
