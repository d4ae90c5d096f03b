#include "coordinator/project-live.h"

#include "tests/unit/unit.h"

#include <errno.h>

static char risk_name[] = "risk", taken_name[] = "taken", new_name[] = "new";

static struct project_live live(void)
{
    return (struct project_live){
        .spaces = parse_json("{'items':[{'kind':'Namespace','metadata':{'name':'risk','labels':{"
                             "'bigtop.apache.org/project':'risk'}}},"
                             "{'kind':'Namespace','metadata':{'name':'taken','labels':{"
                             "'bigtop.apache.org/project':'risk'}}},"
                             "{'kind':'Namespace','metadata':{'name':'default'}}]}")};
}

static void test_spaces(void **state)
{
    (void) state;
    CLEANUP(project_live_release) struct project_live l = live();
    assert_string_equal(project_owner_of(project_live_space(&l, "risk")), "risk");
    assert_string_equal(project_owner_of(project_live_space(&l, "default")), "");
    assert_null(project_live_space(&l, "new"));
    assert_null(project_live_space(&PROJECT_LIVE_INIT, "risk"));
    assert_string_equal(project_owner_of(NULL), "");
}

static void test_others_are_left_alone(void **state)
{
    (void) state;
    CLEANUP(project_live_release) struct project_live l = live();
    struct error err = ERROR_INIT;
    const struct project risk = {.name = risk_name}, fresh = {.name = new_name};
    struct project taken = {.name = taken_name};
    static char other[] = "default";
    assert_int_equal(project_live_check(&l, &risk, &err), 0);
    assert_int_equal(project_live_check(&l, &fresh, &err), 0);
    assert_int_equal(project_live_check(&l, &taken, &err), -EEXIST);
    assert_error_has(err, "a namespace taken is there already");
    taken.name = other;
    assert_int_equal(project_live_check(&l, &taken, &err), -EEXIST);
    assert_non_null(strstr(err.remedy, "kubectl label namespace default"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spaces),
        cmocka_unit_test(test_others_are_left_alone),
    };
    return cmocka_run_group_tests_name("project-live", tests, NULL, NULL);
}
