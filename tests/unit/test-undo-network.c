#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/ledger-kinds.h"
#include "agent/ledger.h"
#include "lib/path.h"
#include "lib/process.h"
#include "lib/strbuf.h"

#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRIPT_MAX 65536

static void fill_filters(struct undo_filters *out)
{
    strv_add(&out->chains, "KUBE-");
    strv_add(&out->chains, "CNI-");
    strv_add(&out->comments, "cali:");
}

static void release_filters(struct undo_filters *f)
{
    strv_release(&f->chains);
    strv_release(&f->comments);
}

static void assert_script(const char *save, const char *expected)
{
    CLEANUP(release_filters) struct undo_filters ours = {0};
    STRBUF(script, SCRIPT_MAX);
    fill_filters(&ours);
    undo_iptables_script(save, &ours, &script);
    assert_string_equal(script.data, expected);
}

static void test_script_takes_ours_only(void **state)
{
    (void) state;
    assert_script("# Generated\n"
                  "*filter\n"
                  ":INPUT DROP [0:0]\n"
                  ":KUBE-FIREWALL - [0:0]\n"
                  ":MYKUBE- - [0:0]\n"
                  "-A INPUT -j KUBE-FIREWALL\n"
                  "-A INPUT -p tcp -m comment --comment \"not -j KUBE-FIREWALL here\" -j ACCEPT\n"
                  "-A INPUT -p tcp -m comment --comment \"a -j ACCEPT\" -g KUBE-FIREWALL\n"
                  "-A INPUT -j MYKUBE-\n"
                  "-A KUBE-FIREWALL -j DROP\n"
                  "COMMIT\n"
                  "*nat\n"
                  ":POSTROUTING ACCEPT [0:0]\n"
                  "-A POSTROUTING -s 10.1.0.0/16 -j MASQUERADE\n"
                  "COMMIT\n",
                  "*filter\n"
                  "-D INPUT -j KUBE-FIREWALL\n"
                  "-D INPUT -p tcp -m comment --comment \"a -j ACCEPT\" -g KUBE-FIREWALL\n"
                  "-F KUBE-FIREWALL\n"
                  "-X KUBE-FIREWALL\n"
                  "COMMIT\n");
}

static void test_script_takes_rules_by_comment(void **state)
{
    (void) state;
    assert_script("*filter\n"
                  "-A FORWARD -m comment --comment \"cali:S93h\" -m comment --comment \"Policy "
                  "accepted packet.\" -j ACCEPT\n"
                  "-A FORWARD -m comment --comment cali:mp77 -j MARK --set-xmark 0x10000/0x10000\n"
                  "-A FORWARD -m comment --comment \"not cali:\" -j ACCEPT\n"
                  "-A FORWARD -m comment --comment \"--comment cali:x\" -j ACCEPT\n"
                  "-A cali: -j ACCEPT\n"
                  "-A FORWARD -m comment --comment\n"
                  "-A FORWARD -m comment --comment \"\n"
                  "COMMIT\n",
                  "*filter\n"
                  "-D FORWARD -m comment --comment \"cali:S93h\" -m comment --comment \"Policy "
                  "accepted packet.\" -j ACCEPT\n"
                  "-D FORWARD -m comment --comment cali:mp77 -j MARK --set-xmark 0x10000/0x10000\n"
                  "COMMIT\n");
}

static void test_script_of_nothing_is_empty(void **state)
{
    (void) state;
    assert_script("", "");
    assert_script("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j ACCEPT\nCOMMIT\n", "");
    assert_script("garbage\n-A\n*\n:\n-A X -j\nCOMMIT\n", "");
}

static void test_names(void **state)
{
    (void) state;
    assert_true(name_matches("cni0", "cni0"));
    assert_false(name_matches("cni0", "cni01"));
    assert_true(name_matches("veth*", "veth0a"));
    assert_false(name_matches("veth*", "xveth0"));
    assert_false(name_matches("", "x"));
}

static int run(const char *line)
{
    STRV(argv);
    strv_split(&argv, line, ' ');
    return process_runv(&argv, NULL, NULL, NULL);
}

static char root[64];

/* In a network namespace of its own: nothing of the machine's is touched. */
static int private_network(void **state)
{
    (void) state;
    snprintf(root, sizeof root, "/tmp/test-undo-network.XXXXXX");
    return mkdtemp(root) && unshare(CLONE_NEWNET) == 0 ? 0 : -1;
}

static int remove_root(void **state)
{
    (void) state;
    return path_remove_tree(root, NULL);
}

static bool output_has(const char *program, const char *text)
{
    const char *const argv[] = {program, NULL};
    STRBUF(out, SCRIPT_MAX);
    const struct process_options options = {.out = &out};
    assert_int_equal(process_run(argv, &options, NULL, NULL), 0);
    return strstr(out.data, text) != NULL;
}

static void test_links_and_sysctls(void **state)
{
    (void) state;
    AUTO_LEDGER *l = NULL;
    AUTO_FREE char *path = path_join(root, "ledger");
    AUTO_FREE char *before = NULL, *after = NULL;
    assert_int_equal(ledger_open(path, &l, NULL), 0);
    assert_int_equal(run("ip link add vethold type veth peer name other"), 0);
    assert_int_equal(ledger_will_appear(l, "link", "cni0", NULL), 0);
    assert_int_equal(ledger_will_appear(l, "link", "veth*", NULL), 0);
    assert_int_equal(ledger_will_appear(l, "link", "lo*", NULL), 0);
    assert_int_equal(ledger_will_appear(l, "sysctl", "net.ipv4.conf.lo.route_localnet", NULL), 0);
    assert_int_equal(ledger_will_appear(l, "sysctl", "net.ipv4.no_such_thing", NULL), 0);
    assert_int_equal(sysctl_read("net.ipv4.ip_forward", &before, NULL), 0);
    const char *flipped = strcmp(before, "0") == 0 ? "1" : "0";
    assert_int_equal(ledger_sysctl(l, "net.ipv4.ip_forward", flipped, NULL), 1);
    assert_int_equal(ledger_sysctl(l, "net.ipv4.ip_forward", flipped, NULL), 0);
    assert_int_equal(sysctl_write("net.ipv4.conf.lo.route_localnet", "1", NULL), 0);
    assert_int_equal(run("ip link add cni0 type bridge"), 0);
    assert_int_equal(run("ip link add vethnew type veth peer name vethnewer"), 0);

    struct error err = ERROR_INIT;
    if (ledger_undo(l, NULL, NULL, NULL, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(if_nametoindex("cni0"), 0);
    assert_int_equal(if_nametoindex("vethnew"), 0);
    assert_int_equal(if_nametoindex("vethnewer"), 0);
    assert_int_not_equal(if_nametoindex("vethold"), 0);
    assert_int_not_equal(if_nametoindex("lo"), 0);
    assert_int_equal(sysctl_read("net.ipv4.ip_forward", &after, NULL), 0);
    assert_string_equal(before, after);
    AUTO_FREE char *localnet = NULL;
    assert_int_equal(sysctl_read("net.ipv4.conf.lo.route_localnet", &localnet, NULL), 0);
    assert_string_equal(localnet, "0");
}

/* Another container engine of the host names its links so as well, and starts them after us. */
static void test_ports_of_other_bridges_stay(void **state)
{
    (void) state;
    AUTO_LEDGER *l = NULL;
    AUTO_FREE char *path = path_join(root, "ledger-ports");
    assert_int_equal(ledger_open(path, &l, NULL), 0);
    assert_int_equal(ledger_will_appear(l, "link", "cni0", NULL), 0);
    assert_int_equal(ledger_will_appear(l, "link", "veth*", NULL), 0);
    assert_int_equal(run("ip link add cni0 type bridge"), 0);
    assert_int_equal(run("ip link add docker0 type bridge"), 0);
    assert_int_equal(run("ip link add vethpod type veth peer name pod"), 0);
    assert_int_equal(run("ip link add vethbox type veth peer name box"), 0);
    assert_int_equal(run("ip link set vethpod master cni0"), 0);
    assert_int_equal(run("ip link set vethbox master docker0"), 0);
    struct error err = ERROR_INIT;
    if (ledger_undo(l, NULL, NULL, NULL, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(if_nametoindex("vethpod"), 0);
    assert_int_not_equal(if_nametoindex("vethbox"), 0);
    assert_int_equal(run("ip link delete vethbox"), 0);
    assert_int_equal(run("ip link delete docker0"), 0);
}

static void fill_tables(const char *program)
{
    static const char *const rules[] = {
        "-N KUBE-A",
        "-N KUBE-B",
        "-N MINE",
        "-A INPUT -j KUBE-A",
        "-A KUBE-A -j KUBE-B",
        "-A INPUT -p tcp -j MINE",
        "-A MINE -j KUBE-B",
        "-A FORWARD -j ACCEPT",
        "-A FORWARD -m comment --comment cali:S93h -j ACCEPT",
        "-A FORWARD -m comment --comment not-cali:1 -j ACCEPT",
        "-t nat -N CNI-X",
        "-t nat -A POSTROUTING -j CNI-X",
        "-t nat -A POSTROUTING -j ACCEPT",
    };
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        AUTO_FREE char *line = xasprintf("%s %s", program, rules[i]);
        if (run(line) < 0)
            fail_msg("%s", line);
    }
}

static void assert_cleaned(const char *save)
{
    assert_false(output_has(save, "KUBE-"));
    assert_false(output_has(save, "CNI-"));
    assert_true(output_has(save, "-A INPUT -p tcp -j MINE"));
    assert_false(output_has(save, "S93h"));
    assert_true(output_has(save, "-A FORWARD -j ACCEPT"));
    assert_true(output_has(save, "not-cali:1"));
    assert_true(output_has(save, "-A POSTROUTING -j ACCEPT"));
}

static void test_chains_of_all_variants(void **state)
{
    (void) state;
    static const char *const variants[] = {"iptables-nft", "iptables-legacy", "ip6tables-nft",
                                           "ip6tables-legacy"};
    CLEANUP(release_filters) struct undo_filters ours = {0};
    fill_filters(&ours);
    for (size_t i = 0; i < ARRAY_SIZE(variants); i++)
        fill_tables(variants[i]);
    struct error err = ERROR_INIT;
    if (undo_iptables(&ours, &err) < 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
        AUTO_FREE char *save = xasprintf("%s-save", variants[i]);
        assert_cleaned(save);
    }
    assert_int_equal(undo_iptables(&ours, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_script_takes_ours_only),
        cmocka_unit_test(test_script_takes_rules_by_comment),
        cmocka_unit_test(test_script_of_nothing_is_empty),
        cmocka_unit_test(test_names),
        cmocka_unit_test_setup_teardown(test_links_and_sysctls, private_network, remove_root),
        cmocka_unit_test_setup_teardown(test_ports_of_other_bridges_stay, private_network,
                                        remove_root),
        cmocka_unit_test_setup_teardown(test_chains_of_all_variants, private_network, remove_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
