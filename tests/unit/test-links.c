#include "tests/unit/unit.h"

#include "iso/links.h"
#include "lib/fd.h"

#include <errno.h>

static void put(const char *dir, const char *path, const char *text)
{
    AUTO_FREE char *to = path_join(dir, path);
    AUTO_FREE char *parent = path_dirname(to);
    assert_int_equal(path_mkdir_p(parent, 0755, NULL), 0);
    assert_int_equal(file_write_new(to, text, strlen(text), 0644, NULL), 0);
}

static void test_mac_digits(void **state)
{
    (void) state;
    char digits[ISO_MAC_TEXT];
    iso_mac_digits("52:54:00:12:34:56", digits);
    assert_string_equal(digits, "525400123456");
    iso_mac_digits("", digits);
    assert_string_equal(digits, "");
}

static void test_cards_only(void **state)
{
    const char *dir = *state;
    AUTO_ISO_LINKS links = {0};
    put(dir, "eth1/address", "52:54:00:00:00:02\n");
    put(dir, "eth1/device/vendor", "x");
    put(dir, "eth0/address", "52:54:00:00:00:01\n");
    put(dir, "eth0/carrier", "1\n");
    put(dir, "eth0/device/vendor", "x");
    put(dir, "cni0/address", "52:54:00:00:00:03\n");
    put(dir, "lo/carrier", "1\n");
    assert_int_equal(iso_links_read(dir, &links, NULL), 0);
    assert_int_equal(links.count, 2);
    assert_string_equal(links.items[0].name, "eth0");
    assert_string_equal(links.items[0].mac, "52:54:00:00:00:01");
    assert_true(links.items[0].cable);
    assert_string_equal(links.items[1].name, "eth1");
    assert_false(links.items[1].cable);
}

static void test_bond_and_vlan(void **state)
{
    const char *dir = *state;
    AUTO_ISO_LINKS links = {0};
    put(dir, "eth0/address", "52:54:00:00:00:01\n");
    put(dir, "eth0/device/vendor", "x");
    put(dir, "eth0/upper_bond0", "");
    put(dir, "eth0/bonding_slave/perm_hwaddr", "52:54:00:00:00:02\n");
    put(dir, "vlan20/uevent", "DEVTYPE=vlan\nINTERFACE=vlan20\nIFINDEX=5\n");
    put(dir, "vlan20/address", "52:54:00:00:00:01\n");
    put(dir, "bond0/uevent", "DEVTYPE=bond\nINTERFACE=bond0\nIFINDEX=4\n");
    put(dir, "bond0/address", "52:54:00:00:00:01\n");
    put(dir, "bond0/carrier", "1\n");
    put(dir, "bond0/upper_vlan20", "");
    put(dir, "bond0/bonding/ad_partner_mac", "00:00:00:00:00:00\n");
    put(dir, "flannel.1/uevent", "DEVTYPE=vxlan\nINTERFACE=flannel.1\nIFINDEX=6\n");
    assert_int_equal(iso_links_read(dir, &links, NULL), 0);
    assert_int_equal(links.count, 3);
    const struct iso_link *card = &links.items[0], *bond = &links.items[1];
    assert_string_equal(card->name, "eth0");
    assert_int_equal(card->kind, ISO_CARD);
    assert_string_equal(card->mac, "52:54:00:00:00:02");
    assert_string_equal(card->user, "bond0");
    assert_string_equal(bond->name, "bond0");
    assert_int_equal(bond->kind, ISO_BOND_LINK);
    assert_string_equal(bond->user, "vlan20");
    assert_true(bond->cable);
    assert_true(bond->no_partner);
    assert_string_equal(links.items[2].name, "vlan20");
    assert_int_equal(links.items[2].kind, ISO_VLAN_LINK);
    assert_false(links.items[2].no_partner);
}

static void test_none(void **state)
{
    AUTO_ISO_LINKS links = {0};
    assert_int_equal(iso_links_read(*state, &links, NULL), 0);
    assert_int_equal(links.count, 0);
    struct error err = ERROR_INIT;
    assert_int_equal(iso_links_read("/nowhere", &links, &err), -ENOENT);
}

/* The loopback of the machine has an address that no card may get. */
static void test_addresses_go_to_their_card(void **state)
{
    const char *dir = *state;
    AUTO_ISO_LINKS links = {0};
    put(dir, "lo/device/vendor", "x");
    put(dir, "nothing0/device/vendor", "x");
    assert_int_equal(iso_links_read(dir, &links, NULL), 0);
    assert_int_equal(iso_links_address(&links, NULL), 0);
    assert_string_equal(links.items[0].name, "lo");
    assert_true(strv_contains(&links.items[0].addresses, "127.0.0.1"));
    assert_int_equal(links.items[1].addresses.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mac_digits),
        cmocka_unit_test_setup_teardown(test_cards_only, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_bond_and_vlan, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_none, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_addresses_go_to_their_card, folder_setup,
                                        folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
