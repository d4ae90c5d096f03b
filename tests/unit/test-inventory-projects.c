#include "coordinator/inventory-keys.h"
#include "coordinator/inventory.h"
#include "tests/unit/hosts-fixture.h"

#include <errno.h>

static int load(const char *projects, struct inventory *inv, struct error *err)
{
    AUTO_FREE char *text = xasprintf("hosts: [10.0.0.11]\nprojects: %s\n", projects);
    return try_hosts(text, inv, err);
}

static void test_accepted(void **state)
{
    (void) state;
    CLEANUP(inventory_release) struct inventory inv = INVENTORY_INIT;
    struct error err;
    if (load("[{name: risk, owners: [ada, Sam.O@example.com], scientists: [joe], quota: {cpu: 1.5, "
             "memory: 16Gi, storage: 100G, pods: 50}, reach: [fraud, bigdata/minio:9000]}, "
             "{name: fraud}]",
             &inv, &err) < 0)
        fail_msg("%s", err.text);
    const struct project *p = &inv.projects[0];
    assert_int_equal(inv.project_count, 2);
    assert_string_equal(p->name, "risk");
    assert_int_equal(p->owners.count, 2);
    assert_string_equal(p->owners.items[1], "Sam.O@example.com");
    assert_string_equal(p->scientists.items[0], "joe");
    assert_string_equal(p->cpu, "1.5");
    assert_string_equal(p->memory, "16Gi");
    assert_string_equal(p->storage, "100G");
    assert_string_equal(p->pods, "50");
    assert_int_equal(p->reach.count, 2);
    assert_null(inv.projects[1].cpu);
    assert_int_equal(inv.projects[1].owners.count, 0);
}

static void test_refused(void **state)
{
    (void) state;
    static const char *const cases[][2] = {
        {"{name: a}", "hosts.yaml:2:11: projects is a mapping, expected a list of projects"},
        {"[a]", "project is a plain value, expected a mapping such as"},
        {"[{owners: [ada]}]", "name is missing"},
        {"[{name: A}]", "name is 'A'"},
        {"[{name: a.b}]", "name is 'a.b'"},
        {"[{name: kube-system}]", "no namespace of the system"},
        {"[{name: kube-flannel}]", "name is 'kube-flannel'"},
        {"[{name: default}]", "name is 'default'"},
        {"[{name: bigdata}]", "name is 'bigdata'"},
        {"[{name: openebs}]", "name is 'openebs'"},
        {"[{name: nfs-provisioner}]", "name is 'nfs-provisioner'"},
        {"[{name: local-path-storage}]", "name is 'local-path-storage'"},
        {"[{name: bigtop-netcheck}]", "name is 'bigtop-netcheck'"},
        {"[{name: a2345678901234567890123456789012345678901}]", "name is"},
        {"[{name: a}, {name: b}, {name: a}]",
         "hosts.yaml:2:41: project a is named twice, expected each once"},
        {"[{name: a, owners: ada}]", "owners is a plain value, expected a list of users"},
        {"[{name: a, owners: ['ada:x']}]", "owners is 'ada:x'"},
        {"[{name: a, owners: ['system:admin']}]", "owners is"},
        {"[{name: a, owners: ['a/b']}]", "owners is"},
        {"[{name: a, owners: ['-a']}]", "owners is"},
        {"[{name: a, owners: ['$(id)']}]", "owners is"},
        {"[{name: a, owners: [ada, ada]}]", "ada is given twice"},
        {"[{name: a, owners: [[ada]]}]", "owners is a list"},
        {"[{name: a, owners: [ada], scientists: [joe, ada]}]", "ada is an owner of a as well"},
        {"[{name: a, quota: 3}]", "quota is a plain value"},
        {"[{name: a, quota: {gpus: 3}}]", "unknown key 'gpus'"},
        {"[{name: a, quota: {cpu: -1}}]", "cpu is '-1'"},
        {"[{name: a, quota: {cpu: 0}}]", "cpu is '0'"},
        {"[{name: a, quota: {cpu: 4Gi}}]", "cpu is '4Gi'"},
        {"[{name: a, quota: {memory: 4GB}}]", "memory is '4GB'"},
        {"[{name: a, quota: {memory: 0}}]", "memory is '0'"},
        {"[{name: a, quota: {memory: 500m}}]", "memory is '500m'"},
        {"[{name: a, quota: {storage: lots}}]", "storage is 'lots'"},
        {"[{name: a, quota: {pods: 1.5}}]", "pods is '1.5'"},
        {"[{name: a, reach: [a]}]", "a reaches itself"},
        {"[{name: a, reach: ['*']}]", "reach is '*'"},
        {"[{name: a, reach: [bigdata]}]", "reach is all of bigdata, expected components of it"},
        {"[{name: a, reach: [bigdata/minio:0]}]", "reach is 'bigdata/minio:0'"},
        {"[{name: a, reach: [b/]}]", "reach is 'b/'"},
        {"[{name: a, colour: red}]", "unknown key 'colour'"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(inventory_release) struct inventory inv = INVENTORY_INIT;
        struct error err;
        assert_int_equal(load(cases[i][0], &inv, &err), -EINVAL);
        if (!strstr(err.text, cases[i][1]))
            fail_msg("%s: %s", cases[i][0], err.text);
    }
}

static void test_reach(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "",          "/a",    "a/",  "a:80",   "a/b:",   "a/b:0", "a/b:01",
        "a/b:65536", "a/b/c", "A/b", "a/b:8x", "a/b:-1", "a b"};
    struct reach r;
    assert_true(inventory_reach_parse("fraud", &r));
    assert_string_equal(r.space, "fraud");
    assert_string_equal(r.app, "");
    assert_int_equal(r.port, 0);
    assert_true(inventory_reach_parse("bigdata/minio:65535", &r));
    assert_string_equal(r.space, "bigdata");
    assert_string_equal(r.app, "minio");
    assert_int_equal(r.port, 65535);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (inventory_reach_parse(bad[i], &r))
            fail_msg("'%s' was taken", bad[i]);
    assert_string_equal(r.app, "minio"); /* untouched */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_reach),
    };
    return cmocka_run_group_tests_name("inventory-projects", tests, NULL, NULL);
}
