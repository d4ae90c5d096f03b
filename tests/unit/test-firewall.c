/* Rules as each firewall wants them, and finding them again in what it prints: recorded from
 * nftables 1.0.6, iptables 1.8.9 and ufw 0.36.2; and in what it never should print. */
#include "agent/firewall.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SCRIPT_MAX 65536

static struct opening parsed(const char *text)
{
    struct opening o = {0};
    assert_true(opening_parse(text, &o));
    return o;
}

static void texts_come_back(void **state)
{
    (void) state;
    static const char *const texts[] = {
        "tcp:2379-2380:10.0.0.11:",  "udp:8472-8472:10.0.0.0/24:public",
        "vrrp:0-0:10.0.0.11:INPUT",  "pods:0-0:10.244.0.0/16:forward inet filter last",
        "tcp:6443-6443:0.0.0.0/0:x",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        char again[OPENING_TEXT_MAX];
        struct opening o = parsed(texts[i]);
        opening_text(&o, again);
        assert_string_equal(again, texts[i]);
    }
}

static void other_texts_are_refused(void **state)
{
    (void) state;
    static const char *const texts[] = {
        "",
        "tcp",
        "tcp:1-2:10.0.0.1",
        "icmp:0-0:10.0.0.1:",
        "tcp:0-0:10.0.0.1:",
        "tcp:2-1:10.0.0.1:",
        "tcp:1-65536:10.0.0.1:",
        "tcp:+1-2:10.0.0.1:",
        "tcp:01-2:10.0.0.1:",
        "vrrp:1-1:10.0.0.1:",
        "tcp:1-2:10.0.0.1/24:", /* host bits */
        "tcp:1-2:10.0.0:",
        "tcp:1-2:any:",
        "tcp:1-2:10.0.0.1:a;b",
        "tcp:1-2:10.0.0.1:a\nb",
        "tcp:1-2:10.0.0.1:a\"b",
        "tcp:1-2:10.0.0.1:-t nat",
        "tcp:1-2:10.0.0.1:INPUT -t nat",
        "tcp:1-2:10.0.0.1:"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaa"
        "aaaaaaa",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct opening o;
        if (opening_parse(texts[i], &o))
            fail_msg("taken: %s", texts[i]);
    }
}

static void add(struct openings *all, const char *text)
{
    struct opening o = parsed(text);
    openings_add(all, &o);
}

static void sources_of_the_same_ports_are_one_line(void **state)
{
    (void) state;
    static const char *const texts[] = {
        "tcp:22-22:10.0.0.1:INPUT",  "tcp:22-22:10.0.0.2:INPUT",
        "tcp:22-22:0.0.0.0/0:INPUT", "udp:8472-8473:10.0.0.1:INPUT",
        "vrrp:0-0:10.0.0.1:",        "pods:0-0:10.244.0.0/16:FORWARD"};
    const bool skip[] = {false, true, false, true, false, false};
    AUTO_OPENINGS all = {0};
    STRV(some);
    STRV(every);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct opening o = parsed(texts[i]);
        openings_add(&all, &o);
    }
    openings_tell(&all, skip, "open", "ufw", &some);
    assert_int_equal(some.count, 3);
    assert_string_equal(some.items[0], "open tcp port 22 from 10.0.0.1, everywhere in ufw, INPUT");
    assert_string_equal(some.items[1], "open vrrp from 10.0.0.1 in ufw");
    assert_string_equal(some.items[2],
                        "open all traffic of pods from 10.244.0.0/16 in ufw, FORWARD");
    openings_tell(&all, NULL, "close", "ufw", &every);
    assert_int_equal(every.count, 4);
    assert_string_equal(every.items[0],
                        "close tcp port 22 from 10.0.0.1, 10.0.0.2, everywhere in ufw, INPUT");
    assert_string_equal(every.items[1], "close udp ports 8472-8473 from 10.0.0.1 in ufw, INPUT");
}

static void nft_rules(void **state)
{
    (void) state;
    AUTO_OPENINGS all = {0};
    STRBUF(script, SCRIPT_MAX);
    add(&all, "tcp:2379-2380:10.0.0.11:inet filter input");
    add(&all, "tcp:6443-6443:0.0.0.0/0:inet filter input");
    add(&all, "vrrp:0-0:10.0.0.11:inet filter input");
    add(&all, "pods:0-0:10.244.0.0/16:forward inet filter last");
    firewall_nft_script(&all, &script);
    assert_string_equal(
        script.data,
        "insert rule inet filter input ip saddr 10.0.0.11 tcp dport 2379-2380 counter accept "
        "comment \"bigtop:tcp:2379-2380:10.0.0.11\"\n"
        "insert rule inet filter input tcp dport 6443-6443 counter accept "
        "comment \"bigtop:tcp:6443-6443:0.0.0.0/0\"\n"
        "insert rule inet filter input ip saddr 10.0.0.11 meta l4proto 112 counter accept "
        "comment \"bigtop:vrrp:0-0:10.0.0.11\"\n"
        "insert rule inet filter last ip saddr 10.244.0.0/16 counter accept "
        "comment \"bigtop:pods:0-0:10.244.0.0/16\"\n"
        "insert rule inet filter last ip daddr 10.244.0.0/16 ct state established,related counter "
        "accept comment \"bigtop:pods:0-0:10.244.0.0/16\"\n");
}

#define CHAIN(family, name, hook, policy) \
    "{\"chain\":{\"family\":\"" family "\",\"table\":\"filter\",\"name\":\"" name \
    "\",\"hook\":\"" hook "\",\"policy\":\"" policy "\"}}"
#define RULE(chain, expr) \
    "{\"rule\":{\"family\":\"inet\",\"table\":\"filter\",\"chain\":\"" chain \
    "\",\"handle\":2,\"expr\":[" expr "]}}"
#define MATCH "{\"match\":{\"op\":\"==\",\"left\":{\"ct\":{\"key\":\"state\"}},\"right\":\"new\"}}"
#define COUNTER "{\"counter\":{\"packets\":0,\"bytes\":0}}"

/* "input|forward" of what drops. */
static void assert_closing(const char *items, const char *input, const char *forward)
{
    struct error err = ERROR_INIT;
    STRV(in);
    STRV(through);
    AUTO_FREE char *text = xasprintf("{\"nftables\":[%s]}", items);
    AUTO_JSON *ruleset = json_parse(text, strlen(text), "nft", &err);
    assert_non_null(ruleset);
    firewall_nft_closing(ruleset, &in, &through);
    AUTO_FREE char *one = strv_join(&in, "|");
    AUTO_FREE char *two = strv_join(&through, "|");
    assert_string_equal(one, input);
    assert_string_equal(two, forward);
}

static void nft_chains_that_drop(void **state)
{
    (void) state;
    assert_closing("", "", "");
    assert_closing(CHAIN("inet", "in", "input", "accept"), "", "");
    assert_closing(CHAIN("inet", "in", "input", "drop"), "inet filter in", "");
    assert_closing(CHAIN("ip6", "in", "input", "drop"), "", "");
    assert_closing(CHAIN("inet", "out", "output", "drop"), "", "");
    assert_closing(CHAIN("inet", "fw", "forward",
                         "accept") "," RULE("fw", COUNTER ",{\"reject\":{\"type\":\"icmpx\"}}"),
                   "", "inet filter fw");
    assert_closing(
        CHAIN("inet", "fw", "forward", "accept") "," RULE("fw", MATCH ",{\"drop\":null}"), "", "");
    assert_closing(
        CHAIN("inet", "in", "input", "accept") "," RULE(
            "in", "{\"jump\":{\"target\":\"last\"}}") "," RULE("last", "{\"drop\":null}"),
        "inet filter in", "");
    assert_closing(
        CHAIN("inet", "in", "input", "accept") "," RULE(
            "in", MATCH ",{\"jump\":{\"target\":\"last\"}}") "," RULE("last", "{\"drop\":null}"),
        "", "");
    /* a circle, which the kernel would not take */
    assert_closing(
        CHAIN("inet", "in", "input", "accept") "," RULE("in", "{\"jump\":{\"target\":\"in\"}}"), "",
        "");
    /* nonsense */
    assert_closing("1,null,[],{\"chain\":7},{\"chain\":{\"hook\":\"input\"}},{\"rule\":[]}", "",
                   "");
}

#define SAVED \
    "# Generated by iptables-save v1.8.9 on Sun Nov 22 01:13:54 2026\n" \
    "*filter\n" \
    ":INPUT ACCEPT [0:0]\n" \
    ":FORWARD DROP [0:0]\n" \
    ":RH-Firewall-1-INPUT - [0:0]\n"

static void iptables_chains_that_drop(void **state)
{
    (void) state;
    assert_false(firewall_iptables_closes(SAVED "COMMIT\n", "INPUT"));
    assert_true(firewall_iptables_closes(SAVED "COMMIT\n", "FORWARD"));
    assert_false(
        firewall_iptables_closes(SAVED "-A INPUT -p tcp -m tcp --dport 22 -j DROP\n", "INPUT"));
    assert_true(firewall_iptables_closes(SAVED
                                         "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n"
                                         "-A INPUT -j REJECT --reject-with icmp-host-prohibited\n",
                                         "INPUT"));
    assert_true(firewall_iptables_closes(SAVED "-A INPUT -j RH-Firewall-1-INPUT\n"
                                               "-A RH-Firewall-1-INPUT -j DROP\n",
                                         "INPUT"));
    assert_false(firewall_iptables_closes(SAVED "-A INPUT -j KUBE-FIREWALL\n"
                                                "-A KUBE-FIREWALL -j DROP\n",
                                          "INPUT"));
    assert_false(firewall_iptables_closes(SAVED "-A INPUT -j A\n-A A -j INPUT\n", "INPUT"));
    assert_false(firewall_iptables_closes("", "INPUT"));
}

static void iptables_rules_and_their_end(void **state)
{
    (void) state;
    AUTO_OPENINGS all = {0};
    STRBUF(script, SCRIPT_MAX);
    add(&all, "tcp:2379-2380:10.77.0.11:INPUT");
    add(&all, "vrrp:0-0:10.77.0.11:INPUT");
    add(&all, "pods:0-0:10.244.0.0/16:FORWARD");
    firewall_iptables_script(&all, &script);
    assert_string_equal(script.data,
                        "*filter\n"
                        "-I INPUT -s 10.77.0.11 -p tcp -m tcp --dport 2379:2380 -m comment "
                        "--comment \"bigtop:tcp:2379-2380:10.77.0.11\" -j ACCEPT\n"
                        "-I INPUT -s 10.77.0.11 -p vrrp -m comment "
                        "--comment \"bigtop:vrrp:0-0:10.77.0.11\" -j ACCEPT\n"
                        "-I FORWARD -s 10.244.0.0/16 -m comment "
                        "--comment \"bigtop:pods:0-0:10.244.0.0/16\" -j ACCEPT\n"
                        "-I FORWARD -d 10.244.0.0/16 -m conntrack --ctstate RELATED,ESTABLISHED "
                        "-m comment --comment \"bigtop:pods:0-0:10.244.0.0/16\" -j ACCEPT\n"
                        "COMMIT\n");
    strbuf_reset(&script);
    static const char saved[] = SAVED
        "-A INPUT -s 10.77.0.11/32 -p vrrp -m comment --comment "
        "\"bigtop:vrrp:0-0:10.77.0.11\" -j ACCEPT\n"
        "-A INPUT -s 10.77.0.11/32 -p tcp -m tcp --dport 2379:2380 -m comment --comment "
        "\"bigtop:tcp:2379-2380:10.77.0.11\" -j ACCEPT\n"
        "-A INPUT -p tcp -m tcp --dport 2379:2380 -m comment --comment "
        "\"not bigtop:tcp:2379-2380:10.77.0.11\" -j ACCEPT\n"
        "-A INPUT -p tcp -m tcp --dport 2379:2380 -m comment --comment "
        "\"bigtop:tcp:2379-2380:10.77.0.110\" -j ACCEPT\n"
        "-A INPUT -p tcp -m tcp --dport 2379:2380 -m comment --comment "
        "\"bigtop:tcp:2379-2380:10.77.0.11 of another\" -j ACCEPT\n"
        "-A OTHER -p tcp -m comment --comment \"bigtop:tcp:2379-2380:10.77.0.11\" -j ACCEPT\n"
        "COMMIT\n";
    firewall_iptables_delete(saved, &all, &script);
    assert_string_equal(script.data,
                        "*filter\n"
                        "-D INPUT -s 10.77.0.11/32 -p vrrp -m comment --comment "
                        "\"bigtop:vrrp:0-0:10.77.0.11\" -j ACCEPT\n"
                        "-D INPUT -s 10.77.0.11/32 -p tcp -m tcp --dport 2379:2380 -m comment "
                        "--comment \"bigtop:tcp:2379-2380:10.77.0.11\" -j ACCEPT\n"
                        "COMMIT\n");
    strbuf_reset(&script);
    firewall_iptables_delete("-A INPUT -p vrrp -m comment --comment bigtop:vrrp:0-0:10.77.0.11 "
                             "-j ACCEPT\n",
                             &all, &script);
    assert_string_equal(script.data, "*filter\n-D INPUT -p vrrp -m comment --comment "
                                     "bigtop:vrrp:0-0:10.77.0.11 -j ACCEPT\nCOMMIT\n");
    strbuf_reset(&script);
    firewall_iptables_delete(SAVED "COMMIT\n", &all, &script);
    assert_int_equal(script.len, 0);
}

#define ADDED \
    "Added user rules (see 'ufw status' for running firewall):\n" \
    "ufw allow 22/tcp\n" \
    "ufw allow from 10.77.0.0/24 to any port 6443 proto tcp comment 'bigtop-bootstrap'\n" \
    "ufw allow from 10.77.0.11 to any port 2379:2380 proto tcp\n" \
    "ufw allow 6443/tcp comment 'bigtop-bootstrap'\n" \
    "ufw allow from 10.244.0.0/16 comment 'bigtop-bootstrap'\n" \
    "ufw route allow from 10.244.0.0/16 comment 'bigtop-bootstrap'\n" \
    "ufw allow from 10.77.0.12 proto vrrp comment 'bigtop-bootstrap'\n"

static bool ufw_has(const char *text)
{
    struct opening o = parsed(text);
    return firewall_ufw_has(ADDED, &o);
}

static void ufw_rules(void **state)
{
    (void) state;
    assert_true(ufw_has("tcp:6443-6443:10.77.0.0/24:"));
    assert_true(ufw_has("tcp:2379-2380:10.77.0.11:"));
    assert_true(ufw_has("tcp:6443-6443:0.0.0.0/0:"));
    assert_true(ufw_has("pods:0-0:10.244.0.0/16:"));
    assert_true(ufw_has("pods:0-0:10.244.0.0/16:forward"));
    assert_true(ufw_has("vrrp:0-0:10.77.0.12:"));
    assert_false(ufw_has("vrrp:0-0:10.77.0.1:"));
    assert_false(ufw_has("tcp:6443-6443:10.77.0.11:"));
    assert_false(ufw_has("tcp:2-2:0.0.0.0/0:")); /* not 22/tcp */
    assert_false(ufw_has("udp:6443-6443:0.0.0.0/0:"));
    assert_false(ufw_has("pods:0-0:10.245.0.0/16:"));
}

static void assert_rich(const char *text, const char *expected)
{
    struct opening o = parsed(text);
    AUTO_FREE char *rule = firewall_firewalld_rule(&o);
    assert_string_equal(rule, expected);
}

static void firewalld_rules(void **state)
{
    (void) state;
    assert_rich("tcp:10250-10250:10.77.0.11:public",
                "rule family=\"ipv4\" source address=\"10.77.0.11\" port port=\"10250\" "
                "protocol=\"tcp\" accept");
    assert_rich("tcp:2379-2380:10.77.0.11:public",
                "rule family=\"ipv4\" source address=\"10.77.0.11\" port port=\"2379-2380\" "
                "protocol=\"tcp\" accept");
    assert_rich("tcp:6443-6443:0.0.0.0/0:public",
                "rule family=\"ipv4\" port port=\"6443\" protocol=\"tcp\" accept");
    assert_rich("vrrp:0-0:10.77.0.12:public",
                "rule family=\"ipv4\" source address=\"10.77.0.12\" protocol value=\"vrrp\" "
                "accept");
}

#define ZONES \
    "dmz\n  target: default\n  interfaces: eth1\n  sources: \n  rich rules: \n" \
    "\trule family=\"ipv4\" port port=\"6443\" protocol=\"tcp\" accept\n\n" \
    "internal (active)\n  interfaces: \n  sources: 10.0.0.0/24 10.1.0.0/24\n\n" \
    "public (default, active)\n  interfaces: eth0 eth2\n  sources: \n  services: ssh\n" \
    "  rich rules: \n" \
    "\trule family=\"ipv4\" source address=\"10.77.0.11\" port port=\"2379-2380\" " \
    "protocol=\"tcp\" accept\n\n" \
    "trusted (active)\n  target: ACCEPT\n  interfaces: \n  sources: 10.244.0.0/16 10.9.0.0/16\n"

static void assert_zones(const char *all, const char *interface, const char *expected)
{
    STRV(zones);
    firewall_firewalld_zones(all, interface, "public", &zones);
    AUTO_FREE char *text = strv_join(&zones, "|");
    assert_string_equal(text, expected);
}

static void firewalld_zones(void **state)
{
    (void) state;
    assert_zones("", "eth0", "public");
    assert_zones(ZONES, "eth0", "internal|public");
    assert_zones(ZONES, "eth1", "dmz|internal");
    assert_zones(ZONES, "eth", "internal|public");
    assert_zones("  sources: 10.0.0.1 no zone before it\n", "eth0", "public");
}

static bool firewalld_has(const char *text)
{
    struct opening o = parsed(text);
    return firewall_firewalld_has(ZONES, &o);
}

static void firewalld_rules_of_a_zone(void **state)
{
    (void) state;
    assert_true(firewalld_has("tcp:6443-6443:0.0.0.0/0:dmz"));
    assert_false(firewalld_has("tcp:6443-6443:0.0.0.0/0:public"));
    assert_true(firewalld_has("tcp:2379-2380:10.77.0.11:public"));
    assert_false(firewalld_has("tcp:2379-2379:10.77.0.11:public"));
    assert_true(firewalld_has("pods:0-0:10.244.0.0/16:trusted"));
    assert_false(firewalld_has("pods:0-0:10.244.0.0/16:internal"));
    assert_false(firewalld_has("pods:0-0:10.0.0.0/24:trusted"));
    assert_true(firewalld_has("pods:0-0:10.0.0.0/24:internal"));
}

static void odd_places_are_no_places(void **state)
{
    (void) state;
    AUTO_OPENINGS all = {0};
    struct opening o = parsed("tcp:1-1:10.0.0.1:");
    assert_false(openings_add_at(&all, &o, "inet filter x\"; flush ruleset"));
    assert_false(openings_add_at(&all, &o, "public --permanent"));
    assert_false(openings_add_at(&all, &o, "a\nb"));
    assert_int_equal(all.count, 0);
    assert_true(openings_add_at(&all, &o, "public"));
    assert_false(openings_has(&all, &o));
    o = parsed("tcp:1-1:10.0.0.1:public");
    assert_true(openings_has(&all, &o));
}

static void endless_script(const struct openings *all, struct strbuf *out)
{
    (void) all;
    while (!strbuf_full(out))
        strbuf_adds(out, "insert rule inet filter input accept\n");
}

static int never_closes(const struct firewall_kind *k, const struct openings *some,
                        struct error *err)
{
    (void) k;
    (void) some;
    (void) err;
    fail();
    return 0;
}

/* Half of the rules would look like all of them. */
static void a_script_that_was_cut_is_not_run(void **state)
{
    (void) state;
    const struct firewall_kind kind = {
        .name = "test", .script = endless_script, .loader = "false", .close = never_closes};
    const struct step_context ctx = {0};
    const struct openings none = {0};
    struct error err = ERROR_INIT;
    assert_int_equal(firewall_boot_open(&kind, &ctx, &none, NULL, &err), -E2BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_come_back),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(sources_of_the_same_ports_are_one_line),
        cmocka_unit_test(nft_rules),
        cmocka_unit_test(nft_chains_that_drop),
        cmocka_unit_test(iptables_chains_that_drop),
        cmocka_unit_test(iptables_rules_and_their_end),
        cmocka_unit_test(ufw_rules),
        cmocka_unit_test(firewalld_rules),
        cmocka_unit_test(firewalld_zones),
        cmocka_unit_test(firewalld_rules_of_a_zone),
        cmocka_unit_test(odd_places_are_no_places),
        cmocka_unit_test(a_script_that_was_cut_is_not_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
