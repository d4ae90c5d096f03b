#include "agent/pod-network.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

static void put(const char *dir, const char *name, const char *text)
{
    AUTO_FREE char *path = path_join(dir, name);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, NULL), 0);
}

static void assert_name(const char *dir, const char *name)
{
    AUTO_JSON *found = pod_network_name(dir);
    if (!name)
        assert_true(json_is_null(found));
    else
        assert_string_equal(json_string_value(found), name);
}

static void the_first_configuration_counts(void **state)
{
    assert_name("/nowhere/at/all", NULL);
    assert_name(*state, NULL);
    put(*state, "calico-kubeconfig", "");
    put(*state, ".10-a.conflist", "");
    put(*state, ".conflist", "");
    assert_name(*state, NULL);
    put(*state, "20-flannel.conflist", "");
    assert_name(*state, "flannel");
    put(*state, "10-canal.conflist", "");
    assert_name(*state, "canal");
    put(*state, "1-.conflist", "");
    assert_name(*state, "");
    put(*state, "05.conflist", "");
    assert_name(*state, "05");
}

static void assert_cidr(const char *dir, const char *text, const char *cidr)
{
    AUTO_FREE char *path = path_join(dir, "manifest.yaml");
    put(dir, "manifest.yaml", text);
    AUTO_JSON *found = pod_network_cidr(path);
    if (!cidr)
        assert_true(json_is_null(found));
    else
        assert_string_equal(json_string_value(found), cidr);
}

static void reads_the_pods_addresses(void **state)
{
    AUTO_JSON *none = pod_network_cidr("/nowhere/at/all");
    assert_true(json_is_null(none));
    assert_cidr(*state, "", NULL);
    assert_cidr(*state, "    - --bind-address=127.0.0.1\n", NULL);
    assert_cidr(*state, "    - --cluster-cidr=10.244.0.0/16\n    - --cluster-name=x\n",
                "10.244.0.0/16");
    assert_cidr(*state, "    - \"--cluster-cidr=10.1.0.0/16,fd00::/64\"\n",
                "10.1.0.0/16,fd00::/64");
    assert_cidr(*state, "    - --cluster-cidr=", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(the_first_configuration_counts),
        cmocka_folder_test(reads_the_pods_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
