#include "tests/unit/unit.h"

#include "iso/screen.h"

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPl4"

static struct iso_link cards[2];

static struct iso_links two_cards(void)
{
    cards[0] = (struct iso_link){.name = "eno1", .mac = "52:54:00:12:34:56", .cable = true};
    cards[1] = (struct iso_link){.name = "eno2", .mac = "52:54:00:12:34:57"};
    return (struct iso_links){cards, 2};
}

static char *draw(const struct iso_links *links, const char *fingerprint, const char *key)
{
    STRV(keys);
    STRV(missing);
    STRBUF(out, 8192);
    strv_add(&missing, "bond0 is not there yet");
    strv_add(&keys, key);
    const struct iso_screen screen = {.links = links,
                                      .name = "bigtop-525400123456",
                                      .fingerprint = fingerprint,
                                      .keys = &keys,
                                      .missing = &missing};
    iso_screen_draw(&screen, &out);
    return strbuf_steal(&out);
}

static void test_ready(void **state)
{
    (void) state;
    struct iso_links links = two_cards();
    strv_add(&cards[0].addresses, "10.0.0.11");
    AUTO_FREE char *text = draw(&links, "SHA256:abc", KEY " ops@rack");
    assert_non_null(strstr(text, "bigtop-525400123456: waiting for the coordinator"));
    assert_non_null(strstr(text, "10.0.0.11\n"));
    assert_non_null(strstr(text, "eno2         52:54:00:12:34:57  no cable"));
    assert_non_null(strstr(text, "SHA256:abc"));
    assert_non_null(strstr(text, "may log in   ops@rack\n"));
    strv_release(&cards[0].addresses);
}

static void test_disk(void **state)
{
    (void) state;
    struct iso_links links = two_cards();
    STRV(keys);
    STRBUF(out, 8192);
    strv_add(&cards[0].addresses, "10.0.0.11");
    struct iso_screen screen = {.links = &links,
                                .name = "one",
                                .fingerprint = "SHA256:abc",
                                .keys = &keys,
                                .missing = &keys,
                                .disk = "its own disk, slot B"};
    iso_screen_draw(&screen, &out);
    assert_non_null(strstr(out.data, "one: waiting for the coordinator"));
    assert_non_null(strstr(out.data, "Runs from its own disk, slot B."));
    assert_null(strstr(out.data, "no disk of this machine"));
    screen.disk = NULL;
    screen.install = "Not installed: no such disk";
    strbuf_reset(&out);
    iso_screen_draw(&screen, &out);
    assert_null(strstr(out.data, "waiting for the coordinator"));
    assert_non_null(strstr(out.data, "Not installed: no such disk"));
    assert_null(strstr(out.data, "no disk of this machine"));
    strv_release(&cards[0].addresses);
}

static void test_no_lease(void **state)
{
    (void) state;
    struct iso_links links = two_cards();
    AUTO_FREE char *text = draw(&links, "SHA256:abc", KEY);
    assert_non_null(strstr(text, "not reachable yet"));
    assert_non_null(strstr(text, "52:54:00:12:34:56  no address: nobody has given a DHCP lease"));
    assert_non_null(strstr(text, "may log in   " KEY "\n"));
}

static void test_bond(void **state)
{
    (void) state;
    struct iso_link made[] = {
        {.name = "eno1", .mac = "52:54:00:12:34:56", .user = "bond0", .cable = true},
        {.name = "eno2", .mac = "52:54:00:12:34:57", .user = "bond0"},
        {.name = "bond0", .kind = ISO_BOND_LINK, .user = "vlan20", .cable = true},
        {.name = "vlan20", .kind = ISO_VLAN_LINK, .cable = true}};
    made[2].no_partner = true;
    const struct iso_links links = {made, 4};
    AUTO_FREE char *text = draw(&links, "SHA256:abc", KEY);
    assert_non_null(strstr(text, "52:54:00:12:34:56  part of bond0\n"));
    assert_non_null(strstr(text, "52:54:00:12:34:57  part of bond0: no cable"));
    assert_non_null(strstr(text, "carries vlan20\n"));
    assert_non_null(strstr(text, "does not speak LACP"));
    assert_non_null(strstr(text, "nobody in this VLAN has given a DHCP lease"));
    assert_non_null(strstr(text, "\n  bond0 is not there yet\n"));
    assert_non_null(strstr(text, "not reachable yet"));
}

static void test_bond_without_a_cable(void **state)
{
    (void) state;
    struct iso_link made[] = {{.name = "bond0", .kind = ISO_BOND_LINK}};
    const struct iso_links links = {made, 1};
    AUTO_FREE char *text = draw(&links, "SHA256:abc", KEY);
    assert_non_null(strstr(text, "  none of its cards has a cable"));
    snprintf(made[0].user, sizeof(made[0].user), "vlan20");
    AUTO_FREE char *carries = draw(&links, "SHA256:abc", KEY);
    assert_non_null(strstr(carries, "carries vlan20: none of its cards has a cable"));
}

static void test_nothing(void **state)
{
    (void) state;
    struct iso_links none = {0};
    AUTO_FREE char *text = draw(&none, NULL, KEY);
    assert_non_null(strstr(text, "no network card"));
    assert_non_null(strstr(text, "not made yet"));
}

static void test_address_and_no_key_yet(void **state)
{
    (void) state;
    struct iso_links links = two_cards();
    strv_add(&cards[1].addresses, "10.0.0.11");
    AUTO_FREE char *text = draw(&links, NULL, KEY);
    assert_non_null(strstr(text, "not reachable yet"));
    assert_non_null(strstr(text, "10.0.0.11  (no cable)"));
    strv_release(&cards[1].addresses);
}

static void test_escape_in_a_comment(void **state)
{
    (void) state;
    struct iso_links links = two_cards();
    AUTO_FREE char *text = draw(&links, NULL, KEY " a\033[2Jb");
    assert_null(strchr(text, '\033'));
    assert_non_null(strcasestr(text, "a\\x1b[2Jb"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ready),
        cmocka_unit_test(test_disk),
        cmocka_unit_test(test_no_lease),
        cmocka_unit_test(test_bond),
        cmocka_unit_test(test_bond_without_a_cable),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_address_and_no_key_yet),
        cmocka_unit_test(test_escape_in_a_comment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
