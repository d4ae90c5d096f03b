#include "kubeadm/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 2000

static void test_valid(void **state)
{
    (void) state;
    assert_true(kubeadm_token_valid("abcdef.0123456789abcdef"));
    assert_true(kubeadm_token_valid("000000.zzzzzzzzzzzzzzzz"));
}

static void test_refuses(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "",
        ".",
        "abcdef0123456789abcdef",
        "abcdef.0123456789abcde",
        "abcdef.0123456789abcdef0",
        "abcde.00123456789abcdef",
        "abcdefg.123456789abcdef",
        "Abcdef.0123456789abcdef",
        "abcdef.0123456789abcdeF",
        "abcdef.0123456789abcde\n",
        "abcdef.0123456789abcdef\n",
        "abcde\n.0123456789abcdef",
        "abcdef:0123456789abcdef",
        "abcdef.01234567.9abcdef",
        "abcdef.0123456789abcde\"",
        " abcdef.0123456789abcdef",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(kubeadm_token_valid(bad[i]));
    }
}

/* With 2000 tokens of 22 characters each letter is expected 1222 times; 800 is twelve sigma away.
 */
static void test_new(void **state)
{
    (void) state;
    unsigned seen[256] = {0};
    char token[KUBEADM_TOKEN_LEN + 1], former[KUBEADM_TOKEN_LEN + 1] = "";
    for (int i = 0; i < ROUNDS; i++) {
        kubeadm_token_new(token);
        assert_true(kubeadm_token_valid(token));
        assert_string_not_equal(token, former);
        memcpy(former, token, sizeof(token));
        for (const char *c = token; *c; c++) {
            seen[(unsigned char) *c]++;
        }
    }
    for (const char *c = "abcdefghijklmnopqrstuvwxyz0123456789"; *c; c++) {
        assert_in_range(seen[(unsigned char) *c], 800, 1700);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
