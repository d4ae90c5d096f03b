#include "kubeadm/validate.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/kubeadm-fixture.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Each would be a new key, an option, or nonsense; every one is named in the error. */
static const char *const hostile[] = {
    "",       "a b",  "a\nevil: true", "-lead", "$(reboot)", "`id`", "a;b",
    "../etc", "a\"b", "a\\b",          "a'b",   "\xff",      "#",    "a:b:c",
};

static void assert_cluster_refused(const struct cluster_config *c, const char *what)
{
    struct error err = ERROR_INIT;
    if (kubeadm_validate_cluster(c, &err) != -EINVAL) {
        fail_msg("a hostile %s was accepted", what);
    }
    assert_non_null(strstr(err.text, what));
}

static void assert_node_refused(const struct node_config *n, const char *what)
{
    struct error err = ERROR_INIT;
    if (kubeadm_validate_node(n, &err) != -EINVAL) {
        fail_msg("a hostile %s was accepted", what);
    }
    assert_non_null(strstr(err.text, what));
}

static void test_good(void **state)
{
    (void) state;
    struct cluster_config c = fixture_cluster();
    struct node_config n = fixture_node();
    assert_int_equal(kubeadm_validate_cluster(&c, NULL), 0);
    assert_int_equal(kubeadm_validate_node(&n, NULL), 0);
    n.resolv_conf = NULL;
    assert_int_equal(kubeadm_validate_node(&n, NULL), 0);
}

#define SPOIL_CLUSTER(field, what) \
    do { \
        for (size_t i_ = 0; i_ < COUNT(hostile); i_++) { \
            struct cluster_config c_ = fixture_cluster(); \
            c_.field = hostile[i_]; \
            assert_cluster_refused(&c_, what); \
        } \
    } while (0)

static void test_cluster(void **state)
{
    (void) state;
    SPOIL_CLUSTER(name, "cluster name");
    SPOIL_CLUSTER(kubernetes_version, "version");
    SPOIL_CLUSTER(endpoint, "endpoint");
    SPOIL_CLUSTER(pod_cidr, "pod CIDR");
    SPOIL_CLUSTER(service_cidr, "service CIDR");
    SPOIL_CLUSTER(dns_domain, "DNS domain");
    SPOIL_CLUSTER(image_repository, "image repository");
    SPOIL_CLUSTER(etcd_tag, "etcd tag");
    SPOIL_CLUSTER(coredns_tag, "CoreDNS tag");
    SPOIL_CLUSTER(pause_image, "pause image");
}

static void test_missing(void **state)
{
    (void) state;
    struct cluster_config c = {0};
    struct node_config n = {0};
    assert_cluster_refused(&c, "cluster name");
    assert_node_refused(&n, "node name");
}

static void test_endpoint(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "10.77.0.11",       "10.77.0.11:",      ":6443",    "10.77.0.11:0",     "10.77.0.11:65536",
        "10.77.0.11:6443x", "10.77.0.11:+6443", "a:b:6443", "10.77.0.11: 6443", "h:123456"};
    static const char *const good[] = {"10.77.0.11:6443", "api.example.org:443", "h:65535"};
    struct cluster_config c = fixture_cluster();
    for (size_t i = 0; i < COUNT(bad); i++) {
        c.endpoint = bad[i];
        assert_cluster_refused(&c, "endpoint");
    }
    for (size_t i = 0; i < COUNT(good); i++) {
        c.endpoint = good[i];
        assert_int_equal(kubeadm_validate_cluster(&c, NULL), 0);
    }
}

static void test_cert_sans(void **state)
{
    (void) state;
    for (size_t i = 0; i < COUNT(hostile); i++) {
        const char *sans[] = {"good.example.org", hostile[i], NULL};
        struct cluster_config c = fixture_cluster();
        c.cert_sans = sans;
        assert_cluster_refused(&c, "certificate name");
    }
}

static void test_node(void **state)
{
    (void) state;
    for (size_t i = 0; i < COUNT(hostile); i++) {
        struct node_config n = fixture_node();
        n.name = hostile[i];
        assert_node_refused(&n, "node name");
        n = fixture_node();
        n.node_ip = hostile[i];
        assert_node_refused(&n, "node address");
        const char *taints[] = {"a=b:NoSchedule", hostile[i], NULL};
        n = fixture_node();
        n.taints = taints;
        assert_node_refused(&n, "taint");
    }
    static const char *const paths[] = {"", "etc/resolv.conf", "/etc/../x", "/etc/a\nb"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct node_config n = fixture_node();
        n.resolv_conf = paths[i];
        assert_node_refused(&n, "resolv.conf");
    }
    struct node_config n = fixture_node();
    n.cgroup_version = 0;
    assert_node_refused(&n, "cgroup");
    n.cgroup_version = 3;
    assert_node_refused(&n, "cgroup");
}

static void test_taints(void **state)
{
    (void) state;
    struct kube_taint t;
    assert_true(kubeadm_taint_parse("dedicated=spark:NoSchedule", &t));
    assert_string_equal(t.key, "dedicated");
    assert_string_equal(t.value, "spark");
    assert_string_equal(t.effect, "NoSchedule");
    assert_true(kubeadm_taint_parse("example.org/gpu:NoExecute", &t));
    assert_string_equal(t.key, "example.org/gpu");
    assert_string_equal(t.value, "");
    assert_true(kubeadm_taint_parse("slow=:PreferNoSchedule", &t));
    assert_string_equal(t.value, "");
    static const char *const bad[] = {
        "a",
        "a=b",
        "a=b:",
        "a=b:noschedule",
        "=b:NoSchedule",
        ":NoSchedule",
        "a=b=c:NoSchedule",
        "a:b:NoSchedule",
        "a=b c:NoSchedule",
        "a=b:NoSchedule ",
        "a\n=b:NoSchedule",
        ("a=0123456789012345678901234567890123456789012345678901234567"
         "890123456:NoSchedule")};
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (kubeadm_taint_parse(bad[i], &t)) {
            fail_msg("taint \"%s\" was accepted", bad[i]);
        }
        assert_string_equal(t.key, "slow"); /* untouched */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),      cmocka_unit_test(test_cluster),
        cmocka_unit_test(test_missing),   cmocka_unit_test(test_endpoint),
        cmocka_unit_test(test_cert_sans), cmocka_unit_test(test_node),
        cmocka_unit_test(test_taints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
