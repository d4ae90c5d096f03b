#include "tests/unit/unit.h"

#include "coordinator/rack.h"

static struct inventory load(const char *text)
{
    struct yaml_file file = YAML_FILE_INIT;
    struct inventory inv = INVENTORY_INIT;
    struct error err = ERROR_INIT;
    if (yaml_parse(text, strlen(text), "hosts.yaml", &file, &err) < 0 ||
        inventory_from_yaml(&file, &inv, &err) < 0)
        fail_msg("%s", err.text);
    yaml_release(&file);
    return inv;
}

static const char rack[] = "rack: {cidr: 10.9.0.0/24, gateway: 10.9.0.1, coordinator: 10.9.0.2,\n"
                           "       mac: 52:54:00:00:00:02}\n"
                           "hosts:\n"
                           "- {address: 10.9.0.11, name: one, mac: 52:54:00:00:00:0B}\n"
                           "- 10.9.0.12\n"
                           "- {address: 10.9.0.13, name: three, mac: 52:54:00:00:00:0d}\n";

static void test_network(void **state)
{
    (void) state;
    CLEANUP(inventory_release) struct inventory inv = load(rack);
    AUTO_ISO_NETWORK n = {0};
    rack_network(&inv, &n);
    assert_string_equal(n.cidr, "10.9.0.0/24");
    assert_string_equal(n.gateway, "10.9.0.1");
    assert_int_equal(n.count, 3);
    assert_string_equal(n.items[0].mac, "52:54:00:00:00:02");
    assert_string_equal(n.items[0].address, "10.9.0.2");
    assert_string_equal(n.items[1].mac, "52:54:00:00:00:0b");
    assert_string_equal(n.items[2].address, "10.9.0.13");
}

static void test_no_rack(void **state)
{
    (void) state;
    CLEANUP(inventory_release) struct inventory inv = load("hosts: [10.9.0.11]\n");
    AUTO_ISO_NETWORK n = {0};
    struct iso_link card = {.name = "eno1", .mac = "52:54:00:00:00:0b"};
    const struct iso_links links = {&card, 1};
    rack_network(&inv, &n);
    assert_int_equal(n.count, 0);
    assert_null(rack_find(&inv, &links).name);
    assert_false(rack_find(&inv, &links).coordinator);
}

static void test_who_it_is(void **state)
{
    (void) state;
    CLEANUP(inventory_release) struct inventory inv = load(rack);
    struct iso_link cards[2] = {{.name = "eno1", .mac = "52:54:00:00:00:99"},
                                {.name = "eno2", .mac = "52:54:00:00:00:0d"}};
    const struct iso_links links = {cards, 2};
    assert_string_equal(rack_find(&inv, &links).name, "three");
    assert_false(rack_find(&inv, &links).coordinator);
    snprintf(cards[1].mac, sizeof(cards[1].mac), "52:54:00:00:00:02");
    assert_null(rack_find(&inv, &links).name);
    assert_true(rack_find(&inv, &links).coordinator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_network),
        cmocka_unit_test(test_no_rack),
        cmocka_unit_test(test_who_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
