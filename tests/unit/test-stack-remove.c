#include "coordinator/stack-remove.h"
#include "tests/unit/unit.h"

#include <errno.h>

static void the_last_goes_first(void **state)
{
    (void) state;
    size_t after_one[] = {1}, after_both[] = {0, 1};
    struct stack_component list[] = {
        {.after = after_one, .after_count = 1}, {0}, {.after = after_both, .after_count = 2}, {0}};
    const struct stack s = {.components = list, .count = ARRAY_SIZE(list)};
    AUTO_FREE size_t *order = stack_reverse_order(&s);
    size_t place[ARRAY_SIZE(list)];
    for (size_t i = 0; i < s.count; i++)
        place[order[i]] = i;
    assert_true(place[2] < place[0] && place[0] < place[1] && place[2] < place[1]);
}

static void some_go_if_nothing_needs_them(void **state)
{
    (void) state;
    static const struct {
        const char *names, *owned, *order, *says;
        int code;
    } cases[] = {
        {"", "{}", "sql store", "", 0},
        {"sql", "{'sql': [], 'store': []}", "sql", "", 0},
        {"store sql", "{'sql': [], 'store': []}", "sql store", "", 0},
        {"store", "{'store': []}", "store", "", 0}, /* what needs it was not applied */
        {"store", "{'sql': [], 'store': []}", "", "sql needs store", -EBUSY},
        {"old old", "{'old': []}", "old", "", 0},
        {"old", "{}", "", "neither profile p nor the cluster has a component old", -ENOENT},
    };
    size_t after[] = {1};
    struct stack_component list[] = {
        {.name = (char *) (uintptr_t) "sql", .after = after, .after_count = 1},
        {.name = (char *) (uintptr_t) "store"}};
    const struct stack s = {.name = (char *) (uintptr_t) "p", .components = list, .count = 2};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err = ERROR_INIT;
        AUTO_JSON *owned = parse_json(cases[i].owned);
        STRV(names);
        STRV(order);
        strv_split(&names, cases[i].names, ' ');
        assert_int_equal(stack_removal_order(&s, owned, &names, &order, &err), cases[i].code);
        AUTO_FREE char *text = strv_join(&order, " ");
        assert_string_equal(text, cases[i].order);
        assert_error_has(err, cases[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_goes_first),
        cmocka_unit_test(some_go_if_nothing_needs_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
