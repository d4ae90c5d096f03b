#include "lib/digest.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>

/* Made with openssl req; the expected values come from the openssl command. */
static const char certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBgDCCASWgAwIBAgIUQtJXAy7uADmQfhrrsLYaaXzcJTowCgYIKoZIzj0EAwIw\n"
    "FTETMBEGA1UEAwwKa3ViZXJuZXRlczAeFw0yNjExMjExODQ1MzBaFw0zNjExMTgx\n"
    "ODQ1MzBaMBUxEzARBgNVBAMMCmt1YmVybmV0ZXMwWTATBgcqhkjOPQIBBggqhkjO\n"
    "PQMBBwNCAAQA/ErCxYiED9qU5lJiJX10BKlRVhko0x/zkghOafn9sS4Zbj4JazLJ\n"
    "7EBV2/KhLlx6E6RLAe8zvAmB3MAu300lo1MwUTAdBgNVHQ4EFgQUNnwYdX55fzIb\n"
    "YLhzVBMRZbTIupswHwYDVR0jBBgwFoAUNnwYdX55fzIbYLhzVBMRZbTIupswDwYD\n"
    "VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEA7yWrm1gABr3NxhWN4tW8\n"
    "w6fYB0oFc75NwDsXhr4SAasCIQDyUr34yT0Ld/HaBbIT+orV+T0oR2ESB1fu3qBe\n"
    "ZSOHvw==\n"
    "-----END CERTIFICATE-----\n";

/* FIPS 180-4 examples. */
#define EMPTY "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void hashes_known_vectors(void **state)
{
    (void) state;
    char out[DIGEST_SIZE];
    digest_buffer("", 0, out);
    assert_string_equal(out, EMPTY);
    digest_buffer("abc", 3, out);
    assert_string_equal(out, ABC);
    struct sha256 *h = sha256_new();
    sha256_update(h, "a", 1);
    sha256_update(h, "", 0);
    sha256_update(h, "bc", 2);
    sha256_finish(h, out);
    assert_string_equal(out, ABC);
}

static void hashes_files(void **state)
{
    AUTO_FREE char *path = path_join(*state, "f");
    size_t len = 300001;
    AUTO_FREE char *data = xcalloc(len, 1);
    memset(data, 'q', len);
    char whole[DIGEST_SIZE], out[DIGEST_SIZE];
    uint64_t size = 0;
    struct error err = ERROR_INIT;
    digest_buffer(data, len, whole);
    assert_int_equal(file_write_atomic(path, data, len, 0600, NULL), 0);
    assert_int_equal(digest_file(path, out, &size, &err), 0);
    assert_string_equal(out, whole);
    assert_int_equal(size, len);
    assert_int_equal(digest_file("/nonexistent", out, NULL, &err), -ENOENT);
    assert_int_equal(digest_file("/", out, NULL, &err), -EISDIR);
}

static void accepts_one_form_only(void **state)
{
    (void) state;
    assert_true(digest_is_valid(ABC));
    assert_false(digest_is_valid(""));
    assert_false(digest_is_valid("sha256:"));
    assert_false(digest_is_valid(ABC "0"));
    assert_false(digest_is_valid(ABC "\n"));
    assert_false(digest_is_valid(&ABC[7]));
    assert_false(
        digest_is_valid("SHA256:"
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    assert_false(
        digest_is_valid("sha256:BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    assert_false(
        digest_is_valid("sha256:../816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    assert_false(
        digest_is_valid("sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
}

static void random_is_not_the_same_twice(void **state)
{
    (void) state;
    char a[100], b[100];
    random_hex(a, 99);
    random_hex(b, 99);
    assert_int_equal(strlen(a), 99);
    assert_int_equal(strspn(a, "0123456789abcdef"), 99);
    assert_string_not_equal(a, b);
    random_hex(a, 0);
    assert_string_equal(a, "");
}

static void reads_the_public_key_of_a_certificate(void **state)
{
    (void) state;
    char out[DIGEST_SIZE];
    struct error err = ERROR_INIT;
    assert_int_equal(digest_cert_spki(certificate, sizeof(certificate) - 1, out, &err), 0);
    assert_string_equal(out,
                        "sha256:3b556327bf2dc8590eed5673a1df557f8eb0e662a028bcae5448a26f504d0ab0");
}

static void reads_the_expiry_of_a_certificate(void **state)
{
    (void) state;
    int64_t not_after = 0;
    struct error err = ERROR_INIT;
    assert_int_equal(digest_cert_expiry(certificate, sizeof(certificate) - 1, &not_after, &err), 0);
    assert_int_equal(not_after, 2110646730);
}

static void refuses_what_is_no_certificate(void **state)
{
    (void) state;
    char out[DIGEST_SIZE];
    int64_t not_after;
    struct error err = ERROR_INIT;
    assert_int_equal(digest_cert_spki("", 0, out, &err), -EINVAL);
    assert_int_equal(digest_cert_spki("nonsense", 8, out, &err), -EINVAL);
    assert_int_equal(digest_cert_spki(certificate, sizeof(certificate) / 2, out, &err), -EINVAL);
    assert_int_equal(digest_cert_expiry("nonsense", 8, &not_after, &err), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_known_vectors),
        cmocka_folder_test(hashes_files),
        cmocka_unit_test(accepts_one_form_only),
        cmocka_unit_test(random_is_not_the_same_twice),
        cmocka_unit_test(reads_the_public_key_of_a_certificate),
        cmocka_unit_test(reads_the_expiry_of_a_certificate),
        cmocka_unit_test(refuses_what_is_no_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
