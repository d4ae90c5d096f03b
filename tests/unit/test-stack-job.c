#include "coordinator/stack-job.h"

#include "tests/unit/unit.h"

#define POD(name, phase, made) \
    "{\"metadata\":{\"name\":\"" name "\",\"creationTimestamp\":\"2026-01-01T00:00:0" made \
    "Z\"},\"status\":{\"phase\":\"" phase "\"}}"

static void assert_pod(const char *pods, const char *expected)
{
    AUTO_FREE char *text = xasprintf("{\"items\":[%s]}", pods);
    AUTO_JSON *list = parse_json(text);
    const char *found = stack_job_pod(list);
    if (expected)
        assert_string_equal(found, expected);
    else
        assert_null(found);
}

static void test_the_one_that_succeeded(void **state)
{
    (void) state;
    assert_pod(POD("a", "Succeeded", "2") "," POD("b", "Failed", "1"), "a");
    assert_pod(POD("b", "Failed", "1") "," POD("a", "Succeeded", "2"), "a");
    assert_pod(POD("a", "Succeeded", "1") "," POD("b", "Failed", "2"), "a");
}

static void test_else_the_newest(void **state)
{
    (void) state;
    assert_pod(POD("a", "Failed", "1") "," POD("b", "Failed", "3") "," POD("c", "Failed", "2"),
               "b");
    assert_pod(POD("a", "Running", "1"), "a");
    assert_pod("", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_one_that_succeeded),
        cmocka_unit_test(test_else_the_newest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
