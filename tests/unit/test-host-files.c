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

static const char *content(const struct host_files *files, const char *path)
{
    for (size_t i = 0; i < files->count; i++) {
        if (strcmp(files->items[i].path, path) == 0) {
            assert_int_equal(files->items[i].mode, 0644);
            return files->items[i].content;
        }
    }
    return NULL;
}

static const char *need(const struct host_files *files, const char *path)
{
    const char *text = content(files, path);
    if (!text) {
        fail_msg("%s is not there", path);
    }
    return text;
}

static void test_host(void **state)
{
    (void) state;
    AUTO_HOST_FILES files = HOST_FILES_INIT;
    assert_int_equal(kubeadm_host_files(&files, NULL), 0);
    assert_int_equal(files.count, 2);
    assert_golden(DATA "sysctl.conf", need(&files, "/etc/sysctl.d/90-bigtop.conf"));
    assert_golden(DATA "modules.conf", need(&files, "/etc/modules-load.d/bigtop.conf"));
}

static void test_runtime(void **state)
{
    (void) state;
    struct cluster_config c = fixture_cluster();
    struct node_config n = fixture_node();
    AUTO_HOST_FILES files = HOST_FILES_INIT;
    assert_int_equal(kubeadm_runtime_files(&c, &n, &files, NULL), 0);
    assert_golden(DATA "containerd.toml", need(&files, "/etc/containerd/config.toml"));
    assert_golden(DATA "containerd.service",
                  need(&files, "/etc/systemd/system/containerd.service"));
    assert_golden(DATA "crictl.yaml", need(&files, "/etc/crictl.yaml"));
}

/* A container on a machine with cgroup v1: what the lab's hosts are. */
static void test_runtime_of_a_container(void **state)
{
    (void) state;
    struct cluster_config c = fixture_cluster();
    struct node_config n = fixture_node();
    n.cgroup_version = 1;
    n.can_set_oom = false;
    AUTO_HOST_FILES files = HOST_FILES_INIT;
    assert_int_equal(kubeadm_runtime_files(&c, &n, &files, NULL), 0);
    assert_golden(DATA "containerd-container.toml", need(&files, "/etc/containerd/config.toml"));
}

static void test_kubelet(void **state)
{
    (void) state;
    struct cluster_config c = fixture_cluster();
    struct node_config n = fixture_node();
    AUTO_HOST_FILES files = HOST_FILES_INIT;
    assert_int_equal(kubeadm_kubelet_files(&c, &n, &files, NULL), 0);
    assert_golden(DATA "kubelet-patch.yaml",
                  need(&files, KUBEADM_PATCH_DIR "/kubeletconfiguration+merge.yaml"));
    assert_golden(DATA "kubelet.service", need(&files, "/etc/systemd/system/kubelet.service"));
    assert_golden(DATA "10-kubeadm.conf",
                  need(&files, "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf"));
    assert_null(content(&files, KUBEADM_RESOLV_CONF));
}

static void test_kubelet_on_cgroup_v1(void **state)
{
    (void) state;
    struct cluster_config c = fixture_cluster();
    struct node_config n = fixture_node();
    n.cgroup_version = 1;
    n.swap_kept = true;
    AUTO_HOST_FILES old = HOST_FILES_INIT, new = HOST_FILES_INIT;
    assert_int_equal(kubeadm_kubelet_files(&c, &n, &old, NULL), 0);
    const char *patch = need(&old, KUBEADM_PATCH_DIR "/kubeletconfiguration+merge.yaml");
    assert_non_null(strstr(patch, "cgroupDriver: \"cgroupfs\"\n"));
    assert_non_null(strstr(patch, "failSwapOn: false\n"));
    assert_null(strstr(patch, "failCgroupV1"));
    c.kubernetes_version = "v1.35.0";
    assert_int_equal(kubeadm_kubelet_files(&c, &n, &new, NULL), 0);
    assert_golden(DATA "kubelet-patch-v1.yaml",
                  need(&new, KUBEADM_PATCH_DIR "/kubeletconfiguration+merge.yaml"));
}

/* Before kubelet starts, at every boot. */
static void test_kubelet_without_a_default_route(void **state)
{
    (void) state;
    struct cluster_config c = fixture_cluster();
    struct node_config n = fixture_node();
    const char *path = "/etc/systemd/system/kubelet.service.d/20-services.conf";
    AUTO_HOST_FILES with = HOST_FILES_INIT, without = HOST_FILES_INIT;
    assert_int_equal(kubeadm_kubelet_files(&c, &n, &with, NULL), 0);
    assert_null(content(&with, path));
    n.no_default_route = true;
    assert_int_equal(kubeadm_kubelet_files(&c, &n, &without, NULL), 0);
    AUTO_FREE char *route = xasprintf("ip route replace %s dev bigtop-svc src %s\n", c.service_cidr,
                                      n.node_ip);
    assert_non_null(strstr(need(&without, path), route));
    assert_non_null(strstr(need(&without, path), "route replace 169.254.1.1/32 dev bigtop-svc\n"));
}

static void test_kubelet_without_name_servers(void **state)
{
    (void) state;
    struct cluster_config c = fixture_cluster();
    struct node_config n = fixture_node();
    n.resolv_conf = NULL;
    AUTO_HOST_FILES files = HOST_FILES_INIT;
    assert_int_equal(kubeadm_kubelet_files(&c, &n, &files, NULL), 0);
    assert_string_equal(need(&files, KUBEADM_RESOLV_CONF), "nameserver 10.77.0.11\n");
    assert_non_null(strstr(need(&files, KUBEADM_PATCH_DIR "/kubeletconfiguration+merge.yaml"),
                           "resolvConf: \"" KUBEADM_RESOLV_CONF "\"\n"));
}

static void test_bad_values_leave_the_output_alone(void **state)
{
    (void) state;
    struct cluster_config c = fixture_cluster();
    struct node_config n = fixture_node();
    AUTO_HOST_FILES files = HOST_FILES_INIT;
    c.pause_image = "pause\"\n[plugins.evil]";
    assert_int_equal(kubeadm_runtime_files(&c, &n, &files, NULL), -EINVAL);
    c = fixture_cluster();
    n.node_ip = "10.77.0.11\nnameserver 192.0.2.1";
    assert_int_equal(kubeadm_kubelet_files(&c, &n, &files, NULL), -EINVAL);
    assert_int_equal(files.count, 0);
}

/* kubelet and kube-proxy would write these behind the ledger's back. */
static void test_sysctls_are_complete(void **state)
{
    (void) state;
    static const char *const written[] = {
        "vm.overcommit_memory", "vm.panic_on_oom",          "kernel.panic",
        "kernel.panic_on_oops", "kernel.keys.root_maxkeys", "kernel.keys.root_maxbytes",
        "net.ipv4.ip_forward",
    };
    for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
        const struct kubeadm_sysctl *s = kubeadm_sysctls;
        while (s->key && strcmp(s->key, written[i]) != 0) {
            s++;
        }
        assert_non_null(s->key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host),
        cmocka_unit_test(test_runtime),
        cmocka_unit_test(test_runtime_of_a_container),
        cmocka_unit_test(test_kubelet),
        cmocka_unit_test(test_kubelet_on_cgroup_v1),
        cmocka_unit_test(test_kubelet_without_a_default_route),
        cmocka_unit_test(test_kubelet_without_name_servers),
        cmocka_unit_test(test_bad_values_leave_the_output_alone),
        cmocka_unit_test(test_sysctls_are_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
