#include "lib/pod.h"
#include "tests/unit/unit.h"

static void trouble_is(const char *status, const char *expected)
{
    STRBUF(text, 4096);
    STRBUF(out, 400);
    struct error err = ERROR_INIT;
    strbuf_addf(&text, "{\"status\":{%s}}", status);
    AUTO_JSON *pod = json_parse(text.data, text.len, "test", &err);
    assert_non_null(pod);
    strbuf_adds(&out, "of before");
    pod_trouble(pod, &out);
    assert_string_equal(out.data, expected);
}

static void a_start_is_no_trouble(void **state)
{
    (void) state;
    trouble_is("\"phase\":\"Pending\"", "");
    trouble_is("\"containerStatuses\":[{\"ready\":false,\"state\":{\"waiting\":"
               "{\"reason\":\"ContainerCreating\"}}}]",
               "");
    trouble_is("\"containerStatuses\":[{\"ready\":false,\"state\":{\"running\":{}}}]", "");
    trouble_is("\"initContainerStatuses\":[{\"ready\":false,\"state\":{\"terminated\":"
               "{\"exitCode\":0,\"reason\":\"Completed\"}}}]",
               "");
}

static void a_crash_is_told_with_its_end(void **state)
{
    (void) state;
    trouble_is("\"containerStatuses\":[{\"ready\":true,\"restartCount\":7},"
               "{\"ready\":false,\"restartCount\":3,\"state\":{\"waiting\":"
               "{\"reason\":\"CrashLoopBackOff\"}},\"lastState\":{\"terminated\":"
               "{\"reason\":\"Error\",\"exitCode\":2}}}]",
               "CrashLoopBackOff, restarted 3 times: Error, exit code 2");
    trouble_is("\"containerStatuses\":[{\"ready\":false,\"state\":{\"terminated\":"
               "{\"reason\":\"OOMKilled\",\"exitCode\":137}}}]",
               "OOMKilled, exit code 137");
    trouble_is("\"containerStatuses\":[{\"ready\":false,\"restartCount\":1,\"state\":"
               "{\"running\":{}}}]",
               "restarted 1 time");
}

static void what_keeps_it_from_starting(void **state)
{
    (void) state;
    trouble_is("\"initContainerStatuses\":[{\"ready\":false,\"state\":{\"waiting\":"
               "{\"reason\":\"ErrImageNeverPull\"}}}],\"containerStatuses\":[{\"ready\":false,"
               "\"state\":{\"waiting\":{\"reason\":\"PodInitializing\"}}}]",
               "ErrImageNeverPull");
    trouble_is("\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":"
               "\"Unschedulable\",\"message\":\"0/1 nodes are available\"}]",
               "Unschedulable: 0/1 nodes are available");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_is_no_trouble),
        cmocka_unit_test(a_crash_is_told_with_its_end),
        cmocka_unit_test(what_keeps_it_from_starting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
