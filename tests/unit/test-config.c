#include "kubeadm/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/kubeadm-fixture.h"

#define DATA "tests/data/kubeadm/"

static char *render_init(const struct cluster_config *c, const struct node_config *n)
{
    char *text = NULL;
    struct error err = ERROR_INIT;
    if (kubeadm_render_init(c, n, FIXTURE_TOKEN, &text, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return text;
}

static char *render_join(const struct cluster_config *c, const struct node_config *n)
{
    char *text = NULL;
    struct error err = ERROR_INIT;
    const char *key = n->control_plane ? FIXTURE_CERTIFICATE_KEY : NULL;
    if (kubeadm_render_join(c, n, FIXTURE_TOKEN, FIXTURE_CA_HASH, key, &text, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return text;
}

static void test_init(void **state)
{
    (void) state;
    struct cluster_config c = fixture_cluster();
    struct node_config n = fixture_node();
    AUTO_FREE char *text = render_init(&c, &n);
    assert_golden(DATA "init.yaml", text);
}

/* Every optional value set, and a control plane that takes pods. */
static void test_init_full(void **state)
{
    (void) state;
    static const char *const sans[] = {"api.example.org", "192.0.2.7", NULL};
    static const char *const taints[] = {"dedicated=spark:NoSchedule", "slow:PreferNoSchedule",
                                         NULL};
    struct cluster_config c = fixture_cluster();
    c.endpoint = "api.example.org:8443";
    c.image_repository = "registry.example.org:5000/k8s";
    c.etcd_tag = "3.6.5-0";
    c.coredns_tag = "v1.12.1";
    c.cert_sans = sans;
    struct node_config n = fixture_node();
    n.worker = true;
    n.taints = taints;
    AUTO_FREE char *text = render_init(&c, &n);
    assert_golden(DATA "init-full.yaml", text);
}

static void test_join(void **state)
{
    (void) state;
    static const char *const taints[] = {"example.org/gpu=true:NoExecute", NULL};
    struct cluster_config c = fixture_cluster();
    struct node_config n = fixture_node();
    n.name = "n2";
    n.node_ip = "10.77.0.12";
    n.control_plane = false;
    n.worker = true;
    AUTO_FREE char *plain = render_join(&c, &n);
    assert_golden(DATA "join.yaml", plain);
    n.taints = taints;
    AUTO_FREE char *tainted = render_join(&c, &n);
    assert_golden(DATA "join-taints.yaml", tainted);
}

static void test_join_always_verifies_the_ca(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "",
        "sha256:",
        "sha256:00",
        "md5:e3b0c442",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
        FIXTURE_CA_HASH "\n",
        FIXTURE_CA_HASH "0",
    };
    struct cluster_config c = fixture_cluster();
    struct node_config n = fixture_node();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char *text = NULL;
        assert_int_equal(kubeadm_render_join(&c, &n, FIXTURE_TOKEN, bad[i], FIXTURE_CERTIFICATE_KEY,
                                             &text, NULL),
                         -EINVAL);
        assert_null(text);
    }
    char *none = NULL;
    const char *key = FIXTURE_CERTIFICATE_KEY;
    assert_int_equal(kubeadm_render_join(&c, &n, FIXTURE_TOKEN, NULL, key, &none, NULL), -EINVAL);
    assert_int_equal(kubeadm_render_join(&c, &n, NULL, FIXTURE_CA_HASH, key, &none, NULL), -EINVAL);
    assert_null(none);
    AUTO_FREE char *text = render_join(&c, &n);
    assert_non_null(strstr(text, FIXTURE_CA_HASH));
    assert_null(strstr(text, "unsafeSkip"));
}

static void test_bad_token_is_not_shown(void **state)
{
    (void) state;
    struct cluster_config c = fixture_cluster();
    struct node_config n = fixture_node();
    struct error err = ERROR_INIT;
    char *text = NULL;
    assert_int_equal(kubeadm_render_init(&c, &n, "abcdef.0123456789ABCDEF", &text, &err), -EINVAL);
    assert_null(text);
    assert_null(strstr(err.text, "0123456789"));
    assert_int_equal(
        kubeadm_render_join(&c, &n, "x", FIXTURE_CA_HASH, FIXTURE_CERTIFICATE_KEY, &text, &err),
        -EINVAL);
    assert_null(text);
}

static void test_join_of_a_control_plane(void **state)
{
    (void) state;
    struct cluster_config c = fixture_cluster();
    c.endpoint = "127.0.0.1:7443";
    c.discovery = "10.77.0.11:6443";
    struct node_config n = fixture_node();
    n.name = "n2";
    n.node_ip = "10.77.0.12";
    AUTO_FREE char *text = render_join(&c, &n);
    assert_golden(DATA "join-control-plane.yaml", text);
}

static void test_certs(void **state)
{
    (void) state;
    struct cluster_config c = fixture_cluster();
    struct node_config n = fixture_node();
    struct error err = ERROR_INIT;
    char *text = NULL;
    if (kubeadm_render_certs(&c, &n, FIXTURE_CERTIFICATE_KEY, &text, &err) < 0)
        fail_msg("%s", err.text);
    assert_golden(DATA "certs.yaml", text);
    free(text);
}

/* A worker never gets it, a control plane never joins without, and no error shows it. */
static void test_who_gets_the_certificate_key(void **state)
{
    (void) state;
    static const char *const bad[] = {NULL, "", "00", FIXTURE_CERTIFICATE_KEY "0",
                                      "G123456789abcdef0123456789abcdef"
                                      "0123456789abcdef0123456789abcdef"};
    struct cluster_config c = fixture_cluster();
    struct node_config n = fixture_node(), worker = fixture_node();
    char *text = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct error err = ERROR_INIT;
        assert_int_equal(
            kubeadm_render_join(&c, &n, FIXTURE_TOKEN, FIXTURE_CA_HASH, bad[i], &text, &err),
            -EINVAL);
        assert_string_equal(err.text, "the certificate key is malformed");
        assert_int_equal(kubeadm_render_certs(&c, &n, bad[i], &text, &err), -EINVAL);
    }
    worker.control_plane = false;
    struct error err = ERROR_INIT;
    assert_int_equal(kubeadm_render_join(&c, &worker, FIXTURE_TOKEN, FIXTURE_CA_HASH,
                                         FIXTURE_CERTIFICATE_KEY, &text, &err),
                     -EINVAL);
    assert_null(strstr(err.text, "0123456789abcdef"));
    assert_null(text);
}

static void test_too_large(void **state)
{
    (void) state;
    static const char *sans[1001];
    for (size_t i = 0; i < 1000; i++) {
        sans[i] = "a-rather-long-name-of-an-api-server-in-some-department.example.org";
    }
    struct cluster_config c = fixture_cluster();
    c.cert_sans = sans;
    struct node_config n = fixture_node();
    char *text = NULL;
    assert_int_equal(kubeadm_render_init(&c, &n, FIXTURE_TOKEN, &text, NULL), -E2BIG);
    assert_null(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_init_full),
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_join_always_verifies_the_ca),
        cmocka_unit_test(test_bad_token_is_not_shown),
        cmocka_unit_test(test_join_of_a_control_plane),
        cmocka_unit_test(test_certs),
        cmocka_unit_test(test_who_gets_the_certificate_key),
        cmocka_unit_test(test_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
