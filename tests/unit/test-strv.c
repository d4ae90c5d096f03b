#include "lib/strv.h"
#include "tests/unit/unit.h"

static void grows_and_ends_with_null(void **state)
{
    (void) state;
    STRV(v);
    assert_null(v.items);
    for (int i = 0; i < 1000; i++) {
        strv_addf(&v, "item %d", i);
        assert_int_equal(v.count, i + 1);
        assert_null(v.items[v.count]);
    }
    assert_string_equal(v.items[0], "item 0");
    assert_string_equal(v.items[999], "item 999");
}

static void copies_what_it_is_given(void **state)
{
    (void) state;
    STRV(v);
    char text[] = "abc";
    strv_add(&v, text);
    text[0] = 'x';
    assert_string_equal(v.items[0], "abc");
}

static void adds_lists(void **state)
{
    (void) state;
    STRV(v);
    strv_add_all(&v, NULL);
    assert_int_equal(v.count, 0);
    strv_add_all(&v, (const char *const[]){"a", "b", NULL});
    assert_int_equal(v.count, 2);
    assert_true(strv_contains(&v, "b"));
    assert_false(strv_contains(&v, "c"));
    assert_false(strv_contains(&v, ""));
}

static void sorts_bytewise(void **state)
{
    (void) state;
    STRV(v);
    strv_sort(&v);
    strv_add_all(&v, (const char *const[]){"b", "B", "a-b", "a", "\xc3\xa4", NULL});
    strv_sort(&v);
    AUTO_FREE char *joined = strv_join(&v, " ");
    assert_string_equal(joined, "B a a-b b \xc3\xa4");
}

static void joins(void **state)
{
    (void) state;
    STRV(v);
    AUTO_FREE char *nothing = strv_join(&v, ", ");
    assert_string_equal(nothing, "");
    strv_add(&v, "one");
    AUTO_FREE char *one = strv_join(&v, ", ");
    assert_string_equal(one, "one");
    strv_add(&v, "two");
    AUTO_FREE char *two = strv_join(&v, ", ");
    assert_string_equal(two, "one, two");
}

static void splits_and_drops_empty_parts(void **state)
{
    (void) state;
    STRV(v);
    strv_split(&v, ":a::bc:", ':');
    assert_int_equal(v.count, 2);
    assert_string_equal(v.items[0], "a");
    assert_string_equal(v.items[1], "bc");
    strv_split(&v, "", ':');
    strv_split(&v, "::", ':');
    assert_int_equal(v.count, 2);
    strv_split(&v, "whole", ':');
    assert_string_equal(v.items[2], "whole");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_ends_with_null),
        cmocka_unit_test(copies_what_it_is_given),
        cmocka_unit_test(adds_lists),
        cmocka_unit_test(sorts_bytewise),
        cmocka_unit_test(joins),
        cmocka_unit_test(splits_and_drops_empty_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
