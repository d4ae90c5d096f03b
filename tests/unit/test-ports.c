/* Which ports a host's firewall opens, and for whom. */
#include "coordinator/agent-blob.h"
#include "coordinator/ports.h"
#include "lib/strbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* No host is ever connected to: no agent to send. */
const unsigned char agent_blob_start[1] = {0}, agent_blob_end[1] = {0};
const char agent_blob_sha256[1] = "";

#define HOSTS_MAX 40

struct world {
    struct inventory inv;
    struct host hosts[HOSTS_MAX];
    struct host_run runs[HOSTS_MAX];
    struct run run;
    char addresses[HOSTS_MAX][16];
};

/* The first `control` are control planes, the others workers, all with a firewall. */
static void build(struct world *w, size_t control, size_t count)
{
    *w = (struct world){0};
    w->inv = (struct inventory){
        .hosts = w->hosts, .host_count = count, .pod_cidr = (char *) "10.244.0.0/16"};
    w->run = (struct run){.inv = &w->inv, .hosts = w->runs};
    for (size_t i = 0; i < count; i++) {
        snprintf(w->addresses[i], sizeof(w->addresses[i]), "10.0.%zu.%zu", i / 20, i % 20 + 1);
        AUTO_FREE char *cidr = xasprintf("%s/24", w->addresses[i]);
        w->hosts[i] = (struct host){.address = w->addresses[i],
                                    .roles = i < control ? ROLE_CONTROL_PLANE : ROLE_WORKER};
        w->runs[i] = (struct host_run){.run = &w->run, .index = i, .host = &w->hosts[i]};
        w->runs[i].facts.json = json_pack("{s:[s],s:[{s:[s,s]}]}", "firewall", "ufw", "interfaces",
                                          "addresses", "fe80::1/64", cidr);
        w->runs[i].facts.node_ip = w->addresses[i];
        w->runs[i].facts.interface = (char *) "eth0";
    }
}

static void tear_down(struct world *w)
{
    for (size_t i = 0; i < w->inv.host_count; i++)
        json_decref(w->runs[i].facts.json);
}

/* "tcp 6443-6443 SOURCE,SOURCE" of each rule, a line each. */
static void assert_rules(const struct world *w, size_t host, const char *expected)
{
    AUTO_TASK t = TASK_INIT;
    STRBUF(text, 16384);
    assert_int_equal(ports_task(&w->runs[host], &t), 1);
    assert_string_equal(json_get_string(t.params, "pods", ""), "10.244.0.0/16");
    assert_string_equal(json_get_string(t.params, "interface", ""), "eth0");
    size_t i, k;
    json_t *rule, *source;
    json_array_foreach(json_object_get(t.params, "rules"), i, rule) {
        strbuf_addf(&text, "%s %d-%d", json_get_string(rule, "protocol", ""),
                    (int) json_get_int(rule, "first", -1), (int) json_get_int(rule, "last", -1));
        json_array_foreach(json_object_get(rule, "sources"), k, source)
            strbuf_addf(&text, "%c%s", k ? ',' : ' ', json_string_value(source));
        strbuf_addc(&text, '\n');
    }
    assert_string_equal(text.data, expected);
}

static void one_and_one(void **state)
{
    (void) state;
    struct world w;
    build(&w, 1, 2);
    assert_rules(&w, 0,
                 "tcp 6443-6443 0.0.0.0/0\n"
                 "tcp 10250-10250 10.0.0.2\n"
                 "udp 8472-8472 10.0.0.2\n"
                 "tcp 10470-10470 10.0.0.2\n");
    assert_rules(&w, 1,
                 "tcp 10250-10250 10.0.0.1\n"
                 "udp 8472-8472 10.0.0.1\n"
                 "tcp 10470-10470 10.0.0.1\n");
    tear_down(&w);
}

static void a_profile_has_metrics_of_nodes(void **state)
{
    (void) state;
    struct world w;
    build(&w, 1, 2);
    w.inv.profile = (char *) "analytics";
    assert_rules(&w, 1,
                 "tcp 10250-10250 10.0.0.1\n"
                 "udp 8472-8472 10.0.0.1\n"
                 "tcp 10470-10470 10.0.0.1\n"
                 "tcp 9100-9104 10.0.0.1\n");
    tear_down(&w);
}

static void etcd_for_control_planes_only(void **state)
{
    (void) state;
    struct world w;
    build(&w, 3, 4);
    w.inv.virtual_ip = (char *) "10.0.0.100";
    w.hosts[3].nfs_export = (char *) "/srv";
    assert_rules(&w, 1,
                 "tcp 6443-6443 0.0.0.0/0\n"
                 "tcp 2379-2380 10.0.0.1,10.0.0.3\n"
                 "tcp 10250-10250 10.0.0.1,10.0.0.3,10.0.0.4\n"
                 "udp 8472-8472 10.0.0.1,10.0.0.3,10.0.0.4\n"
                 "tcp 10470-10470 10.0.0.1,10.0.0.3,10.0.0.4\n"
                 "vrrp 0-0 10.0.0.1,10.0.0.3\n");
    assert_rules(&w, 3,
                 "tcp 10250-10250 10.0.0.1,10.0.0.2,10.0.0.3\n"
                 "udp 8472-8472 10.0.0.1,10.0.0.2,10.0.0.3\n"
                 "tcp 10470-10470 10.0.0.1,10.0.0.2,10.0.0.3\n"
                 "tcp 2049-2049 10.0.0.1,10.0.0.2,10.0.0.3\n");
    tear_down(&w);
}

static void who_leaves_is_not_let_in(void **state)
{
    (void) state;
    struct world w;
    build(&w, 1, 3);
    w.hosts[2].state = STATE_ABSENT;
    assert_rules(&w, 1,
                 "tcp 10250-10250 10.0.0.1\n"
                 "udp 8472-8472 10.0.0.1\n"
                 "tcp 10470-10470 10.0.0.1\n");
    assert_false(ports_will_open(&w.runs[1], &w.runs[2], "udp", 8472));
    tear_down(&w);
}

static void many_are_let_in_by_network(void **state)
{
    (void) state;
    struct world w;
    build(&w, 1, HOSTS_MAX);
    assert_rules(&w, 1,
                 "tcp 10250-10250 10.0.0.0/24,10.0.1.0/24\n"
                 "udp 8472-8472 10.0.0.0/24,10.0.1.0/24\n"
                 "tcp 10470-10470 10.0.0.0/24,10.0.1.0/24\n");
    tear_down(&w);
}

static void unknown_addresses(void **state)
{
    (void) state;
    struct world w;
    AUTO_TASK t = TASK_INIT;
    build(&w, 1, 3);
    w.runs[2].facts.node_ip = NULL;
    assert_rules(&w, 1,
                 "tcp 10250-10250 10.0.0.1,10.0.0.3\n"
                 "udp 8472-8472 10.0.0.1,10.0.0.3\n"
                 "tcp 10470-10470 10.0.0.1,10.0.0.3\n");
    w.hosts[2].address = (char *) "three.example";
    assert_rules(&w, 1,
                 "tcp 10250-10250 10.0.0.1\n"
                 "udp 8472-8472 10.0.0.1\n"
                 "tcp 10470-10470 10.0.0.1\n");
    w.runs[1].facts.role = "worker"; /* it may have a rule for that host */
    assert_int_equal(ports_task(&w.runs[1], &t), 0);
    tear_down(&w);
}

static void what_will_be_open(void **state)
{
    (void) state;
    struct world w;
    build(&w, 2, 3);
    const struct host_run *one = &w.runs[0], *two = &w.runs[1], *three = &w.runs[2];
    assert_true(ports_will_open(one, three, "tcp", 6443));
    assert_true(ports_will_open(one, two, "tcp", 2380));
    assert_false(ports_will_open(one, three, "tcp", 2380));
    assert_false(ports_will_open(three, one, "tcp", 6443));
    assert_true(ports_will_open(three, two, "udp", 8472));
    assert_false(ports_will_open(three, two, "tcp", 8472));
    assert_false(ports_will_open(three, two, "tcp", 2049));
    json_object_set_new(w.runs[2].facts.json, "firewall", json_array());
    assert_false(ports_will_open(three, two, "udp", 8472));
    tear_down(&w);
}

static void what_is_tried(void **state)
{
    (void) state;
    struct world w;
    build(&w, 1, 2);
    w.inv.virtual_ip = (char *) "10.0.0.100";
    w.hosts[1].nfs_export = (char *) "/srv/nfs";
    static const char *const expected[] = {
        "6443/tcp 2379/tcp 2380/tcp 10250/tcp 8472/udp 10470/tcp ",
        "10250/tcp 8472/udp 10470/tcp "};
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        AUTO_JSON *list = ports_tried(&w.runs[i]);
        STRBUF(text, 1024);
        for (size_t k = 0; k < json_array_size(list); k++)
            strbuf_addf(&text, "%d/%s ", (int) json_get_int(json_array_get(list, k), "port", 0),
                        json_get_string(json_array_get(list, k), "protocol", "?"));
        assert_string_equal(text.data, expected[i]);
    }
    tear_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_and_one),
        cmocka_unit_test(a_profile_has_metrics_of_nodes),
        cmocka_unit_test(etcd_for_control_planes_only),
        cmocka_unit_test(who_leaves_is_not_let_in),
        cmocka_unit_test(many_are_let_in_by_network),
        cmocka_unit_test(unknown_addresses),
        cmocka_unit_test(what_will_be_open),
        cmocka_unit_test(what_is_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
