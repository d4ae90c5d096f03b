#include "images/delta-align.h"
#include "images/delta-format.h"
#include "images/delta.h"
#include "images/zstd-codec.h"
#include "lib/archive.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#define KIB 1024
#define MIB (1024 * 1024)
#define NO_LIMIT UINT64_MAX

struct file {
    const char *name;
    const char *data;
    size_t len;
};

/* Blocks of 1 KiB, each with something of its own, that compress quickly. */
static char *blocks(size_t len, unsigned seed)
{
    char *data = xcalloc(1, len + KIB);
    uint64_t x = seed;
    for (size_t at = 0; at < len; at += KIB) {
        for (size_t i = 0; i < 24; i++) {
            x = x * 6364136223846793005ULL + 1442695040888963407ULL;
            data[at + i] = (char) (x >> 56);
        }
        memset(data + at + 24, data[at], KIB - 24);
    }
    return data;
}

static struct blob_source new_file(const char *dir, const char *name)
{
    AUTO_FREE char *path = path_join(dir, name);
    return (struct blob_source){.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
}

static void set_size(struct blob_source *b)
{
    struct stat st;
    assert_int_equal(fstat(b->fd, &st), 0);
    b->size = (uint64_t) st.st_size;
}

static struct blob_source blob_of(const char *dir, const char *name, const void *data, size_t len)
{
    struct blob_source b = new_file(dir, name);
    assert_int_equal(fd_write_all(b.fd, data, len), 0);
    b.size = len;
    return b;
}

static struct blob_source tar_of(const char *dir, const char *name, enum archive_compression how,
                                 const struct file *files, size_t count)
{
    struct blob_source b = new_file(dir, name);
    struct archive_writer *w = NULL;
    assert_int_equal(archive_writer_open(b.fd, how, 1, &w, NULL), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(
            archive_writer_data(w, files[i].name, 0755, files[i].data, files[i].len, NULL), 0);
    assert_int_equal(archive_writer_close(&w, NULL), 0);
    set_size(&b);
    return b;
}

static char *content(const struct blob_source *b)
{
    char *data = xcalloc(1, b->size + 1);
    assert_int_equal(blob_source_read(b, 0, data, b->size, NULL), 0);
    return data;
}

static void assert_same(const struct blob_source *a, const struct blob_source *b)
{
    assert_int_equal(a->size, b->size);
    AUTO_FREE char *left = content(a), *right = content(b);
    assert_memory_equal(left, right, a->size);
}

static struct blob_source make(const char *dir, const struct blob_source *from,
                               const struct blob_source *to)
{
    struct error err = ERROR_INIT;
    struct blob_source patch = new_file(dir, "patch");
    if (delta_make(from, to, dir, patch.fd, NULL, NULL, NULL, &err) < 0)
        fail_msg("%s", err.text);
    set_size(&patch);
    return patch;
}

static int apply(const char *dir, const struct blob_source *from, const struct blob_source *patch,
                 uint64_t max, struct blob_source *out, struct error *err)
{
    *out = new_file(dir, "out");
    int r = delta_apply(from, patch, max, out->fd, NULL, err);
    set_size(out);
    return r;
}

static void assert_makes(const char *dir, const struct blob_source *from,
                         const struct blob_source *patch, const struct blob_source *to)
{
    AUTO_BLOB_SOURCE out = BLOB_SOURCE_INIT;
    struct error err = ERROR_INIT;
    if (apply(dir, from, patch, to->size, &out, &err) < 0)
        fail_msg("%s", err.text);
    assert_same(&out, to);
}

static void makes_a_tar_of_another(void **state)
{
    AUTO_FREE char *a = blocks(300 * KIB, 1), *b = blocks(200 * KIB, 2), *c = blocks(90 * KIB, 3);
    const struct file old[] = {{"bin/a", a, 300 * KIB}, {"bin/b", b, 200 * KIB}};
    const struct file new[] = {
        {"bin/a", a + 100, 299 * KIB}, {"bin/aa", c, 9 * KIB}, {"bin/b", b, 200 * KIB}};
    AUTO_BLOB_SOURCE from = tar_of(*state, "from", ARCHIVE_ZSTD, old, 2);
    AUTO_BLOB_SOURCE to = tar_of(*state, "to", ARCHIVE_ZSTD, new, 3);
    AUTO_BLOB_SOURCE patch = make(*state, &from, &to);
    assert_true(patch.size < to.size / 4);
    assert_makes(*state, &from, &patch, &to);
}

static void works_on_what_is_not_compressed(void **state)
{
    AUTO_FREE char *a = blocks(300 * KIB, 1);
    AUTO_BLOB_SOURCE from = blob_of(*state, "from", a, 300 * KIB);
    a[1000]++;
    AUTO_BLOB_SOURCE to = blob_of(*state, "to", a, 299 * KIB);
    AUTO_BLOB_SOURCE patch = make(*state, &from, &to);
    assert_true(patch.size < KIB);
    assert_makes(*state, &from, &patch, &to);
    AUTO_BLOB_SOURCE empty = blob_of(*state, "empty", "", 0);
    AUTO_BLOB_SOURCE from_nothing = make(*state, &empty, &to);
    assert_makes(*state, &empty, &from_nothing, &to);
    AUTO_BLOB_SOURCE to_nothing = make(*state, &from, &empty);
    assert_makes(*state, &from, &to_nothing, &empty);
}

/* A blob may be a part of a file (a bundle in one file). */
static void reads_blobs_inside_a_file(void **state)
{
    AUTO_FREE char *a = blocks(100 * KIB, 1), *shifted = xcalloc(1, 101 * KIB);
    memcpy(shifted + KIB, a, 100 * KIB);
    AUTO_BLOB_SOURCE outer = blob_of(*state, "outer", shifted, 101 * KIB);
    struct blob_source from = {.fd = outer.fd, .offset = KIB, .size = 100 * KIB};
    a[99 * KIB]++;
    AUTO_BLOB_SOURCE to = blob_of(*state, "to", a, 100 * KIB);
    AUTO_BLOB_SOURCE patch = make(*state, &from, &to);
    assert_true(patch.size < KIB);
    assert_makes(*state, &from, &patch, &to);
}

/* Several segments, and an old file of several windows. */
static void moves_its_window(void **state)
{
    size_t len = 2 * DELTA_WINDOW + 5 * MIB + 77;
    AUTO_FREE char *a = blocks(len, 1), *c = xcalloc(1, len);
    memcpy(c, "new", 3);
    memcpy(c + 3, a, len - 3);
    for (size_t at = 0; at < len; at += 500 * KIB)
        c[at]++;
    AUTO_BLOB_SOURCE from = blob_of(*state, "from", a, len);
    AUTO_BLOB_SOURCE to = blob_of(*state, "to", c, len);
    AUTO_BLOB_SOURCE patch = make(*state, &from, &to);
    assert_true(patch.size < 20 * KIB);
    assert_makes(*state, &from, &patch, &to);
    /* Files that changed places are not found again, but made. */
    memcpy(c, a + len / 2, len / 4);
    memcpy(c + len / 2, a, len / 4);
    AUTO_BLOB_SOURCE swapped = blob_of(*state, "swapped", c, len);
    AUTO_BLOB_SOURCE other = make(*state, &from, &swapped);
    assert_makes(*state, &from, &other, &swapped);
}

/* Another writer's zstd: no size in the header, as ours, but another level. */
static int to_fd(void *userdata, const void *data, size_t len, struct error *err)
{
    (void) err;
    return fd_write_all(*(int *) userdata, data, len);
}

static void makes_no_patch_for_foreign_zstd(void **state)
{
    AUTO_FREE char *a = blocks(100 * KIB, 1);
    struct error err = ERROR_INIT;
    AUTO_BLOB_SOURCE to = new_file(*state, "to");
    AUTO_BLOB_SOURCE patch = new_file(*state, "patch");
    AUTO_PACKER *p = packer_new(1, to_fd, &to.fd);
    assert_int_equal(packer_write(p, a, 100 * KIB, NULL), 0);
    assert_int_equal(packer_finish(p, NULL), 0);
    set_size(&to);
    AUTO_BLOB_SOURCE from = blob_of(*state, "from", a, 100 * KIB);
    assert_int_equal(delta_make(&from, &to, *state, patch.fd, NULL, NULL, NULL, &err), -EOPNOTSUPP);
    assert_error_has(err, "does not make again");
    to.size--;
    assert_int_equal(delta_make(&from, &to, *state, patch.fd, NULL, NULL, NULL, &err), -EBADMSG);
}

struct small {
    struct blob_source from, to, patch;
    char *bytes; /* of the patch */
};

static void small_release(struct small *s)
{
    blob_source_close(&s->from);
    blob_source_close(&s->to);
    blob_source_close(&s->patch);
    free(s->bytes);
}

/* A patch of a few hundred bytes. */
static void make_small(const char *dir, struct small *s)
{
    AUTO_FREE char *a = blocks(40 * KIB, 1), *b = blocks(40 * KIB, 1);
    for (size_t at = 0; at < 40 * KIB; at += 2500)
        b[at]++;
    const struct file old = {"a", a, 40 * KIB}, new = {"a", b, 39 * KIB};
    s->from = tar_of(dir, "from", ARCHIVE_ZSTD, &old, 1);
    s->to = tar_of(dir, "to", ARCHIVE_ZSTD, &new, 1);
    s->patch = make(dir, &s->from, &s->to);
    s->bytes = content(&s->patch);
}

static int try_bytes(const char *dir, const struct small *s, const char *bytes, size_t len,
                     struct blob_source *out, struct error *err)
{
    AUTO_BLOB_SOURCE patch = blob_of(dir, "damaged", bytes, len);
    return apply(dir, &s->from, &patch, s->to.size, out, err);
}

static void refuses_every_truncation(void **state)
{
    CLEANUP(small_release) struct small s = {0};
    make_small(*state, &s);
    for (size_t len = 0; len < s.patch.size; len++) {
        AUTO_BLOB_SOURCE out = BLOB_SOURCE_INIT;
        struct error err = ERROR_INIT;
        assert_int_equal(try_bytes(*state, &s, s.bytes, len, &out, &err), -EBADMSG);
        assert_error_has(err, "cut off");
    }
    AUTO_FREE char *longer = xcalloc(1, s.patch.size + 1);
    memcpy(longer, s.bytes, s.patch.size);
    AUTO_BLOB_SOURCE out = BLOB_SOURCE_INIT;
    struct error err = ERROR_INIT;
    assert_int_equal(try_bytes(*state, &s, longer, s.patch.size + 1, &out, &err), -EBADMSG);
    assert_error_has(err, "behind its end");
}

static void refuses_flipped_bits(void **state)
{
    CLEANUP(small_release) struct small s = {0};
    make_small(*state, &s);
    unsigned seed = 1, refused = 0;
    for (unsigned i = 0; i < 1000; i++) {
        AUTO_BLOB_SOURCE out = BLOB_SOURCE_INIT;
        size_t at = (size_t) rand_r(&seed) % s.patch.size;
        char bit = (char) (1 << (rand_r(&seed) % 8));
        s.bytes[at] ^= bit;
        int r = try_bytes(*state, &s, s.bytes, s.patch.size, &out, NULL);
        s.bytes[at] ^= bit;
        assert_true(out.size <= s.to.size);
        refused += r < 0;
        if (r == 0 && (at < 12 || at > 15)) /* another level may give as many bytes */
            assert_same(&out, &s.to);
    }
    assert_true(refused > 900);
}

static void refuses_another_base(void **state)
{
    CLEANUP(small_release) struct small s = {0};
    make_small(*state, &s);
    AUTO_FREE char *other = blocks(50 * KIB, 9);
    AUTO_BLOB_SOURCE out = BLOB_SOURCE_INIT, cut = s.from;
    AUTO_BLOB_SOURCE wrong = blob_of(*state, "wrong", other, 50 * KIB);
    AUTO_BLOB_SOURCE none = blob_of(*state, "none", "", 0);
    struct error err = ERROR_INIT;
    assert_int_equal(apply(*state, &wrong, &s.patch, NO_LIMIT, &out, &err), -EBADMSG);
    blob_source_close(&out);
    assert_int_equal(apply(*state, &none, &s.patch, NO_LIMIT, &out, &err), -EBADMSG);
    assert_error_has(err, "longer");
    blob_source_close(&out);
    cut.size -= 9;
    assert_int_equal(apply(*state, &cut, &s.patch, NO_LIMIT, &out, &err), -EBADMSG);
    cut.fd = -1;
}

static void obeys_the_limit(void **state)
{
    CLEANUP(small_release) struct small s = {0};
    make_small(*state, &s);
    struct error err = ERROR_INIT;
    AUTO_BLOB_SOURCE out = BLOB_SOURCE_INIT;
    assert_int_equal(apply(*state, &s.from, &s.patch, s.to.size - 1, &out, &err), -EFBIG);
    assert_int_equal(out.size, 0);
}

/* A patch with one segment that says what it likes. */
struct lie {
    const char *what;
    struct delta_header header;
    struct delta_segment segment;
    int expected;
    const char *says;
};

static size_t lie_write(const struct lie *lie, char out[KIB])
{
    static const char text[] = "hello";
    size_t packed = KIB - DELTA_HEADER_LEN - DELTA_SEGMENT_LEN;
    delta_header_put(&lie->header, (unsigned char *) out);
    delta_segment_put(&lie->segment, (unsigned char *) out + DELTA_HEADER_LEN);
    assert_int_equal(piece_pack("0123456789", 10, text, 5,
                                out + DELTA_HEADER_LEN + DELTA_SEGMENT_LEN, &packed, NULL),
                     0);
    return DELTA_HEADER_LEN + DELTA_SEGMENT_LEN + packed;
}

#define PACKED 18 /* of "hello" */
#define STORED(bytes) .header = {.size = (bytes), .plain = (bytes)}
#define SEGMENT(f, w, m, p) .segment = {.from = (f), .window = (w), .made = (m), .packed = (p)}

static void refuses_sizes_that_lie(void **state)
{
    const struct lie lies[] = {
        {"nothing", STORED(5), SEGMENT(0, 10, 5, PACKED), 0, ""},
        {"less made", STORED(4), SEGMENT(0, 10, 4, PACKED), -EBADMSG, ""},
        {"more made", STORED(6), SEGMENT(0, 10, 6, PACKED), -EBADMSG, "not 6"},
        {"more than the blob", STORED(4), SEGMENT(0, 10, 5, PACKED), -EBADMSG, "more than"},
        {"a blob of more", STORED(50), SEGMENT(0, 10, 5, PACKED), -EBADMSG, "cut off"},
        {"nothing made", STORED(5), SEGMENT(0, 10, 0, PACKED), -EBADMSG, "segment"},
        {"large", STORED(5), SEGMENT(0, 10, DELTA_SEGMENT + 1, PACKED), -EBADMSG, "segment"},
        {"largest", STORED(5), SEGMENT(0, 10, UINT32_MAX, PACKED), -EBADMSG, "segment"},
        {"packed less", STORED(5), SEGMENT(0, 10, 5, PACKED - 1), -EBADMSG, "frame"},
        {"packed more", STORED(5), SEGMENT(0, 10, 5, PACKED + 1), -EBADMSG, "cut off"},
        {"packed nothing", STORED(5), SEGMENT(0, 10, 5, 0), -EBADMSG, "segment"},
        {"packed too much", STORED(5), SEGMENT(0, 10, 5, DELTA_PACKED + 1), -EBADMSG, "segment"},
        {"window", STORED(5), SEGMENT(0, DELTA_WINDOW + 1, 5, PACKED), -EBADMSG, "segment"},
        {"window past the end", STORED(5), SEGMENT(0, 11, 5, PACKED), -EBADMSG, "longer"},
        {"window behind", STORED(5), SEGMENT(11, 0, 5, PACKED), -EBADMSG, "longer"},
        {"window nowhere", STORED(5), SEGMENT(UINT64_MAX, 10, 5, PACKED), -EBADMSG, "back"},
        {"stored, other size", .header = {.size = 5, .plain = 6}, SEGMENT(0, 10, 5, PACKED),
         -EBADMSG, "header"},
        {"level alone", .header = {.level = 3, .size = 5, .plain = 5}, SEGMENT(0, 10, 5, PACKED),
         -EBADMSG, "header"},
        {"huge", STORED(DELTA_PLAIN_MAX + 1), SEGMENT(0, 10, 5, PACKED), -EBADMSG, "header"},
        {"another libzstd", .header = {.zstd = 10203, .level = 9, .size = 5, .plain = 5},
         SEGMENT(0, 10, 5, PACKED), -EOPNOTSUPP, "libzstd 10203"},
        {"level 23", .header = {.zstd = zstd_version(), .level = 23, .size = 5, .plain = 5},
         SEGMENT(0, 10, 5, PACKED), -EBADMSG, "header"},
        {"small when packed", .header = {.zstd = zstd_version(), .level = 9, .size = 5, .plain = 5},
         SEGMENT(0, 10, 5, PACKED), -EBADMSG, "more than"},
        {"large when packed",
         .header = {.zstd = zstd_version(), .level = 9, .size = 99, .plain = 5},
         SEGMENT(0, 10, 5, PACKED), -EBADMSG, "less than"},
    };
    AUTO_BLOB_SOURCE from = blob_of(*state, "from", "0123456789", 10);
    for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
        char bytes[KIB];
        AUTO_BLOB_SOURCE out = BLOB_SOURCE_INIT;
        struct error err = ERROR_INIT;
        AUTO_BLOB_SOURCE patch = blob_of(*state, "patch", bytes, lie_write(&lies[i], bytes));
        int r = apply(*state, &from, &patch, NO_LIMIT, &out, &err);
        if (r != lies[i].expected || !strstr(err.text, lies[i].says))
            fail_msg("%s: %d %s", lies[i].what, r, err.text);
        assert_true(out.size <= lies[i].header.size);
    }
}

/* A frame that would make 16 GiB ends where its segment does. */
static void stops_a_bomb(void **state)
{
    char bytes[KIB];
    AUTO_FREE char *zeroes = xcalloc(1, DELTA_SEGMENT);
    AUTO_FREE char *packed = xcalloc(1, DELTA_PACKED);
    size_t len = DELTA_PACKED;
    assert_int_equal(piece_pack(NULL, 0, zeroes, DELTA_SEGMENT, packed, &len, NULL), 0);
    assert_true(len < KIB - DELTA_HEADER_LEN - DELTA_SEGMENT_LEN);
    const struct delta_header header = {.size = 100, .plain = 100};
    const struct delta_segment segment = {.made = 100, .packed = (uint32_t) len};
    delta_header_put(&header, (unsigned char *) bytes);
    delta_segment_put(&segment, (unsigned char *) bytes + DELTA_HEADER_LEN);
    memcpy(bytes + DELTA_HEADER_LEN + DELTA_SEGMENT_LEN, packed, len);
    AUTO_BLOB_SOURCE patch = blob_of(*state, "patch", bytes,
                                     DELTA_HEADER_LEN + DELTA_SEGMENT_LEN + len);
    AUTO_BLOB_SOURCE from = blob_of(*state, "from", "", 0);
    AUTO_BLOB_SOURCE out = BLOB_SOURCE_INIT;
    assert_int_equal(apply(*state, &from, &patch, NO_LIMIT, &out, NULL), -EBADMSG);
    assert_int_equal(out.size, 0);
}

static void stops_when_told(void **state)
{
    CLEANUP(small_release) struct small s = {0};
    make_small(*state, &s);
    const bool cancel = true;
    AUTO_BLOB_SOURCE out = new_file(*state, "out");
    assert_int_equal(delta_apply(&s.from, &s.patch, NO_LIMIT, out.fd, &cancel, NULL), -ECANCELED);
    assert_int_equal(delta_make(&s.from, &s.to, *state, out.fd, &cancel, NULL, NULL, NULL),
                     -ECANCELED);
}

static void aligns_files_by_their_names(void **state)
{
    AUTO_FREE char *a = blocks(10 * KIB, 1);
    const struct file old[] = {{"a", a, 5 * KIB}, {"gone", a, 3 * KIB}, {"z", a, 4 * KIB}};
    const struct file new[] = {{"a", a, 10 * KIB}, {"b", a, 2 * KIB}, {"z", a, 2 * KIB}};
    AUTO_BLOB_SOURCE from = tar_of(*state, "from", ARCHIVE_PLAIN, old, 3);
    AUTO_BLOB_SOURCE to = tar_of(*state, "to", ARCHIVE_PLAIN, new, 3);
    AUTO_FREE char *left = content(&from), *right = content(&to);
    struct aligned_span *spans;
    size_t count = delta_align((unsigned char *) left, from.size, (unsigned char *) right, to.size,
                               &spans);
    assert_int_equal(count, 4); /* and the end mark */
    assert_int_equal(spans[0].from_len, 512 + 5 * KIB);
    assert_int_equal(spans[1].from_len, 0);
    assert_int_equal(spans[1].from, 512 + 5 * KIB);
    assert_int_equal(spans[2].from, 2 * 512 + 8 * KIB);
    assert_int_equal(spans[3].to + spans[3].to_len, to.size);
    assert_int_equal(delta_align_find(spans, count, 0), 0);
    assert_int_equal(delta_align_find(spans, count, (512 + 10 * KIB) / 2), (512 + 5 * KIB) / 2);
    assert_int_equal(delta_align_find(spans, count, spans[2].to), spans[2].from);
    free(spans);
    assert_int_equal(delta_align(NULL, 0, (unsigned char *) right, 0, &spans), 0);
    assert_int_equal(delta_align_find(spans, 0, 7), 0);
    free(spans);
    /* No tar, and one whose last header says more than there is. */
    assert_int_equal(
        delta_align((unsigned char *) left, 100, (unsigned char *) right + 1, 600, &spans), 1);
    free(spans);
    assert_int_equal(delta_align((unsigned char *) left, 513, (unsigned char *) right, 513, &spans),
                     1);
    free(spans);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(makes_a_tar_of_another),
        cmocka_folder_test(works_on_what_is_not_compressed),
        cmocka_folder_test(reads_blobs_inside_a_file),
        cmocka_folder_test(moves_its_window),
        cmocka_folder_test(makes_no_patch_for_foreign_zstd),
        cmocka_folder_test(refuses_every_truncation),
        cmocka_folder_test(refuses_flipped_bits),
        cmocka_folder_test(refuses_another_base),
        cmocka_folder_test(obeys_the_limit),
        cmocka_folder_test(refuses_sizes_that_lie),
        cmocka_folder_test(stops_a_bomb),
        cmocka_folder_test(stops_when_told),
        cmocka_folder_test(aligns_files_by_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
