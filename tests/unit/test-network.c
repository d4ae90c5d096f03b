#include "tests/unit/unit.h"

#include "iso/network.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <unistd.h>

static char *macs[] = {(char *) "52:54:00:00:00:0b", (char *) "52:54:00:00:00:0c"};

static void expect(const struct iso_network *n, const struct iso_network_file *wanted, size_t count)
{
    AUTO_ISO_NETWORK_FILES files = {0};
    iso_network_files(n, &files);
    assert_int_equal(files.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(files.items[i].name, wanted[i].name);
        assert_string_equal(files.items[i].text, wanted[i].text);
    }
}

#define ONE_CARD "[Match]\nPermanentMACAddress=52:54:00:00:00:0b\n"
#define OTHER_CARD "[Match]\nPermanentMACAddress=52:54:00:00:00:0c\n"
#define DHCP "LLMNR=no\nDHCP=yes\n\n[DHCPv4]\nClientIdentifier=mac\nUseHostname=no\n"
#define FILE_OF(file, content) \
    { \
        (char *) "10-bigtop-" file, (char *) (content) \
    }
#define VLAN20 FILE_OF("vlan20.netdev", "[NetDev]\nName=vlan20\nKind=vlan\n\n[VLAN]\nId=20\n")

static void test_one_card(void **state)
{
    (void) state;
    const struct iso_network n = {.macs = macs,
                                  .mac_count = 1,
                                  .address = "10.9.0.11",
                                  .cidr = "10.9.0.0/22",
                                  .gateway = "10.9.0.1"};
    const struct iso_network_file wanted[] = {FILE_OF("52540000000b.network", ONE_CARD
                                                      "\n[Network]\nLLMNR=no\n"
                                                      "Address=10.9.0.11/22\nGateway=10.9.0.1\n")};
    expect(&n, wanted, ARRAY_SIZE(wanted));
}

static void test_vlan_with_dhcp(void **state)
{
    (void) state;
    const struct iso_network n = {.macs = macs, .mac_count = 1, .vlan = 20};
    const struct iso_network_file wanted[] = {
        FILE_OF("52540000000b.network",
                ONE_CARD "\n[Network]\nVLAN=vlan20\nLinkLocalAddressing=no\n"),
        VLAN20, FILE_OF("vlan20.network", "[Match]\nName=vlan20\n\n[Network]\n" DHCP)};
    expect(&n, wanted, ARRAY_SIZE(wanted));
}

static void test_bond(void **state)
{
    (void) state;
    const struct iso_network n = {.macs = macs,
                                  .mac_count = 2,
                                  .mode = "active-backup",
                                  .address = "10.9.0.11",
                                  .cidr = "10.9.0.0/24"};
    const struct iso_network_file wanted[] = {
        FILE_OF("52540000000b.network", ONE_CARD "\n[Network]\nBond=bond0\n"),
        FILE_OF("52540000000c.network", OTHER_CARD "\n[Network]\nBond=bond0\n"),
        FILE_OF("bond0.netdev", "[NetDev]\nName=bond0\nKind=bond\n"
                                "MACAddress=52:54:00:00:00:0b\n\n"
                                "[Bond]\nMode=active-backup\nMIIMonitorSec=100ms\n"),
        FILE_OF("bond0.network",
                "[Match]\nName=bond0\n\n[Network]\nLLMNR=no\nAddress=10.9.0.11/24\n")};
    expect(&n, wanted, ARRAY_SIZE(wanted));
}

static void test_vlan_on_bond(void **state)
{
    (void) state;
    const struct iso_network n = {.macs = macs,
                                  .mac_count = 2,
                                  .mode = "802.3ad",
                                  .vlan = 20,
                                  .address = "10.9.0.11",
                                  .cidr = "10.9.0.0/24"};
    const struct iso_network_file wanted[] = {
        FILE_OF("52540000000b.network", ONE_CARD "\n[Network]\nBond=bond0\n"),
        FILE_OF("52540000000c.network", OTHER_CARD "\n[Network]\nBond=bond0\n"),
        FILE_OF("bond0.netdev", "[NetDev]\nName=bond0\nKind=bond\n"
                                "MACAddress=52:54:00:00:00:0b\n\n[Bond]\nMode=802.3ad\n"
                                "MIIMonitorSec=100ms\nTransmitHashPolicy=layer3+4\n"),
        FILE_OF("bond0.network", "[Match]\nName=bond0\n\n[Network]\nVLAN=vlan20\n"
                                 "LinkLocalAddressing=no\n"),
        VLAN20,
        FILE_OF("vlan20.network",
                "[Match]\nName=vlan20\n\n[Network]\nLLMNR=no\nAddress=10.9.0.11/24\n")};
    expect(&n, wanted, ARRAY_SIZE(wanted));
}

static size_t count_files(const char *dir)
{
    AUTO_DIR *folder = opendir(dir);
    size_t count = 0;
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    return count - 2;
}

/* Another hosts.yaml than the last one: what that one said is gone, what others wrote stays. */
static void test_written_again(void **state)
{
    AUTO_FREE char *dir = path_join(*state, "network");
    AUTO_FREE char *path = path_join(dir, "10-bigtop-52540000000b.network");
    AUTO_FREE char *others = path_join(dir, "80-bigtop.network");
    STRBUF(text, 4096);
    bool changed;
    struct iso_network n = {.macs = macs,
                            .mac_count = 2,
                            .mode = "802.3ad",
                            .vlan = 20,
                            .address = "10.9.0.11",
                            .cidr = "10.9.0.0/24"};
    assert_int_equal(iso_network_write(&n, dir, &changed, NULL), 0);
    assert_true(changed);
    assert_int_equal(file_write_new(others, "", 0, 0644, NULL), 0);
    assert_int_equal(iso_network_write(&n, dir, &changed, NULL), 0);
    assert_false(changed);
    assert_int_equal(count_files(dir), 7);
    n = (struct iso_network){
        .macs = macs, .mac_count = 1, .address = "10.9.0.12", .cidr = "10.9.0.0/24"};
    assert_int_equal(iso_network_write(&n, dir, &changed, NULL), 0);
    assert_true(changed);
    assert_int_equal(count_files(dir), 2);
    assert_int_equal(access(others, F_OK), 0);
    assert_int_equal(file_read(path, &text, NULL), 0);
    assert_non_null(strstr(text.data, "Address=10.9.0.12/24\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_card),
        cmocka_unit_test(test_vlan_with_dhcp),
        cmocka_unit_test(test_bond),
        cmocka_unit_test(test_vlan_on_bond),
        cmocka_folder_test(test_written_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
