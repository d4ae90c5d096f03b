#include "tests/unit/hosts-fixture.h"

#include "coordinator/rack.h"

static const char rack[] = "rack: {cidr: 10.9.0.0/24, gateway: 10.9.0.1, coordinator: 10.9.0.2,\n"
                           "       mac: 52:54:00:00:00:02}\n"
                           "hosts:\n"
                           "- {address: 10.9.0.11, name: one, mac: 52:54:00:00:00:0B}\n"
                           "- 10.9.0.12\n"
                           "- {address: 10.9.0.13, name: three, mac: 52:54:00:00:00:0d}\n";

static struct iso_links two(struct iso_link cards[2], const char *one, const char *other)
{
    cards[0] = (struct iso_link){.name = "eno1"};
    cards[1] = (struct iso_link){.name = "eno2"};
    snprintf(cards[0].mac, sizeof(cards[0].mac), "%s", one);
    snprintf(cards[1].mac, sizeof(cards[1].mac), "%s", other);
    return (struct iso_links){cards, 2};
}

static void test_host(void **state)
{
    (void) state;
    CLEANUP(inventory_release) struct inventory inv = load_hosts(rack);
    struct iso_link cards[2];
    const struct iso_links links = two(cards, "52:54:00:00:00:99", "52:54:00:00:00:0b");
    const struct rack_place place = rack_find(&inv, &links);
    const struct iso_network *n = &place.network;
    STRV(missing);
    assert_string_equal(rack_name(place), "one");
    assert_false(place.coordinator);
    assert_int_equal(n->mac_count, 1);
    assert_string_equal(n->macs[0], "52:54:00:00:00:0b");
    assert_string_equal(n->address, "10.9.0.11");
    assert_string_equal(n->cidr, "10.9.0.0/24");
    assert_string_equal(n->gateway, "10.9.0.1");
    assert_null(n->mode);
    assert_int_equal(n->vlan, 0);
    rack_missing(&inv, &place, &links, &missing);
    assert_int_equal(missing.count, 0);
}

static void test_coordinator(void **state)
{
    (void) state;
    CLEANUP(inventory_release) struct inventory inv = load_hosts(rack);
    struct iso_link cards[2];
    const struct iso_links links = two(cards, "52:54:00:00:00:99", "52:54:00:00:00:02");
    const struct rack_place place = rack_find(&inv, &links);
    assert_null(place.host);
    assert_true(place.coordinator);
    assert_string_equal(place.network.address, "10.9.0.2");
}

static void test_no_rack(void **state)
{
    (void) state;
    CLEANUP(inventory_release) struct inventory inv = load_hosts("hosts: [10.9.0.11]\n");
    struct iso_link card = {.name = "eno1", .mac = "52:54:00:00:00:0b"};
    const struct iso_links links = {&card, 1};
    const struct rack_place place = rack_find(&inv, &links);
    STRV(missing);
    assert_int_equal(place.network.mac_count, 0);
    assert_null(place.host);
    assert_false(place.coordinator);
    rack_missing(&inv, &place, &links, &missing);
    assert_int_equal(missing.count, 0);
}

static void test_stranger(void **state)
{
    (void) state;
    CLEANUP(inventory_release) struct inventory inv = load_hosts(rack);
    struct iso_link cards[2];
    const struct iso_links links = two(cards, "52:54:00:00:00:98", "52:54:00:00:00:99");
    const struct rack_place place = rack_find(&inv, &links);
    STRV(missing);
    rack_missing(&inv, &place, &links, &missing);
    assert_int_equal(place.network.mac_count, 0);
    assert_int_equal(missing.count, 1);
    assert_non_null(strstr(missing.items[0], "none of these cards"));
}

static const char bonds[] =
    "rack: {cidr: 10.9.0.0/24, vlan: 20, coordinator: 10.9.0.2,\n"
    "       bond: {macs: [52:54:00:00:00:02, 52:54:00:00:00:03], mode: 802.3ad}}\n"
    "hosts:\n"
    "- {address: 10.9.0.11, bond: {macs: [52:54:00:00:00:0B, 52:54:00:00:00:0c]}}\n";

static void test_bond_with_a_card_missing(void **state)
{
    (void) state;
    CLEANUP(inventory_release) struct inventory inv = load_hosts(bonds);
    struct iso_link cards[2];
    const struct iso_links links = two(cards, "52:54:00:00:00:99", "52:54:00:00:00:0c");
    const struct rack_place place = rack_find(&inv, &links);
    STRV(missing);
    assert_false(place.coordinator);
    assert_int_equal(place.network.mac_count, 2);
    assert_string_equal(place.network.macs[0], "52:54:00:00:00:0b");
    assert_string_equal(place.network.mode, "active-backup");
    assert_int_equal(place.network.vlan, 20);
    rack_missing(&inv, &place, &links, &missing);
    AUTO_FREE char *text = strv_join(&missing, "\n");
    assert_string_equal(text,
                        "hosts.yaml has a card 52:54:00:00:00:0b in bond0, and this machine has "
                        "not\nbond0 is not there yet\nvlan20 is not there yet");
}

/* The bond has the number of a card: it is none. */
static void test_bond_is_no_card(void **state)
{
    (void) state;
    CLEANUP(inventory_release) struct inventory inv = load_hosts(bonds);
    struct iso_link made[3] = {
        {.name = "eno1", .mac = "52:54:00:00:00:03"},
        {.name = "bond0", .mac = "52:54:00:00:00:02", .kind = ISO_BOND_LINK},
        {.name = "vlan20", .mac = "52:54:00:00:00:02", .kind = ISO_VLAN_LINK}};
    const struct iso_links links = {made, 3};
    const struct rack_place place = rack_find(&inv, &links);
    STRV(missing);
    assert_true(place.coordinator);
    assert_string_equal(place.network.mode, "802.3ad");
    rack_missing(&inv, &place, &links, &missing);
    assert_int_equal(missing.count, 1);
    assert_non_null(strstr(missing.items[0], "52:54:00:00:00:02"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host),
        cmocka_unit_test(test_coordinator),
        cmocka_unit_test(test_no_rack),
        cmocka_unit_test(test_stranger),
        cmocka_unit_test(test_bond_with_a_card_missing),
        cmocka_unit_test(test_bond_is_no_card),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
