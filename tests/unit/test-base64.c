#include "lib/base64.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* RFC 4648, section 10 */
static const struct {
    const char *plain, *padded, *bare;
} vectors[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
};

static void test_vectors(void **state)
{
    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
        STRBUF(padded, 64);
        STRBUF(bare, 64);
        STRBUF(back, 64);
        base64_encode(&padded, vectors[i].plain, strlen(vectors[i].plain), true);
        base64_encode(&bare, vectors[i].plain, strlen(vectors[i].plain), false);
        assert_string_equal(padded.data, vectors[i].padded);
        assert_string_equal(bare.data, vectors[i].bare);
        assert_int_equal(base64_decode(&back, padded.data, padded.len), 0);
        assert_string_equal(back.data, vectors[i].plain);
    }
}

static void test_all_bytes(void **state)
{
    unsigned char all[256];
    STRBUF(text, 1024);
    STRBUF(back, 1024);

    (void) state;
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (unsigned char) i;
    base64_encode(&text, all, sizeof(all), true);
    assert_int_equal(base64_decode(&back, text.data, text.len), 0);
    assert_int_equal(back.len, sizeof(all));
    assert_memory_equal(back.data, all, sizeof(all));
}

static void test_refused(void **state)
{
    static const char *const bad[] = {"Zg",   "Zg=",  "Z===", "====", "Zg==Zg==", "Zm9v\n",
                                      "Zm 9", "Zm9-", "Zh==", "Zm9=", "Z=9v"};

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        STRBUF(out, 64);
        assert_int_equal(base64_decode(&out, bad[i], strlen(bad[i])), -EINVAL);
    }
    STRBUF(nul, 64);
    assert_int_equal(base64_decode(&nul, "Zm\0v", 4), -EINVAL);
    STRBUF(small, 2);
    assert_int_equal(base64_decode(&small, "Zm9v", 4), -E2BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_all_bytes),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
