#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/facts-network.h"
#include "agent/facts.h"
#include "lib/strbuf.h"

#include <string.h>

#define ROUTES "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
#define SOCKETS "  sl  local_address rem_address   st tx_queue rx_queue\n"

static void assert_route(const char *text, const char *interface, const char *gateway)
{
    AUTO_JSON *route = network_default_route(text);
    assert_string_equal(json_get_string(route, "interface", "none"), interface);
    assert_string_equal(json_get_string(route, "gateway", "none"), gateway);
}

static void test_default_route(void **state)
{
    (void) state;
    assert_route("", "none", "none");
    assert_route(ROUTES "eth0\t00004D0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n", "none",
                 "none");
    assert_route(ROUTES "eth0\t00000000\t010200C0\t0003\t0\t0\t200\t00000000\t0\t0\t0\n"
                        "eth1\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
                        "eth2\t00000000\t0200000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n",
                 "eth1", "10.0.0.1");
    /* Half of the net by a /1 route is not the default. */
    assert_route(ROUTES "tun0\t00000000\t0100000A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n", "none",
                 "none");
    assert_route(ROUTES "garbage\n\n", "none", "none");
}

static bool parse(const char *text, size_t servers, size_t searched)
{
    AUTO_JSON *nameservers = json_array();
    AUTO_JSON *search = json_array();
    bool is_usable = network_parse_resolv(text, nameservers, search);
    assert_int_equal(json_array_size(nameservers), servers);
    assert_int_equal(json_array_size(search), searched);
    return is_usable;
}

static void test_resolv(void **state)
{
    (void) state;
    assert_true(parse("nameserver 10.0.0.53\n", 1, 0));
    assert_true(parse("search a.b c.d\nnameserver\t10.0.0.53 \nnameserver fd00::1\n", 2, 2));
    assert_true(parse("search a b\nsearch c\nnameserver 1.1.1.1\n", 1, 1));
    assert_false(parse("", 0, 0));
    assert_false(parse("# nameserver 10.0.0.53\nsearch x\n", 0, 1));
    assert_false(parse("nameserver 127.0.0.53\n", 1, 0));
    assert_false(parse("nameserver 10.0.0.53\nnameserver ::1\n", 2, 0));
    assert_false(parse("nameserver 10.0.0.53\nnameserver 127.0.0.1\n", 2, 0));
}

static void test_listening(void **state)
{
    (void) state;
    AUTO_JSON *list = json_array();
    network_parse_listening(SOCKETS "   0: 00000000:0016 00000000:0000 0A 0 0\n"
                                    "   1: 0100007F:1A0B 00000000:0000 0A 0 0\n"
                                    "   2: 0100007F:0016 0100007F:A000 01 0 0\n"
                                    "garbage\n",
                            "tcp", list);
    network_parse_listening(SOCKETS "   0: 00000000000000000000000000000000:0016 "
                                    "00000000000000000000000000000000:0000 0A 0 0\n",
                            "tcp", list);
    network_parse_listening(SOCKETS "   0: 00000000:0035 00000000:0000 07 0 0\n", "udp", list);
    assert_int_equal(json_array_size(list), 3);
    assert_int_equal(json_get_int(json_array_get(list, 0), "port", 0), 22);
    assert_int_equal(json_get_int(json_array_get(list, 1), "port", 0), 6667);
    assert_int_equal(json_get_int(json_array_get(list, 2), "port", 0), 53);
    assert_string_equal(json_get_string(json_array_get(list, 2), "protocol", ""), "udp");
}

static void test_too_many_ports_are_cut(void **state)
{
    (void) state;
    AUTO_JSON *list = json_array();
    STRBUF(text, 1 << 20);
    strbuf_adds(&text, SOCKETS);
    for (int i = 1; i <= 2 * FACTS_LIST_MAX; i++)
        strbuf_addf(&text, "   %d: 00000000:%04X 00000000:0000 0A 0 0\n", i, i);
    network_parse_listening(text.data, "tcp", list);
    assert_int_equal(json_array_size(list), FACTS_LIST_MAX);
}

/* What this machine says: every promised member, of the promised type. */
static void test_members(void **state)
{
    (void) state;
    AUTO_JSON *obj = json_object();
    facts_system(obj);
    facts_network(obj);
    facts_kernel(obj);
    static const char *const strings[] = {"hostname", "kernel", "arch", "boot_id"};
    static const char *const arrays[] = {"interfaces", "listening", "swap"};
    static const char *const objects[] = {"os",       "disks",   "resolv",
                                          "programs", "modules", "capabilities"};
    for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
        assert_true(json_is_string(json_object_get(obj, strings[i])));
    for (size_t i = 0; i < ARRAY_SIZE(arrays); i++)
        assert_true(json_is_array(json_object_get(obj, arrays[i])));
    for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
        assert_true(json_is_object(json_object_get(obj, objects[i])));
    assert_true(json_get_int(obj, "memory_kib", 0) > 0);
    assert_true(json_get_int(obj, "memory_available_kib", 0) > 0);
    assert_true(json_get_int(obj, "cpus", 0) > 0);
    assert_true(json_get_int(obj, "cgroup", 0) == 1 || json_get_int(obj, "cgroup", 0) == 2);
    const json_t *disk = json_object_get(json_object_get(obj, "disks"), "/var/lib");
    assert_true(json_get_int(disk, "total_kib", 0) >= json_get_int(disk, "free_kib", -1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_route), cmocka_unit_test(test_resolv),
        cmocka_unit_test(test_listening),     cmocka_unit_test(test_too_many_ports_are_cut),
        cmocka_unit_test(test_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
