#include "images/pack.h"
#include "tests/unit/unit.h"

#include "tests/unit/bundle-fixture.h"

#include <errno.h>
#include <sys/stat.h>

#define FLIPS 1000
#define SEED 20260210 /* the same in every run: what fails can be looked at again */

static int verify(const char *path)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    int r = bundle_open(path, NULL, &b, &err);
    return r < 0 ? r : bundle_verify(&b, &err);
}

/* Flips one random bit of the blob, wherever its bytes are: the descriptor's own may be read-only.
 */
static void flip_and_verify(const char *bundle, const char *file, const struct blob_source *blob,
                            unsigned *seed)
{
    AUTO_FD fd = open(file, O_RDWR | O_CLOEXEC);
    off_t at = (off_t) (blob->offset + (unsigned) rand_r(seed) % blob->size);
    char kept, flipped;
    assert_int_equal(pread(fd, &kept, 1, at), 1);
    flipped = (char) (kept ^ 1 << rand_r(seed) % 8);
    assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
    if (verify(bundle) != -EBADMSG)
        fail_msg("byte %lld of %s changed unseen", (long long) at, file);
    assert_int_equal(pwrite(fd, &kept, 1, at), 1);
}

static void find_flips(const char *path, bool is_file)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    unsigned seed = SEED;
    assert_int_equal(bundle_open(path, NULL, &b, NULL), 0);
    json_t *blobs = json_object_get(b.json, "blobs");
    for (int done = 0; done < FLIPS;) {
        const char *digest;
        json_t *size;
        json_object_foreach(blobs, digest, size) {
            AUTO_BLOB_SOURCE blob = BLOB_SOURCE_INIT;
            assert_int_equal(bundle_blob_open(&b, digest, &blob, NULL), 0);
            AUTO_FREE char *own = xasprintf("%s/blobs/sha256/%s", path, digest + 7);
            flip_and_verify(path, is_file ? path : own, &blob, &seed);
            done++;
        }
    }
    assert_int_equal(verify(path), 0);
}

static void finds_flips_in_a_folder(void **state)
{
    AUTO_FREE char *dir = fixture_make(*state, "dir", &FIXTURE);
    find_flips(dir, false);
}

static void finds_flips_in_a_file(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    AUTO_FREE char *dir = fixture_make(*state, "dir", &FIXTURE);
    AUTO_FREE char *file = path_join(*state, "file");
    assert_int_equal(bundle_open(dir, NULL, &b, NULL), 0);
    assert_int_equal(bundle_pack(&b, file, NULL), 0);
    find_flips(file, true);
}

static void finds_truncated_blobs(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    AUTO_FREE char *dir = fixture_make(*state, "dir", &FIXTURE);
    assert_int_equal(bundle_open(dir, NULL, &b, NULL), 0);
    AUTO_FREE char *blob = xasprintf("%s/blobs/sha256/%s", dir, b.components[0].blob + 7);
    struct stat st;
    assert_int_equal(stat(blob, &st), 0);
    for (off_t len = st.st_size; len-- > 0;) {
        assert_int_equal(truncate(blob, len), 0);
        assert_int_equal(verify(dir), -EBADMSG);
    }
    /* As long as it was, but empty. */
    assert_int_equal(truncate(blob, st.st_size), 0);
    assert_int_equal(verify(dir), -EBADMSG);
}

static void finds_another_index_and_layout(void **state)
{
    AUTO_FREE char *dir = fixture_make(*state, "dir", &FIXTURE);
    static const char *const names[] = {"index.json", "oci-layout"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        AUTO_FREE char *path = path_join(dir, names[i]);
        STRBUF(text, 65536);
        assert_int_equal(file_read(path, &text, NULL), 0);
        for (size_t at = 0; at < text.len; at++) {
            text.data[at] ^= 1;
            assert_int_equal(file_write_atomic(path, text.data, text.len, 0644, NULL), 0);
            assert_int_equal(verify(dir), -EBADMSG);
            text.data[at] ^= 1;
        }
        assert_int_equal(unlink(path), 0);
        assert_int_equal(verify(dir), -ENOENT);
        assert_int_equal(file_write_atomic(path, text.data, text.len, 0644, NULL), 0);
    }
    assert_int_equal(verify(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(finds_flips_in_a_folder),
        cmocka_folder_test(finds_flips_in_a_file),
        cmocka_folder_test(finds_truncated_blobs),
        cmocka_folder_test(finds_another_index_and_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
