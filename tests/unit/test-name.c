#include "tests/unit/unit.h"

#include "iso/name.h"

static void test_of_the_first_card(void **state)
{
    (void) state;
    struct iso_link cards[2] = {{.name = "eno1", .mac = "52:54:00:12:34:56"},
                                {.name = "eno2", .mac = "52:54:00:12:34:57"}};
    const struct iso_links links = {cards, 2};
    AUTO_FREE char *name = iso_name_of(&links);
    assert_string_equal(name, "bigtop-525400123456");
}

static void test_no_card(void **state)
{
    (void) state;
    const struct iso_links none = {0};
    assert_null(iso_name_of(&none));
    /* Whatever this machine is called, it keeps its name. */
    assert_int_equal(iso_name_take(&none, NULL, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of_the_first_card),
        cmocka_unit_test(test_no_card),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
