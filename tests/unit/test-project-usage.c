#include "coordinator/project-usage.h"

#include "tests/unit/unit.h"

#define CONTAINER(cpu, memory) \
    "{\"resources\":{\"requests\":{\"cpu\":\"" cpu "\",\"memory\":\"" memory "\"}}}"
#define POD(space, phase, containers) \
    "{\"kind\":\"Pod\",\"metadata\":{\"namespace\":\"" space "\"},\"status\":{\"phase\":\"" phase \
    "\"},\"spec\":{\"containers\":[" containers "]}}"

static const char pods[] =
    "[" POD("risk", "Running", CONTAINER("500m", "1Gi") "," CONTAINER("1", "512Mi")) "," POD(
        "risk", "Pending",
        CONTAINER("250m", "1Mi")) "," POD("risk", "Succeeded",
                                          CONTAINER("8", "8Gi")) "," POD("fraud", "Running",
                                                                         CONTAINER("4", "4Gi")) "]";
static const char claims[] =
    "[{\"kind\":\"PersistentVolumeClaim\",\"metadata\":{\"namespace\":\"risk\"},\"spec\":{"
    "\"resources\":{\"requests\":{\"storage\":\"2Gi\"}}}},"
    "{\"kind\":\"PersistentVolumeClaim\",\"metadata\":{\"namespace\":\"fraud\"},\"spec\":{"
    "\"resources\":{\"requests\":{\"storage\":\"1Ti\"}}}}]";
static const char summaries[] =
    "[{\"pods\":[{\"podRef\":{\"namespace\":\"risk\"},\"cpu\":{\"usageNanoCores\":120000000},"
    "\"memory\":{\"workingSetBytes\":1000}},{\"podRef\":{\"namespace\":\"other\"},\"cpu\":{"
    "\"usageNanoCores\":999000000},\"memory\":{\"workingSetBytes\":7}}]},"
    "{\"pods\":[{\"podRef\":{\"namespace\":\"risk\"},\"cpu\":{\"usageNanoCores\":30000000},"
    "\"memory\":{\"workingSetBytes\":24}}]}]";
static const char quota[] =
    "{\"spec\":{\"hard\":{\"requests.cpu\":\"2500m\",\"requests.memory\":\"4Gi\",\"pods\":\"20\","
    "\"limits.memory\":\"9Gi\"}}}";

static void assert_row(const char *project, const char *of, const char *measured,
                       const char *wanted)
{
    AUTO_JSON *q = of ? parse_json(of) : NULL;
    AUTO_JSON *p = parse_json(pods);
    AUTO_JSON *c = parse_json(claims);
    AUTO_JSON *s = parse_json(measured);
    AUTO_JSON *row = project_usage_row(project, q, p, c, s);
    AUTO_JSON *want = parse_json(wanted);
    AUTO_FREE char *text = json_canonical(row);
    if (!json_equal(row, want))
        fail_msg("%s, not %s", text, wanted);
}

/* Pods that are through count no more, and those of others never. */
static void test_sums(void **state)
{
    (void) state;
    assert_row("risk", quota, summaries,
               "{\"project\":\"risk\",\"pods\":2,\"cpu_requested\":1750,\"cpu_used\":150,"
               "\"memory_requested\":1611661312,\"memory_used\":1024,"
               "\"storage_requested\":2147483648,\"pods_quota\":20,\"cpu_quota\":2500,"
               "\"memory_quota\":4294967296}");
}

/* What nobody tells is no zero. */
static void test_unknown(void **state)
{
    (void) state;
    assert_row("fraud", NULL, summaries,
               "{\"project\":\"fraud\",\"pods\":1,\"cpu_requested\":4000,"
               "\"memory_requested\":4294967296,\"storage_requested\":1099511627776}");
    assert_row("risk", NULL, "[]",
               "{\"project\":\"risk\",\"pods\":2,\"cpu_requested\":1750,"
               "\"memory_requested\":1611661312,\"storage_requested\":2147483648}");
}

static void test_idle(void **state)
{
    (void) state;
    assert_row("idle", NULL, "[]",
               "{\"project\":\"idle\",\"pods\":0,\"cpu_requested\":0,\"cpu_used\":0,"
               "\"memory_requested\":0,\"memory_used\":0,\"storage_requested\":0}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_idle),
    };
    return cmocka_run_group_tests_name("project-usage", tests, NULL, NULL);
}
