/* Three healthy hosts; each test spoils one thing and expects exactly that finding. */
#include "coordinator/preflight.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOSTS 3
#define NOW_MS 1700000000000

struct world {
    struct inventory inv;
    struct bundle bundle;
    struct host hosts[HOSTS];
    struct facts facts[HOSTS];
    struct findings found;
    int64_t serial; /* that the user named */
};

static json_t *healthy(int i)
{
    char text[2048];
    snprintf(
        text, sizeof(text),
        "{\"hostname\":\"n%d\",\"machine_id\":\"m%d\",\"product_uuid\":\"u%d\",\"arch\":\"x86_64\","
        "\"memory_kib\":4194304,\"time_ms\":1700000000000,\"cgroup\":2,"
        "\"disks\":{\"/var/lib\":{\"total_kib\":41943040,\"free_kib\":20971520}},"
        "\"interfaces\":[{\"name\":\"eth0\",\"mac\":\"02:00:00:00:00:0%d\",\"mtu\":1500,\"up\":"
        "true,"
        "\"addresses\":[\"fe80::1/64\",\"10.77.0.1%d/24\"]}],"
        "\"default_route\":null,\"listening\":[{\"protocol\":\"tcp\",\"port\":22}],"
        "\"programs\":{\"ip\":true,\"mount\":true,\"losetup\":true,\"cp\":true,\"iptables\":true},"
        "\"modules\":{\"overlay\":\"builtin\",\"br_netfilter\":\"loaded\",\"vxlan\":\"available\"},"
        "\"units\":{},\"node\":null,\"foreign_kubernetes\":false}",
        i, i, i, i, i);
    json_t *j = json_loads(text, 0, NULL);
    assert_non_null(j);
    return j;
}

/* `spoil` is merged into the facts of the host number `who`; "{}" spoils nothing. */
static void build(struct world *w, int who, const char *spoil)
{
    static char *addresses[] = {"10.77.0.11", "10.77.0.12", "10.77.0.13"};
    static char *names[] = {"n1", "n2", "n3"};
    *w = (struct world){.found = FINDINGS_INIT};
    for (int i = 0; i < HOSTS; i++) {
        w->hosts[i] = (struct host){.name = names[i],
                                    .address = addresses[i],
                                    .roles = i == 0 ? ROLE_CONTROL_PLANE : ROLE_WORKER};
        json_t *facts = healthy(i + 1);
        json_t *extra = json_loads(i == who ? spoil : "{}", 0, NULL);
        assert_non_null(extra);
        json_object_update_recursive(facts, extra);
        json_decref(extra);
        struct error err = ERROR_INIT;
        assert_int_equal(facts_take(&w->hosts[i], facts, NOW_MS, &w->facts[i], &err), 0);
    }
    w->inv = (struct inventory){.pod_cidr = "10.244.0.0/16",
                                .service_cidr = "10.96.0.0/12",
                                .hosts = w->hosts,
                                .host_count = HOSTS};
    w->bundle = (struct bundle){.product = "bigtop",
                                .architecture = "amd64",
                                .serial = 5,
                                .digest = "sha256:1",
                                .signature.key_id = "AAAAAAAAAAAAAAAA"};
}

static void tear_down(struct world *w)
{
    for (int i = 0; i < HOSTS; i++)
        facts_release(&w->facts[i]);
    findings_release(&w->found);
}

static void check(struct world *w, size_t host)
{
    preflight_check(&w->inv, &w->bundle, w->serial, w->facts, host, &w->found);
}

/* Exactly one finding, with these words and some remedy. */
static void expect(int who, const char *spoil, bool refusal, const char *words)
{
    struct world w;
    build(&w, who, spoil);
    check(&w, (size_t) who);
    if (w.found.count != 1)
        for (size_t i = 0; i < w.found.count; i++)
            print_message("found: %s\n", w.found.items[i].text);
    assert_int_equal(w.found.count, 1);
    assert_int_equal(w.found.items[0].refusal, refusal);
    if (!strstr(w.found.items[0].text, words))
        fail_msg("expected \"%s\" in \"%s\"", words, w.found.items[0].text);
    assert_true(strlen(w.found.items[0].remedy) > 10);
    tear_down(&w);
}

static void test_nfs_without_a_line(void **state)
{
    (void) state;
    expect(1, "{\"nfs_export\":\"/srv/nfs\"}", false, "still serves /srv/nfs by NFS");
}

static void test_healthy(void **state)
{
    (void) state;
    struct world w;
    build(&w, 0, "{}");
    for (size_t i = 0; i < HOSTS; i++)
        check(&w, i);
    assert_int_equal(w.found.count, 0);
    tear_down(&w);
}

static void test_own(void **state)
{
    (void) state;
    expect(1, "{\"arch\":\"aarch64\"}", true, "the host is arm64, the bundle is for amd64");
    expect(0, "{\"memory_kib\":1600000}", true, "a control plane needs 1700");
    expect(1, "{\"memory_kib\":600000}", true, "a worker needs 700");
    expect(1, "{\"disks\":{\"/var/lib\":{\"free_kib\":1000000}}}", true, "976 MiB free");
    expect(1, "{\"disks\":{\"/var/lib\":{\"free_kib\":5000000}}}", false, "11 %");
    expect(1, "{\"programs\":{\"iptables\":false}}", true, "`iptables` is missing");
    expect(1, "{\"modules\":{\"vxlan\":\"missing\"}}", true, "no vxlan");
    expect(1, "{\"listening\":[{\"protocol\":\"tcp\",\"port\":10250}]}", true, "port 10250");
    expect(0, "{\"listening\":[{\"protocol\":\"tcp\",\"port\":2379}]}", true, "port 2379");
    expect(1, "{\"foreign_kubernetes\":true}", true, "did not make");
    expect(1, "{\"units\":{\"docker.service\":{\"active\":\"active\",\"ours\":false}}}", true,
           "docker.service");
}

/* Of the first control plane, whose network is 10.77.0.0/24. */
static void expect_virtual_ip(const char *address, const char *spoil, const char *words)
{
    struct world w;
    build(&w, 0, spoil);
    w.inv.virtual_ip = (char *) address;
    check(&w, 0);
    assert_int_equal(w.found.count, words ? 1 : 0);
    if (words && !strstr(w.found.items[0].text, words))
        fail_msg("expected \"%s\" in \"%s\"", words, w.found.items[0].text);
    findings_release(&w.found);
    check(&w, 1); /* a worker has nothing to do with it */
    assert_int_equal(w.found.count, 0);
    tear_down(&w);
}

static void test_virtual_ip(void **state)
{
    (void) state;
    static const char has_it[] = "{\"interfaces\":[{\"name\":\"eth0\",\"mtu\":1500,\"addresses\":"
                                 "[\"10.77.0.100/32\",\"10.77.0.11/24\"]}]}";
    static const char made_it[] = "{\"node\":{\"role\":\"control-plane\",\"name\":\"n1\"},"
                                  "\"interfaces\":[{\"name\":\"eth0\",\"mtu\":1500,\"addresses\":"
                                  "[\"10.77.0.11/24\",\"10.77.0.100/32\"]}]}";
    expect_virtual_ip("10.77.0.100", "{}", NULL);
    expect_virtual_ip("10.77.1.100", "{}", "not in the network of its 10.77.0.11");
    expect_virtual_ip("10.77.0.255", "{}", "broadcast");
    expect_virtual_ip("10.77.0.0", "{}", "broadcast");
    expect_virtual_ip("10.77.0.100", has_it, "its own address already");
    expect_virtual_ip("10.77.0.100", made_it, NULL);
}

static void expect_api(const char *endpoint, const char *now, const char *remedy)
{
    struct world w;
    AUTO_FREE char *node = xasprintf("{\"node\":{\"role\":\"control-plane\",\"name\":\"n1\","
                                     "\"api\":\"%s\"}}",
                                     now);
    build(&w, 0, node);
    w.inv.endpoint = (char *) endpoint;
    check(&w, 0);
    assert_int_equal(w.found.count, remedy ? 1 : 0);
    if (remedy) {
        assert_true(w.found.items[0].refusal);
        assert_non_null(strstr(w.found.items[0].text, now));
        assert_non_null(strstr(w.found.items[0].remedy, remedy));
    }
    tear_down(&w);
}

static void test_endpoint_of_a_live_cluster_stays(void **state)
{
    (void) state;
    expect_api(NULL, "127.0.0.1:7443", NULL);
    expect_api("api.example:6443", "api.example:6443", NULL);
    expect_api(NULL, "10.77.0.11:6443", "set `endpoint: 10.77.0.11:6443`");
    expect_api("api.example:6443", "127.0.0.1:7443", "take `endpoint:`");
    expect_api("api.example:6443", "old.example:6443", "set `endpoint: old.example:6443`");
}

/* By name: the address with a network around it is the host's own, wherever it stands. */
static void test_virtual_ip_is_not_the_hosts_own(void **state)
{
    (void) state;
    struct host host = {.address = (char *) "n1.example"};
    struct facts facts = {0};
    json_t *json = json_loads("{\"hostname\":\"n1\",\"interfaces\":[{\"name\":\"eth0\",\"mtu\":"
                              "1500,\"addresses\":[\"10.77.0.100/32\",\"10.77.0.11/24\"]}]}",
                              0, NULL);
    assert_int_equal(facts_take(&host, json, NOW_MS, &facts, NULL), 0);
    assert_string_equal(facts.node_ip, "10.77.0.11");
    facts_release(&facts);
    json = json_loads("{\"hostname\":\"n1\",\"interfaces\":[{\"name\":\"eth0\",\"mtu\":1500,"
                      "\"addresses\":[\"10.77.0.100/32\"]}]}",
                      0, NULL);
    assert_int_equal(facts_take(&host, json, NOW_MS, &facts, NULL), 0);
    assert_string_equal(facts.node_ip, "10.77.0.100");
    facts_release(&facts);
}

static void test_ports_of_a_role(void **state)
{
    (void) state;
    struct world w; /* a worker may well run an etcd of its own */
    build(&w, 1, "{\"listening\":[{\"protocol\":\"tcp\",\"port\":2379}]}");
    check(&w, 1);
    assert_int_equal(w.found.count, 0);
    tear_down(&w);
}

static void test_node_keeps_its_ports(void **state)
{
    (void) state;
    struct world w;
    build(&w, 1,
          "{\"listening\":[{\"protocol\":\"tcp\",\"port\":10250}],\"memory_kib\":1,"
          "\"node\":{\"role\":\"worker\",\"cluster\":\"c1\"}}");
    w.facts[0].role = "control-plane";
    check(&w, 1);
    assert_int_equal(w.found.count, 0);
    tear_down(&w);
}

static void test_half_done_keeps_its_ports(void **state)
{
    (void) state;
    struct world w;
    build(&w, 0,
          "{\"listening\":[{\"protocol\":\"tcp\",\"port\":2379},{\"protocol\":\"tcp\",\"port\":"
          "10250}],"
          "\"units\":{\"kubelet.service\":{\"active\":\"active\",\"ours\":true}}}");
    check(&w, 0);
    assert_int_equal(w.found.count, 0);
    tear_down(&w);
    expect(1,
           "{\"listening\":[{\"protocol\":\"tcp\",\"port\":10250}],"
           "\"units\":{\"kubelet.service\":{\"active\":\"inactive\",\"ours\":false}}}",
           true, "port 10250");
}

static void test_others(void **state)
{
    (void) state;
    expect(1, "{\"machine_id\":\"m3\"}", true, "machine-id is also that of n3");
    expect(1, "{\"product_uuid\":\"u1\"}", true, "product UUID is also that of n1");
    expect(1,
           "{\"interfaces\":[{\"name\":\"eth0\",\"mac\":\"02:00:00:00:00:03\",\"mtu\":1500,"
           "\"addresses\":[\"10.77.0.12/24\"]}]}",
           true, "MAC address 02:00:00:00:00:03 is also that of n3");
    expect(1, "{\"time_ms\":1700000060000}", true, "60 s ahead of the control plane's");
    expect(1, "{\"time_ms\":0}", true, "behind the control plane's");
    expect(1, "{\"time_ms\":1700000005000}", false, "5000 ms ahead");
    expect(1, "{\"time_ms\":0,\"clock\":{\"image\":false,\"kept\":false}}", true, "behind");
    expect(1, "{\"time_ms\":0,\"clock\":{\"image\":true,\"kept\":true}}", true, "behind");
    expect(1, "{\"node\":{\"role\":\"control-plane\",\"cluster\":\"c1\"}}", true,
           "hosts.yaml wants a worker");
}

static void test_duplicate_node_names(void **state)
{
    (void) state;
    struct world w;
    build(&w, 1, "{}");
    free(w.facts[1].node_name);
    w.facts[1].node_name = strdup("n3");
    check(&w, 1);
    assert_int_equal(w.found.count, 1);
    assert_non_null(strstr(w.found.items[0].text, "node name n3 is also that of n3"));
    tear_down(&w);
}

#define HAD(members) "{\"bundle\":{\"product\":\"bigtop\"," members "}}"
#define ITS_KEY "\"keys\":[\"BBBBBBBBBBBBBBBB\",\"AAAAAAAAAAAAAAAA\"]"

static void test_bundle_of_another(void **state)
{
    (void) state;
    expect(1, "{\"bundle\":{\"product\":\"other\",\"serial\":1,\"keys\":[]}}", true,
           "of product bigtop, the host has other");
    expect(1, HAD("\"serial\":1,\"keys\":[\"BBBBBBBBBBBBBBBB\"]"), true,
           "signed by key AAAAAAAAAAAAAAAA, which the host does not trust");
    expect(2, "{\"bundle\":{\"damaged\":\"trust.json is damaged\"}}", true, "is damaged");
    expect(0, HAD("\"serial\":6,\"manifest\":\"sha256:6\"," ITS_KEY), true,
           "serial 5, the host has had 6");
    expect(0, HAD("\"serial\":6,\"manifest\":null,\"keys\":[]"), true, "has had 6");
}

static size_t refusals_with(const char *facts, const char *key_id, int64_t serial)
{
    struct world w;
    build(&w, 1, facts);
    snprintf(w.bundle.signature.key_id, sizeof(w.bundle.signature.key_id), "%s", key_id);
    w.serial = serial;
    check(&w, 1);
    size_t n = findings_refusals(&w.found);
    assert_int_equal(w.found.count, n);
    tear_down(&w);
    return n;
}

static void test_bundle_that_may_follow(void **state)
{
    (void) state;
    static const char id[] = "AAAAAAAAAAAAAAAA";
    assert_int_equal(refusals_with("{\"bundle\":null}", id, 0), 0);
    assert_int_equal(refusals_with("{\"bundle\":null}", "", 0), 0);
    assert_int_equal(refusals_with(HAD("\"serial\":5," ITS_KEY), id, 0), 0);
    assert_int_equal(refusals_with(HAD("\"serial\":4," ITS_KEY), id, 0), 0);
    assert_int_equal(refusals_with(HAD("\"serial\":9," ITS_KEY), id, 5), 0);
    assert_int_equal(refusals_with(HAD("\"serial\":9," ITS_KEY), id, 4), 1);
    assert_int_equal(refusals_with(HAD("\"serial\":9,\"manifest\":\"sha256:1\"," ITS_KEY), id, 0),
                     0);
    assert_int_equal(refusals_with(HAD("\"serial\":4,\"keys\":[]"), id, 0), 0);
    assert_int_equal(refusals_with(HAD("\"serial\":4,\"keys\":[]"), "", 0), 0);
    assert_int_equal(refusals_with(HAD("\"serial\":4," ITS_KEY), "", 0), 1);
}

static void test_other_cluster(void **state)
{
    (void) state;
    struct world w;
    build(&w, 0, "{\"node\":{\"role\":\"control-plane\",\"cluster\":\"c1\"}}");
    json_t *node = json_pack("{s:s,s:s}", "role", "worker", "cluster", "c2");
    json_object_set_new(w.facts[1].json, "node", node);
    w.facts[1].cluster = json_string_value(json_object_get(node, "cluster"));
    w.facts[1].role = "worker";
    check(&w, 1);
    assert_int_equal(findings_refusals(&w.found), 1);
    assert_non_null(strstr(w.found.items[0].text, "another cluster than n1"));
    tear_down(&w);
}

static void test_cidrs_and_mtu(void **state)
{
    (void) state;
    struct world w;
    build(&w, 1, "{}");
    w.inv.pod_cidr = "10.77.0.0/16";
    check(&w, 1);
    assert_int_equal(findings_refusals(&w.found), 1);
    assert_non_null(strstr(w.found.items[0].text, "10.77.0.12 lies in"));
    tear_down(&w);
    build(&w, 1, "{}");
    w.facts[1].mtu = 1280;
    check(&w, 1);
    assert_int_equal(findings_refusals(&w.found), 1);
    assert_non_null(strstr(w.found.items[0].text, "VXLAN needs 1330"));
    tear_down(&w);
}

static void test_silent_hosts_do_not_count(void **state)
{
    (void) state;
    struct world w;
    build(&w, 1, "{\"machine_id\":\"m3\"}");
    facts_release(&w.facts[2]);
    check(&w, 1);
    assert_int_equal(w.found.count, 0);
    tear_down(&w);
}

static void test_terminal_escapes_are_shown(void **state)
{
    (void) state;
    struct world w;
    build(&w, 1, "{\"arch\":\"\\u001b[2J\"}");
    check(&w, 1);
    assert_int_equal(w.found.count, 1);
    assert_null(strchr(w.found.items[0].text, '\033'));
    tear_down(&w);
}

static int take(const struct host *host, const char *json, struct facts *out, struct error *err)
{
    return facts_take(host, json_loads(json, 0, NULL), NOW_MS, out, err);
}

static void test_node_address(void **state)
{
    (void) state;
    struct facts f;
    struct error err = ERROR_INIT;
    struct host behind_nat = {.address = "203.0.113.9", .roles = ROLE_WORKER};
    const char *two = "{\"hostname\":\"Gate\",\"interfaces\":["
                      "{\"name\":\"eth0\",\"mtu\":1500,\"addresses\":[\"192.168.1.5/24\"]},"
                      "{\"name\":\"eth1\",\"mtu\":9000,\"addresses\":[\"10.0.0.5/8\"]}],"
                      "\"default_route\":{\"interface\":\"eth1\",\"gateway\":\"10.0.0.1\"}}";
    assert_int_equal(take(&behind_nat, two, &f, &err), 0);
    assert_string_equal(f.node_ip, "10.0.0.5"); /* the default route's */
    assert_string_equal(f.node_name, "gate");
    assert_int_equal(f.mtu, 9000);
    facts_release(&f);
    struct host named = {.address = "203.0.113.9", .node_ip = "192.168.1.5"};
    assert_int_equal(take(&named, two, &f, &err), 0);
    assert_string_equal(f.interface, "eth0");
    facts_release(&f);
    struct host wrong = {.address = "203.0.113.9", .node_ip = "192.168.1.6"};
    assert_int_equal(take(&wrong, two, &f, &err), -EADDRNOTAVAIL);
    assert_non_null(strstr(err.text, "192.168.1.6"));
}

/* What a host says of its addresses is untrusted text. */
static void test_prefix(void **state)
{
    (void) state;
    struct facts f = {0};
    unsigned bits = 99;
    f.json =
        json_loads("{\"interfaces\":[{\"addresses\":[1,\"10.0.0.1\",\"10.0.0.1/\",\"10.0.0.1/33\","
                   "\"10.0.0.1/-1\",\"10.0.0.1/8x\",\"10.0.0.1/99999999999999999999\","
                   "\"10.0.0.1 /8\",\"fe80::1/64\"]},{\"addresses\":[\"10.0.0.2/0\","
                   "\"10.0.0.3/32\"]}]}",
                   0, NULL);
    assert_false(facts_prefix(&f, 0x0a000001, &bits));
    assert_int_equal(bits, 99);
    assert_true(facts_prefix(&f, 0x0a000002, &bits));
    assert_int_equal(bits, 0);
    assert_true(facts_prefix(&f, 0x0a000003, &bits));
    assert_int_equal(bits, 32);
    facts_release(&f);
    assert_false(facts_prefix(&f, 0x0a000003, &bits));
}

static void test_bad_host_name(void **state)
{
    (void) state;
    struct facts f;
    struct error err = ERROR_INIT;
    struct host h = {.address = "10.0.0.5"};
    assert_int_equal(take(&h,
                          "{\"hostname\":\"a b;$(reboot)\",\"interfaces\":[{\"name\":\"e\","
                          "\"addresses\":[\"10.0.0.5/8\"]}]}",
                          &f, &err),
                     -EINVAL);
    assert_non_null(strstr(err.remedy, "name:"));
}

/* Whoever started from our image and has no NTP gets the control plane's time; the control plane
 * itself ours, and then nobody is held against what it has now. */
static void sets_clocks_that_nobody_keeps(void **state)
{
    static const char spoiled[] = "{\"time_ms\":0,\"clock\":{\"image\":true,\"kept\":false}}";
    struct world w;
    const char *whom;
    (void) state;
    build(&w, 1, spoiled);
    w.facts[0].clock_offset_ms = 1500;
    assert_true(facts_lacks_clock(&w.facts[1]));
    assert_int_equal(preflight_clock(&w.inv, w.facts, 1, &whom), 1500);
    assert_string_equal(whom, "the control plane's");
    preflight_check(&w.inv, &w.bundle, 0, w.facts, 1, &w.found);
    assert_int_equal(w.found.count, 0);
    tear_down(&w);
    build(&w, 0, spoiled);
    assert_int_equal(preflight_clock(&w.inv, w.facts, 0, &whom), 0);
    assert_int_equal(preflight_clock(&w.inv, w.facts, 1, &whom), 0);
    assert_string_equal(whom, "this machine's");
    preflight_check(&w.inv, &w.bundle, 0, w.facts, 0, &w.found);
    preflight_check(&w.inv, &w.bundle, 0, w.facts, 1, &w.found);
    assert_int_equal(w.found.count, 0);
    tear_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_healthy),
        cmocka_unit_test(test_nfs_without_a_line),
        cmocka_unit_test(test_own),
        cmocka_unit_test(test_virtual_ip),
        cmocka_unit_test(test_endpoint_of_a_live_cluster_stays),
        cmocka_unit_test(test_virtual_ip_is_not_the_hosts_own),
        cmocka_unit_test(test_ports_of_a_role),
        cmocka_unit_test(test_node_keeps_its_ports),
        cmocka_unit_test(test_half_done_keeps_its_ports),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_duplicate_node_names),
        cmocka_unit_test(test_bundle_of_another),
        cmocka_unit_test(test_bundle_that_may_follow),
        cmocka_unit_test(test_other_cluster),
        cmocka_unit_test(test_cidrs_and_mtu),
        cmocka_unit_test(test_silent_hosts_do_not_count),
        cmocka_unit_test(test_terminal_escapes_are_shown),
        cmocka_unit_test(test_node_address),
        cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_bad_host_name),
        cmocka_unit_test(sets_clocks_that_nobody_keeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
