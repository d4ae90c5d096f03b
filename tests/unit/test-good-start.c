#include "tests/unit/unit.h"

#include "iso/good-start.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/strv.h"

static enum good_start_verdict look(struct good_start *g, int64_t s, bool node, bool well)
{
    return good_start_look(g, s * 1000, node, well);
}

static void test_good(void **state)
{
    (void) state;
    struct good_start g = GOOD_START_INIT;
    assert_int_equal(look(&g, 100, true, true), GOOD_START_WAIT);
    assert_int_equal(look(&g, 219, true, true), GOOD_START_WAIT);
    assert_int_equal(look(&g, 220, true, true), GOOD_START_GOOD);
}

static void test_a_break(void **state)
{
    (void) state;
    struct good_start g = GOOD_START_INIT;
    assert_int_equal(look(&g, 0, true, true), GOOD_START_WAIT);
    assert_int_equal(look(&g, 119, true, false), GOOD_START_WAIT);
    assert_int_equal(look(&g, 121, true, true), GOOD_START_WAIT);
    assert_int_equal(look(&g, 240, true, true), GOOD_START_WAIT);
    assert_int_equal(look(&g, 241, true, true), GOOD_START_GOOD);
}

/* What its SSH server did counts for nothing once it is a node. */
static void test_becomes_a_node(void **state)
{
    (void) state;
    struct good_start g = GOOD_START_INIT;
    assert_int_equal(look(&g, 0, false, true), GOOD_START_WAIT);
    assert_int_equal(look(&g, 100, true, true), GOOD_START_WAIT);
    assert_int_equal(look(&g, 130, true, true), GOOD_START_WAIT);
    assert_int_equal(look(&g, 220, true, true), GOOD_START_GOOD);
}

static void test_gives_up(void **state)
{
    (void) state;
    struct good_start g = GOOD_START_INIT;
    assert_int_equal(look(&g, 50, true, false), GOOD_START_WAIT);
    assert_int_equal(look(&g, 50 + GOOD_START_GIVE_UP_S - 1, true, false), GOOD_START_WAIT);
    assert_int_equal(look(&g, 50 + GOOD_START_GIVE_UP_S, true, true), GOOD_START_GIVE_UP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_a_break),
        cmocka_unit_test(test_becomes_a_node),
        cmocka_unit_test(test_gives_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
