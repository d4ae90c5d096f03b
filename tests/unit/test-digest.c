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

static void a_uuid_says_that_it_is_random(void **state)
{
    (void) state;
    char a[UUID_SIZE], b[UUID_SIZE];
    random_uuid(a);
    random_uuid(b);
    assert_string_not_equal(a, b);
    assert_int_equal(strlen(a), UUID_SIZE - 1);
    assert_int_equal(strspn(a, "0123456789abcdef-"), UUID_SIZE - 1);
    assert_true(a[8] == '-' && a[13] == '-' && a[18] == '-' && a[23] == '-');
    assert_true(a[14] == '4' && a[19] == 'a');
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

static void refuses_what_is_no_certificate(void **state)
{
    (void) state;
    char out[DIGEST_SIZE];
    struct error err = ERROR_INIT;
    assert_int_equal(digest_cert_spki("", 0, out, &err), -EINVAL);
    assert_int_equal(digest_cert_spki("nonsense", 8, out, &err), -EINVAL);
    assert_int_equal(digest_cert_spki(certificate, sizeof(certificate) / 2, out, &err), -EINVAL);
}

static void from_hex(const char *hex, unsigned char *out)
{
    for (size_t i = 0; hex[2 * i]; i++) {
        const char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        out[i] = (unsigned char) strtoul(pair, NULL, 16);
    }
}

/* RFC 7693, appendix A. */
static void hashes_with_blake2b(void **state)
{
    (void) state;
    unsigned char expected[BLAKE2B_LEN], out[BLAKE2B_LEN];
    from_hex("ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
             "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
             expected);
    blake2b("abc", 3, out);
    assert_memory_equal(out, expected, sizeof(out));
}

/* RFC 8032, 7.1, test 3. */
static void signs_and_verifies(void **state)
{
    (void) state;
    unsigned char seed[ED25519_SEED_LEN], public_key[ED25519_PUBLIC_LEN],
        expected[ED25519_SIGNATURE_LEN], out[ED25519_SIGNATURE_LEN];
    from_hex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", seed);
    ed25519_public(seed, public_key);
    from_hex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", expected);
    assert_memory_equal(public_key, expected, sizeof(public_key));
    from_hex("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
             "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
             expected);
    ed25519_sign(seed, "\xaf\x82", 2, out);
    assert_memory_equal(out, expected, sizeof(out));
    assert_true(ed25519_verify(public_key, "\xaf\x82", 2, out));
    assert_false(ed25519_verify(public_key, "\xaf\x83", 2, out));
    assert_false(ed25519_verify(public_key, "\xaf\x82", 1, out));
    for (size_t i = 0; i < 8 * sizeof(out); i++) {
        out[i / 8] ^= (unsigned char) (1 << i % 8);
        assert_false(ed25519_verify(public_key, "\xaf\x82", 2, out));
        out[i / 8] ^= (unsigned char) (1 << i % 8);
    }
}

/* RFC 7914, 12. */
static void makes_a_key_from_a_password(void **state)
{
    (void) state;
    unsigned char expected[64], out[64];
    const struct scrypt_cost cost = {.n = 1024, .r = 8, .p = 16};
    from_hex("fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
             "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640",
             expected);
    assert_int_equal(scrypt("password", 8, "NaCl", 4, &cost, out, sizeof(out)), 0);
    assert_memory_equal(out, expected, sizeof(out));
}

static void refuses_impossible_costs(void **state)
{
    (void) state;
    static const struct {
        struct scrypt_cost cost;
        int code;
    } cases[] = {
        {{0, 8, 1}, -EINVAL},
        {{1, 8, 1}, -EINVAL},
        {{1000, 8, 1}, -EINVAL},
        {{1024, 0, 1}, -EINVAL},
        {{1024, 8, 0}, -EINVAL},
        {{1ULL << 21, 8, 1}, -E2BIG},
        {{1ULL << 63, 8, 1}, -E2BIG},
        {{1024, 1ULL << 60, 1}, -E2BIG},
        {{1024, 8, 1ULL << 60}, -E2BIG},
    };
    unsigned char out[32];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(scrypt("p", 1, "s", 1, &cases[i].cost, out, sizeof(out)), cases[i].code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_known_vectors),
        cmocka_folder_test(hashes_files),
        cmocka_unit_test(accepts_one_form_only),
        cmocka_unit_test(a_uuid_says_that_it_is_random),
        cmocka_unit_test(random_is_not_the_same_twice),
        cmocka_unit_test(hashes_with_blake2b),
        cmocka_unit_test(signs_and_verifies),
        cmocka_unit_test(makes_a_key_from_a_password),
        cmocka_unit_test(refuses_impossible_costs),
        cmocka_unit_test(reads_the_public_key_of_a_certificate),
        cmocka_unit_test(refuses_what_is_no_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
