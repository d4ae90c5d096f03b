#include "images/pack.h"
#include "tests/unit/unit.h"

#include "tests/unit/bundle-fixture.h"

#include <errno.h>
#include <sys/stat.h>

#define FILE_MAX (1 << 20)

static void pack(const char *from, const char *to)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    assert_int_equal(bundle_open(from, NULL, &b, &err), 0);
    if (bundle_pack(&b, to, &err) < 0)
        fail_msg("%s", err.text);
}

static int unpack(const char *from, const char *to, struct error *err)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    assert_int_equal(bundle_open(from, NULL, &b, err), 0);
    return bundle_unpack(&b, to, err);
}

static void assert_same_file(const char *a, const char *b)
{
    char x[DIGEST_SIZE], y[DIGEST_SIZE];
    assert_int_equal(digest_file(a, x, NULL, NULL), 0);
    assert_int_equal(digest_file(b, y, NULL, NULL), 0);
    assert_string_equal(x, y);
}

static void assert_same_folder(const char *a, const char *b)
{
    AUTO_FREE char *left = path_join(a, "../left.tar"), *right = path_join(b, "../right.tar");
    const char *const from[] = {a, b}, *const to[] = {left, right};
    for (int i = 0; i < 2; i++) {
        struct archive_writer *w = NULL;
        AUTO_FD fd = open(to[i], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_int_equal(archive_writer_open(fd, ARCHIVE_PLAIN, 0, &w, NULL), 0);
        assert_int_equal(archive_writer_tree(w, "", from[i], NULL), 0);
        assert_int_equal(archive_writer_close(&w, NULL), 0);
    }
    assert_same_file(left, right);
}

static void sign(const char *path)
{
    AUTO_SECRET_KEY key;
    secret_key_generate(&key);
    assert_int_equal(bundle_sign(path, &key, NULL), 0);
}

/* Folder, file, folder, file: always the same, whether signed before or behind. */
static void goes_there_and_back(void **state)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *one = fixture_make(*state, "one", &FIXTURE);
    AUTO_FREE char *two = path_join(*state, "two"), *file = path_join(*state, "one.bundle");
    AUTO_FREE char *again = path_join(*state, "two.bundle");
    sign(one);
    pack(one, file);
    assert_int_equal(unpack(file, two, &err), 0);
    assert_same_folder(one, two);
    pack(two, again);
    assert_same_file(file, again);
}

static void is_the_same_signed_before_or_behind(void **state)
{
    AUTO_SECRET_KEY key;
    AUTO_FREE char *dir = fixture_make(*state, "dir", &FIXTURE);
    AUTO_FREE char *before = path_join(*state, "before"), *behind = path_join(*state, "behind");
    secret_key_generate(&key);
    pack(dir, behind);
    assert_int_equal(bundle_sign(behind, &key, NULL), 0);
    assert_int_equal(bundle_sign(dir, &key, NULL), 0);
    pack(dir, before);
    assert_same_file(before, behind);
}

static void copies_a_file(void **state)
{
    AUTO_FREE char *dir = fixture_make(*state, "dir", &FIXTURE);
    AUTO_FREE char *one = path_join(*state, "one"), *two = path_join(*state, "two");
    pack(dir, one);
    pack(one, two);
    assert_same_file(one, two);
}

static void overwrites_nothing(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    AUTO_FREE char *dir = fixture_make(*state, "dir", &FIXTURE);
    AUTO_FREE char *taken = path_join(*state, "taken"), *full = path_join(*state, "full");
    AUTO_FREE char *inside = path_join(full, "x");
    assert_int_equal(file_write_atomic(taken, "mine", 4, 0600, NULL), 0);
    assert_int_equal(mkdir(full, 0700), 0);
    assert_int_equal(file_write_atomic(inside, "mine", 4, 0600, NULL), 0);
    assert_int_equal(bundle_open(dir, NULL, &b, &err), 0);
    assert_int_equal(bundle_pack(&b, taken, &err), -EEXIST);
    assert_int_equal(file_is(taken, "mine", 4, 0600), 1);
    assert_int_equal(bundle_unpack(&b, full, &err), -ENOTEMPTY);
    assert_int_equal(file_is(inside, "mine", 4, 0600), 1);
}

/* A blob with one bit changed: nothing is left behind. */
static void packs_nothing_that_is_damaged(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    AUTO_FREE char *dir = fixture_make(*state, "dir", &FIXTURE);
    AUTO_FREE char *file = path_join(*state, "file"), *partial = path_join(*state, "file.partial");
    AUTO_FREE char *other = path_join(*state, "other");
    assert_int_equal(bundle_open(dir, NULL, &b, &err), 0);
    AUTO_FREE char *blob = xasprintf("%s/blobs/sha256/%s", dir, b.components[0].blob + 7);
    STRBUF(bytes, FILE_MAX);
    assert_int_equal(file_read(blob, &bytes, NULL), 0);
    bytes.data[bytes.len / 2] ^= 1;
    assert_int_equal(file_write_atomic(blob, bytes.data, bytes.len, 0644, NULL), 0);
    assert_int_equal(bundle_pack(&b, file, &err), -EBADMSG);
    assert_error_has(err, "has the content of");
    assert_int_equal(access(file, F_OK), -1);
    assert_int_equal(access(partial, F_OK), -1);
    assert_int_equal(bundle_unpack(&b, other, &err), -EBADMSG);
    assert_error_has(err, "has the content of");
}

/* Whoever changes what skopeo reads is found out, though the blobs are all whole. */
static void packs_no_other_index(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    AUTO_FREE char *dir = fixture_make(*state, "dir", &FIXTURE);
    AUTO_FREE char *file = path_join(*state, "file"), *index = path_join(dir, "index.json");
    assert_int_equal(file_write_atomic(index, "{}", 2, 0644, NULL), 0);
    assert_int_equal(bundle_open(dir, NULL, &b, &err), 0);
    assert_int_equal(bundle_verify(&b, &err), -EBADMSG);
    assert_error_has(err, "index.json is not the one of bigtop.json");
    assert_int_equal(bundle_pack(&b, file, &err), -EBADMSG);
    assert_int_equal(access(file, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(goes_there_and_back),
        cmocka_folder_test(is_the_same_signed_before_or_behind),
        cmocka_folder_test(copies_a_file),
        cmocka_folder_test(overwrites_nothing),
        cmocka_folder_test(packs_nothing_that_is_damaged),
        cmocka_folder_test(packs_no_other_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
