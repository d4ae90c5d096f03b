#include "agent/kubeadm.h"
#include "tests/unit/unit.h"

#define HASH_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

#define KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define EIGHT_STARS "********"

static void redacts_every_token(void **state)
{
    (void) state;
    static const char *const cases[][2] = {
        {"Using token: abcdef.0123456789abcdef", "Using token: ***********************"},
        {"[abcdef.0123456789abcdef zyxwvu.fedcba9876543210]",
         "[*********************** ***********************]"},
        /* Longer runs hide a token too. */
        {"xabcdef.0123456789abcdef", "x***********************"},
        {"abcdef.0123456789abcde", "abcdef.0123456789abcde"},
        {"ABCDEF.0123456789abcdef", "ABCDEF.0123456789abcdef"},
        {"", ""},
        {"key " KEY " used", "key " EIGHT_STARS EIGHT_STARS EIGHT_STARS EIGHT_STARS EIGHT_STARS
                                 EIGHT_STARS EIGHT_STARS EIGHT_STARS " used"},
        {HASH_A, HASH_A}, /* the CA's, which is no secret */
        {KEY "0", EIGHT_STARS EIGHT_STARS EIGHT_STARS EIGHT_STARS EIGHT_STARS EIGHT_STARS
                      EIGHT_STARS EIGHT_STARS "0"}, /* longer runs hide one too */
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *text = xstrdup(cases[i][0]);
        kubeadm_redact(text);
        assert_string_equal(text, cases[i][1]);
    }
}

static void phases_are_progress_and_hints_are_not(void **state)
{
    (void) state;
    assert_non_null(kubeadm_progress_line("[certs] Generating \"ca\" certificate and key"));
    assert_non_null(kubeadm_progress_line("[kubelet-start] Starting the kubelet"));
    static const char *const others[] = {
        "[preflight] You can also perform this action beforehand",
        "",
        "  kubeadm join 10.0.0.1:6443 --token abcdef.0123456789abcdef",
        "[certs]",
        "[certs",
        "[] ",
        "Your Kubernetes control-plane has initialized successfully!",
    };
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        assert_null(kubeadm_progress_line(others[i]));
    }
}

static void finds_the_hash_of_the_ca(void **state)
{
    (void) state;
    bool any = true;
    const char *config = "caCertHashes:\n  - \"" HASH_A "\"\n";
    assert_true(kubeadm_config_has_hash(config, HASH_A, &any));
    assert_true(any);
    assert_false(kubeadm_config_has_hash(config, HASH_B, &any));
    assert_true(any);
    assert_true(kubeadm_config_has_hash(HASH_B HASH_A, HASH_A, NULL));
    assert_false(kubeadm_config_has_hash("caCertHashes: [sha256:abc]", HASH_A, &any));
    assert_false(any);
    assert_false(kubeadm_config_has_hash("", "", &any));
    assert_false(any);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redacts_every_token),
        cmocka_unit_test(phases_are_progress_and_hints_are_not),
        cmocka_unit_test(finds_the_hash_of_the_ca),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
