#include "tests/unit/hosts-fixture.h"

#include "coordinator/find-hosts.h"

#include <errno.h>

#define KEY "SHA256:abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
#define LINE(name, address, texts) \
    "=;eth0;IPv4;" name ";_bigtop-host._tcp;local;" name ".local;" address ";22;" texts "\n"

static const char three[] = "hosts:\n"
                            "- {name: one, mac: \"52:54:00:00:00:01\"}\n"
                            "- {name: two, serial: S2}\n"
                            "- {bond: {macs: [52:54:00:00:00:31, 52:54:00:00:00:32]}}\n"
                            "- 10.9.0.4\n";
#define ONE LINE("n1", "10.9.0.1", "\"mac=52:54:00:00:00:01\" \"key=" KEY "\"")
#define TWO LINE("n2", "10.9.0.2", "\"serial=S2\" \"mac=52:54:00:00:00:02\"")
#define THREE LINE("n3", "10.9.0.3", "\"mac=52:54:00:00:00:99,52:54:00:00:00:32\"")

static int match(struct inventory *inv, const char *said, struct strv *found, struct error *err)
{
    AUTO_ISO_HEARD heard = {0};
    iso_heard_parse(said, &heard);
    *err = ERROR_INIT;
    return find_hosts_match(inv, &heard, found, err);
}

static void test_all(void **state)
{
    (void) state;
    CLEANUP(inventory_release) struct inventory inv = load_hosts(three);
    STRV(found);
    struct error err;
    assert_true(find_hosts_needed(&inv));
    assert_string_equal(host_label(&inv.hosts[2]), "52:54:00:00:00:31");
    assert_int_equal(match(&inv, ONE TWO THREE, &found, &err), 0);
    assert_false(find_hosts_needed(&inv));
    for (size_t i = 0; i < 4; i++) {
        AUTO_FREE char *address = xasprintf("10.9.0.%zu", i + 1);
        assert_string_equal(inv.hosts[i].address, address);
    }
    assert_int_equal(found.count, 3);
    assert_string_equal(found.items[0], "one was heard: 52:54:00:00:00:01, 10.9.0.1, says that its "
                                        "key is " KEY);
    assert_string_equal(host_label(&inv.hosts[2]), "10.9.0.3");
}

/* Nothing is taken before all are there. */
static void test_missing(void **state)
{
    (void) state;
    CLEANUP(inventory_release) struct inventory inv = load_hosts(three);
    STRV(found);
    struct error err;
    assert_int_equal(match(&inv, ONE LINE("x", "10.9.0.9", "\"serial=S9\""), &found, &err), -ESRCH);
    assert_string_equal(err.text, "no machine says that it is two (serial S2), 52:54:00:00:00:31; "
                                  "heard were: serial S9, 10.9.0.9");
    assert_true(err.remedy[0]);
    assert_null(inv.hosts[0].address);
    assert_int_equal(found.count, 0);
    assert_int_equal(match(&inv, "", &found, &err), -ESRCH);
    assert_error_has(err, "one (52:54:00:00:00:01)");
    assert_error_has(err, "no other machine was heard");
}

static void test_many_others_are_cut(void **state)
{
    (void) state;
    CLEANUP(inventory_release)
    struct inventory inv = load_hosts("hosts: [{name: one, serial: S1}]\n");
    STRV(found);
    STRBUF(said, 64 * 1024);
    struct error err;
    for (unsigned i = 1; i <= 30; i++)
        strbuf_addf(&said, LINE("n%u", "10.9.0.%u", "\"serial=X%u\""), i, i, i, i);
    assert_int_equal(match(&inv, said.data, &found, &err), -ESRCH);
    assert_error_has(err, "serial X8, 10.9.0.8; 22 more");
}

static void test_two_machines(void **state)
{
    (void) state;
    CLEANUP(inventory_release) struct inventory inv = load_hosts(three);
    STRV(found);
    struct error err;
    assert_int_equal(match(&inv,
                           ONE TWO THREE LINE("thief", "10.9.0.66", "\"mac=52:54:00:00:00:01\""),
                           &found, &err),
                     -EEXIST);
    assert_string_equal(err.text, "two machines say that they are one: 10.9.0.1 (n1) and 10.9.0.66 "
                                  "(thief)");
    assert_null(inv.hosts[1].address);
}

/* By two cards of ours, or in two networks. */
static void test_one_machine_heard_twice(void **state)
{
    (void) state;
    CLEANUP(inventory_release) struct inventory inv = load_hosts(three);
    STRV(found);
    struct error err;
    assert_int_equal(
        match(&inv,
              ONE TWO THREE LINE("n2", "192.168.0.2", "\"serial=S2\" \"mac=52:54:00:00:00:02\""),
              &found, &err),
        0);
    assert_string_equal(inv.hosts[1].address, "10.9.0.2");
}

static void test_two_hosts(void **state)
{
    (void) state;
    CLEANUP(inventory_release) struct inventory inv = load_hosts(three);
    STRV(found);
    struct error err;
    assert_int_equal(match(&inv,
                           THREE LINE("n1", "10.9.0.1", "\"mac=52:54:00:00:00:01\" \"serial=S2\""),
                           &found, &err),
                     -EEXIST);
    assert_error_has(err, "10.9.0.1 says that it is one");
    assert_int_equal(match(&inv, ONE THREE LINE("n2", "10.9.0.4", "\"serial=S2\""), &found, &err),
                     -EEXIST);
    assert_error_has(err, "10.9.0.4 of line 5");
}

/* All that the line says, not any of it. */
static void test_card_and_serial(void **state)
{
    (void) state;
    CLEANUP(inventory_release)
    struct inventory inv =
        load_hosts("hosts: [{name: one, mac: \"52:54:00:00:00:01\", serial: S1}]\n");
    STRV(found);
    struct error err;
    assert_int_equal(match(&inv, ONE, &found, &err), -ESRCH);
    assert_int_equal(match(&inv, LINE("n1", "10.9.0.1", "\"serial=S1\""), &found, &err), -ESRCH);
    assert_int_equal(match(&inv, LINE("n1", "10.9.0.1", "\"serial=S1\" \"mac=52:54:00:00:00:01\""),
                           &found, &err),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_many_others_are_cut),
        cmocka_unit_test(test_two_machines),
        cmocka_unit_test(test_one_machine_heard_twice),
        cmocka_unit_test(test_two_hosts),
        cmocka_unit_test(test_card_and_serial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
