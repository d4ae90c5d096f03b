#include "images/zstd-codec.h"
#include "lib/archive.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define BIG (3 * 1024 * 1024)

static void fill(char *out, size_t len, unsigned seed)
{
    uint64_t x = seed + 1;
    for (size_t i = 0; i < len; i++) {
        x = x * 6364136223846793005ULL + 1442695040888963407ULL;
        out[i] = (i / 50) % 3 ? (char) ('a' + (x >> 33) % 7) : (char) (i / 1000);
    }
}

static struct blob_source blob_of(const char *dir, const void *data, size_t len)
{
    AUTO_FREE char *path = path_join(dir, "blob");
    struct blob_source b = {.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600),
                            .size = len};
    assert_int_equal(fd_write_all(b.fd, data, len), 0);
    return b;
}

/* A tar by lib/archive.h with one file of len bytes. */
static struct blob_source tar_of(const char *dir, enum archive_compression how, size_t len)
{
    AUTO_FREE char *path = path_join(dir, "tar");
    AUTO_FREE char *data = xcalloc(1, len + 1);
    struct blob_source b = {.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    struct archive_writer *w = NULL;
    struct stat st;
    fill(data, len, 7);
    assert_int_equal(archive_writer_open(b.fd, how, 1, &w, NULL), 0);
    assert_int_equal(archive_writer_data(w, "file", 0644, data, len, NULL), 0);
    assert_int_equal(archive_writer_close(&w, NULL), 0);
    assert_int_equal(fstat(b.fd, &st), 0);
    b.size = (uint64_t) st.st_size;
    return b;
}

static int read_all(const struct blob_source *b, size_t step, struct strbuf *out, struct error *err)
{
    AUTO_PLAIN *reader = NULL;
    AUTO_FREE char *buffer = xcalloc(1, step);
    size_t got = step;
    int r = plain_open(b, &reader, err);
    while (r == 0 && got == step)
        if ((r = plain_read(reader, buffer, step, &got, err)) == 0)
            strbuf_add(out, buffer, got);
    return r;
}

static int collect(void *userdata, const void *data, size_t len, struct error *err)
{
    (void) err;
    return strbuf_add(userdata, data, len);
}

static void pack_all(const char *data, size_t len, size_t step, int level, struct strbuf *out)
{
    AUTO_PACKER *p = packer_new(level, collect, out);
    for (size_t at = 0; at < len; at += step)
        assert_int_equal(packer_write(p, data + at, len - at < step ? len - at : step, NULL), 0);
    assert_int_equal(packer_finish(p, NULL), 0);
}

static void reads_and_packs_what_the_archive_writer_wrote(void **state)
{
    static const size_t sizes[] = {0, 1, 511, 127 * 1024, 128 * 1024, 200000, BIG};
    static const size_t steps[] = {777, 128 * 1024, 1024 * 1024};
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        STRBUF(expected, 2 * BIG);
        AUTO_BLOB_SOURCE plain = tar_of(*state, ARCHIVE_PLAIN, sizes[i]);
        assert_int_equal(read_all(&plain, 4096, &expected, NULL), 0);
        assert_int_equal(expected.len, plain.size);
        AUTO_BLOB_SOURCE packed = tar_of(*state, ARCHIVE_ZSTD, sizes[i]);
        for (size_t k = 0; k < ARRAY_SIZE(steps); k++) {
            STRBUF(read, 2 * BIG);
            STRBUF(again, 2 * BIG);
            assert_int_equal(read_all(&packed, steps[k], &read, NULL), 0);
            assert_int_equal(read.len, expected.len);
            assert_memory_equal(read.data, expected.data, read.len);
            pack_all(read.data, read.len, steps[k], ARCHIVE_ZSTD_LEVEL, &again);
            assert_int_equal(again.len, packed.size);
            AUTO_FREE char *bytes = xcalloc(1, again.len);
            assert_int_equal(blob_source_read(&packed, 0, bytes, again.len, NULL), 0);
            assert_memory_equal(again.data, bytes, again.len);
        }
    }
}

static void passes_on_what_is_not_compressed(void **state)
{
    static const char *const texts[] = {"", "x", "\x28\xb5\x2f", "plain text"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        STRBUF(read, 100);
        STRBUF(again, 100);
        AUTO_BLOB_SOURCE b = blob_of(*state, texts[i], strlen(texts[i]));
        assert_int_equal(read_all(&b, 3, &read, NULL), 0);
        assert_string_equal(read.data, texts[i]);
        pack_all(read.data, read.len, 3, 0, &again);
        assert_string_equal(again.data, texts[i]);
    }
}

static void reads_frames_one_after_another(void **state)
{
    STRBUF(two, 1000);
    STRBUF(read, 1000);
    pack_all("hello ", 6, 6, 3, &two);
    pack_all("world", 5, 5, 19, &two);
    AUTO_BLOB_SOURCE b = blob_of(*state, two.data, two.len);
    assert_int_equal(read_all(&b, 4, &read, NULL), 0);
    assert_string_equal(read.data, "hello world");
}

static void refuses_a_stream_that_is_cut(void **state)
{
    STRBUF(packed, 1000);
    pack_all("hello hello hello, hello world", 30, 30, 9, &packed);
    for (size_t len = 4; len < packed.len; len++) {
        struct error err = ERROR_INIT;
        STRBUF(read, 1000);
        AUTO_BLOB_SOURCE b = blob_of(*state, packed.data, len);
        assert_int_equal(read_all(&b, 100, &read, &err), -EBADMSG);
        assert_error_has(err, "zstd stream");
    }
}

static void refuses_what_follows_a_frame(void **state)
{
    STRBUF(packed, 1000);
    STRBUF(read, 1000);
    pack_all("hello", 5, 5, 9, &packed);
    strbuf_adds(&packed, "something else");
    AUTO_BLOB_SOURCE b = blob_of(*state, packed.data, packed.len);
    assert_int_equal(read_all(&b, 100, &read, NULL), -EBADMSG);
}

/* RFC 8878: a window descriptor of 2^(10 + n / 8) bytes, then one raw block of one byte. */
static void refuses_a_large_window(void **state)
{
    unsigned char frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0, 0x09, 0x00, 0x00, 'x'};
    for (unsigned log = 10; log <= 31; log++) {
        STRBUF(read, 100);
        struct error err = ERROR_INIT;
        frame[5] = (unsigned char) ((log - 10) << 3);
        AUTO_BLOB_SOURCE b = blob_of(*state, frame, sizeof(frame));
        int r = read_all(&b, 100, &read, &err);
        assert_int_equal(r, log <= 23 ? 0 : -EBADMSG);
        assert_string_equal(read.data, log <= 23 ? "x" : "");
    }
}

static void packs_pieces_by_their_prefix(void **state)
{
    (void) state;
    AUTO_FREE char *prefix = xcalloc(1, 200000);
    AUTO_FREE char *data = xcalloc(1, 100000), *out = xcalloc(1, 100000);
    AUTO_FREE char *packed = xcalloc(1, 200000);
    fill(prefix, 200000, 1);
    memcpy(data, prefix + 70000, 100000);
    memcpy(data + 5000, "changed", 7);
    size_t len = 200000, alone = 200000;
    assert_int_equal(piece_pack(NULL, 0, data, 100000, packed, &alone, NULL), 0);
    assert_int_equal(piece_pack(prefix, 200000, data, 100000, packed, &len, NULL), 0);
    assert_true(alone > 10000 && len < 500);
    assert_int_equal(piece_unpack(prefix, 200000, packed, len, out, 100000, NULL), 0);
    assert_memory_equal(out, data, 100000);
    /* Another prefix, another size, another frame. */
    prefix[80000]++;
    assert_int_equal(piece_unpack(prefix, 200000, packed, len, out, 100000, NULL), -EBADMSG);
    prefix[80000]--;
    assert_int_equal(piece_unpack(prefix + 1, 199999 - 1, packed, len, out, 100000, NULL),
                     -EBADMSG);
    assert_int_equal(piece_unpack(prefix, 200000, packed, len, out, 99999, NULL), -EBADMSG);
    assert_int_equal(piece_unpack(prefix, 200000, packed, len, out, 100000 - 50, NULL), -EBADMSG);
    assert_int_equal(piece_unpack(prefix, 200000, packed, len - 1, out, 100000, NULL), -EBADMSG);
    assert_int_equal(piece_unpack(prefix, 200000, packed, len + 1, out, 100000, NULL), -EBADMSG);
    assert_int_equal(piece_unpack(prefix, 200000, packed, 0, out, 100000, NULL), -EBADMSG);
    size_t room = len - 1;
    assert_int_equal(piece_pack(prefix, 200000, data, 100000, packed, &room, NULL), -ENOBUFS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(reads_and_packs_what_the_archive_writer_wrote),
        cmocka_folder_test(passes_on_what_is_not_compressed),
        cmocka_folder_test(reads_frames_one_after_another),
        cmocka_folder_test(refuses_a_stream_that_is_cut),
        cmocka_folder_test(refuses_what_follows_a_frame),
        cmocka_folder_test(refuses_a_large_window),
        cmocka_unit_test(packs_pieces_by_their_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
