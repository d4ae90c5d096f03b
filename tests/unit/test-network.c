#include "tests/unit/unit.h"

#include "iso/network.h"
#include "lib/fd.h"
#include "lib/path.h"

static void test_one_card(void **state)
{
    (void) state;
    AUTO_ISO_NETWORK n = {.cidr = "10.9.0.0/22", .gateway = "10.9.0.1"};
    STRBUF(text, 4096);
    iso_network_add(&n, "52:54:00:00:00:0b", "10.9.0.11");
    AUTO_FREE char *name = iso_network_file(&n, 0, &text);
    assert_string_equal(name, "10-bigtop-52540000000b.network");
    assert_string_equal(text.data, "[Match]\nPermanentMACAddress=52:54:00:00:00:0b\n\n[Network]\n"
                                   "LLMNR=no\nAddress=10.9.0.11/22\nGateway=10.9.0.1\n");
}

static void test_each_its_own(void **state)
{
    (void) state;
    AUTO_ISO_NETWORK n = {.cidr = "10.9.0.0/24"};
    STRBUF(one, 4096);
    STRBUF(other, 4096);
    iso_network_add(&n, "52:54:00:00:00:0b", "10.9.0.11");
    iso_network_add(&n, "52:54:00:00:00:0c", "10.9.0.12");
    AUTO_FREE char *first = iso_network_file(&n, 0, &one);
    AUTO_FREE char *second = iso_network_file(&n, 1, &other);
    assert_string_not_equal(first, second);
    assert_non_null(strstr(other.data, "Address=10.9.0.12/24\n"));
    assert_null(strstr(other.data, "Gateway"));
}

static void test_written_again(void **state)
{
    AUTO_ISO_NETWORK n = {.cidr = "10.9.0.0/24"};
    AUTO_FREE char *dir = path_join(*state, "network");
    AUTO_FREE char *path = path_join(dir, "10-bigtop-52540000000b.network");
    STRBUF(text, 4096);
    iso_network_add(&n, "52:54:00:00:00:0b", "10.9.0.11");
    assert_int_equal(iso_network_write(&n, dir, NULL), 0);
    n.items[0].address = "10.9.0.12";
    assert_int_equal(iso_network_write(&n, dir, NULL), 0);
    assert_int_equal(file_read(path, &text, NULL), 0);
    assert_non_null(strstr(text.data, "Address=10.9.0.12/24\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_card),
        cmocka_unit_test(test_each_its_own),
        cmocka_folder_test(test_written_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
