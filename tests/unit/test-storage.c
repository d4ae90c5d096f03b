#include "coordinator/storage.h"
#include "tests/unit/hosts-fixture.h"

#include <string.h>

static json_t *params_of(const struct inventory *inv, const char *addon)
{
    json_t *params = json_pack("{s{}}", "values");
    storage_addon(inv, addon, "10.0.0.2", params);
    return params;
}

static const json_t *class_of(const json_t *params, const char *name)
{
    size_t i;
    json_t *class;
    json_array_foreach(json_object_get(params, "resources"), i, class)
        if (strcmp(json_get_string(json_object_get(class, "metadata"), "name", ""), name) == 0)
            return class;
    return NULL;
}

static const char *annotation(const json_t *class, const char *key)
{
    const json_t *metadata = json_object_get(class, "metadata");
    return json_get_string(json_object_get(metadata, "annotations"), key, "");
}

static bool is_default(const json_t *params, const char *name)
{
    const char *text = annotation(class_of(params, name),
                                  "storageclass.kubernetes.io/is-default-class");
    assert_true(strcmp(text, "true") == 0 || strcmp(text, "false") == 0);
    return strcmp(text, "true") == 0;
}

static const char *topology(const json_t *class)
{
    const json_t *term = json_array_get(json_object_get(class, "allowedTopologies"), 0);
    const json_t *match = json_array_get(json_object_get(term, "matchLabelExpressions"), 0);
    assert_string_equal(json_string_value(json_array_get(json_object_get(match, "values"), 0)),
                        "true");
    return json_get_string(match, "key", "");
}

static const char *path_in(const json_t *config, const char *class)
{
    const json_t *entry = json_object_get(json_object_get(config, "storageClassConfigs"), class);
    const json_t *map = json_array_get(json_object_get(entry, "nodePathMap"), 0);
    return json_string_value(json_array_get(json_object_get(map, "paths"), 0));
}

static void test_without_a_word(void **state)
{
    (void) state;
    struct inventory inv = load_hosts("hosts: [10.0.0.1, 10.0.0.2]");
    assert_true(storage_wants(&inv, "local-path"));
    assert_false(storage_wants(&inv, "openebs"));
    assert_false(storage_wants(&inv, "nfs"));
    AUTO_JSON *params = params_of(&inv, "local-path");
    assert_int_equal(json_array_size(json_object_get(params, "resources")), 1);
    assert_true(is_default(params, "local-path"));
    assert_string_equal(json_get_string(params, "default_class", ""), "local-path");
    assert_null(json_object_get(class_of(params, "local-path"), "allowedTopologies"));
    assert_string_equal(annotation(class_of(params, "local-path"), "defaultVolumeType"), "local");
    inventory_release(&inv);
}

static void test_none(void **state)
{
    (void) state;
    struct inventory inv = load_hosts("{storage: none, hosts: [10.0.0.1]}");
    assert_false(storage_wants(&inv, "none"));
    assert_false(storage_wants(&inv, "local-path"));
    assert_null(storage_default_class(&inv));
    inventory_release(&inv);
}

static void test_other_addons_are_left_alone(void **state)
{
    (void) state;
    struct inventory inv = load_hosts("hosts: [10.0.0.1]");
    AUTO_JSON *params = params_of(&inv, "flannel");
    assert_false(storage_wants(&inv, "flannel"));
    assert_null(json_object_get(params, "resources"));
    assert_null(json_object_get(params, "default_class"));
    inventory_release(&inv);
}

static void test_a_class_for_each_kind_of_disk(void **state)
{
    (void) state;
    struct inventory inv = load_hosts(
        "hosts:\n"
        "  - 10.0.0.1\n"
        "  - {address: 10.0.0.2, disks: [{serial: A, mount: /data}, {serial: B, class: ssd}]}\n"
        "  - {address: 10.0.0.3, disks: [{serial: C, class: hdd}, {serial: D, class: ssd}]}\n");
    AUTO_JSON *params = params_of(&inv, "local-path");
    assert_int_equal(json_array_size(json_object_get(params, "resources")), 3);
    assert_true(is_default(params, "ssd"));
    assert_false(is_default(params, "hdd"));
    assert_false(is_default(params, "local-path"));
    assert_string_equal(topology(class_of(params, "hdd")), "disks.bigtop.apache.org/hdd");
    const char *text = json_get_string(json_object_get(params, "values"), "local-path-config",
                                       NULL);
    AUTO_JSON *config = json_parse(text, strlen(text), "config", NULL);
    assert_string_equal(path_in(config, "local-path"), "/var/lib/bigtop-volumes");
    assert_string_equal(path_in(config, "ssd"), "/var/lib/bigtop-volumes/ssd");
    assert_string_equal(path_in(config, "hdd"), "/var/lib/bigtop-volumes/hdd");
    AUTO_JSON *labels = json_object();
    storage_labels(&inv.hosts[0], labels);
    assert_int_equal(json_object_size(labels), 0);
    storage_labels(&inv.hosts[2], labels);
    assert_int_equal(json_object_size(labels), 2);
    assert_string_equal(json_get_string(labels, "disks.bigtop.apache.org/ssd", ""), "true");
    inventory_release(&inv);
}

static void test_openebs(void **state)
{
    (void) state;
    struct inventory inv = load_hosts("{storage: [openebs, local-path], hosts: [10.0.0.1, "
                                      "{address: 10.0.0.2, disks: [{serial: B, class: ssd}]}]}");
    AUTO_JSON *params = params_of(&inv, "openebs");
    const json_t *class = class_of(params, "ssd");
    assert_string_equal(json_get_string(class, "provisioner", ""), "openebs.io/local");
    assert_string_equal(json_get_string(class, "volumeBindingMode", ""), "WaitForFirstConsumer");
    assert_string_equal(annotation(class, "cas.openebs.io/config"),
                        "[{\"name\":\"StorageType\",\"value\":\"hostpath\"},"
                        "{\"name\":\"BasePath\",\"value\":\"/var/lib/bigtop-volumes/ssd\"}]");
    assert_true(is_default(params, "ssd"));
    assert_false(is_default(params, "openebs-hostpath"));
    assert_string_equal(json_get_string(params, "default_class", ""), "ssd");
    /* The second one gets no disks, and is not the default. */
    AUTO_JSON *second = params_of(&inv, "local-path");
    assert_null(class_of(second, "ssd"));
    assert_false(is_default(second, "local-path"));
    assert_null(json_object_get(second, "default_class"));
    inventory_release(&inv);
}

static void test_nfs(void **state)
{
    (void) state;
    struct inventory inv = load_hosts(
        "storage: [nfs, local-path]\n"
        "hosts: [10.0.0.1, {address: 10.0.0.2, nfs: {export: /srv/n-1}, "
        "disks: [{serial: B, class: ssd}]}]");
    assert_int_equal(storage_nfs_server(&inv), 1);
    AUTO_JSON *params = params_of(&inv, "nfs");
    const json_t *values = json_object_get(params, "values");
    assert_string_equal(json_get_string(values, "nfs-server", ""), "10.0.0.2");
    assert_string_equal(json_get_string(values, "nfs-export", ""), "/srv/n-1");
    assert_true(is_default(params, "nfs"));
    assert_null(class_of(params, "ssd"));
    const json_t *options = json_object_get(class_of(params, "nfs"), "mountOptions");
    assert_string_equal(json_string_value(json_array_get(options, 0)), "nfsvers=4.2");
    /* The disks are of the one that can have them, and the default is NFS all the same. */
    AUTO_JSON *local = params_of(&inv, "local-path");
    assert_false(is_default(local, "ssd"));
    assert_null(json_object_get(local, "default_class"));
    inventory_release(&inv);
}

/* Neither its disks nor its export count any more. */
static void test_a_host_that_leaves(void **state)
{
    (void) state;
    struct inventory inv = load_hosts("{storage: [openebs], hosts: [10.0.0.1, {address: 10.0.0.2, "
                                      "state: absent, nfs: {export: /srv/nfs}, "
                                      "disks: [{serial: B, class: ssd}]}]}");
    assert_int_equal(storage_nfs_server(&inv), -1);
    assert_string_equal(storage_default_class(&inv), "openebs-hostpath");
    AUTO_JSON *params = params_of(&inv, "openebs");
    assert_null(class_of(params, "ssd"));
    inventory_release(&inv);
}

static void test_refusals(void **state)
{
    (void) state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"{storage: nfs, hosts: [n1]}", "1:11: storage is nfs without a server"},
        {"hosts: [{address: n1, nfs: {export: /srv/nfs}}]", "storage does not name"},
        {"{storage: nfs, hosts: [{address: n1, nfs: {export: /a}}, "
         "{address: n2, nfs: {export: /a}}]}",
         "a second NFS server beside n1"},
        {"{hosts: [{address: n1, disks: [{serial: X, class: openebs-hostpath}]}]}",
         "is the name of another storage class"},
        {"{storage: [local-path, none], hosts: [n1]}", "none stands beside others"},
        {"{storage: [nfs, nfs], hosts: [n1]}", "nfs is given twice"},
        {"{storage: [], hosts: [n1]}", "an empty list"},
        {"{storage: ceph, hosts: [n1]}", "storage is 'ceph'"},
        {"{storage: nfs, hosts: [{address: n1, nfs: {}}]}", "export is missing"},
        {"{storage: nfs, hosts: [{address: n1, nfs: {export: /srv, x: 1}}]}", "unknown key 'x'"},
        {"{storage: nfs, hosts: [{address: n1, nfs: /srv}]}", "nfs is a plain value"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct inventory inv = INVENTORY_INIT;
        struct error err = ERROR_INIT;
        assert_true(try_hosts(cases[i].text, &inv, &err) < 0);
        if (!strstr(err.text, cases[i].words))
            fail_msg("%s: %s", cases[i].text, err.text);
    }
}

static void test_exports(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "/",
        "srv",
        "/srv/",
        "/etc",
        "/etc/x",
        "/srv/../etc",
        "/srv//x",
        "/srv x",
        "/srv(rw)",
        "/srv\\\\040",
        "/srv/*",
        "/srv#",
        "/usr/share",
        "/proc",
        "/srv,x",
        "/var/lib/bigtop/x",
        "/sr\\nv",
        "/var/lib/kubelet/pods",
        "/var/lib/bigtop-volumes",
        "/var/lib/bigtop-volumes/../x",
        "/var/lib/bigtop-volumes/a b",
    };
    static const char *const good[] = {"/srv", "/srv/nfs", "/etcetera/x", "/data/a.b_c-d",
                                       "/var/lib/bigtop-volumes/ssd/nfs"};
    for (size_t i = 0; i < ARRAY_SIZE(bad) + ARRAY_SIZE(good); i++) {
        bool fine = i >= ARRAY_SIZE(bad);
        const char *path = fine ? good[i - ARRAY_SIZE(bad)] : bad[i];
        AUTO_FREE char *text =
            xasprintf("{storage: nfs, hosts: [{address: n1, nfs: {export: \"%s\"}}]}", path);
        struct inventory inv = INVENTORY_INIT;
        int r = try_hosts(text, &inv, NULL);
        if ((r == 0) != fine)
            fail_msg("%s: %d", path, r);
        inventory_release(&inv);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_word),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_other_addons_are_left_alone),
        cmocka_unit_test(test_a_class_for_each_kind_of_disk),
        cmocka_unit_test(test_openebs),
        cmocka_unit_test(test_nfs),
        cmocka_unit_test(test_a_host_that_leaves),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_exports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
