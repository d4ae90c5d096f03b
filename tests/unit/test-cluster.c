#include "agent/cluster.h"
#include "tests/unit/unit.h"

#include <errno.h>

static json_t *parse(const char *text)
{
    struct error err = ERROR_INIT;
    json_t *json = json_parse(text, strlen(text), "test", &err);
    assert_non_null(json);
    return json;
}

static void summarises_nodes_and_pods(void **state)
{
    (void) state;
    AUTO_JSON *list = parse(
        "{\"items\":["
        "{\"kind\":\"Node\",\"metadata\":{\"name\":\"n1\"},\"status\":{\"nodeInfo\":"
        "{\"kubeletVersion\":\"v1.34.4\"},\"addresses\":[{\"type\":\"InternalIP\",\"address\":"
        "\"10.0.0.1\"},{\"type\":\"Hostname\",\"address\":\"n1\"}],\"conditions\":["
        "{\"type\":\"DiskPressure\",\"status\":\"False\"},{\"type\":\"Ready\",\"status\":\"True\"}]"
        "}},"
        "{\"kind\":\"Pod\",\"metadata\":{\"namespace\":\"kube-system\",\"name\":\"p\"},"
        "\"spec\":{},\"status\":{\"phase\":\"Pending\"}},"
        "{\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\"}}]}");
    AUTO_JSON *summary = cluster_summarise(list);
    AUTO_FREE char *text = json_canonical(summary);
    assert_string_equal(text,
                        "{\"nodes\":[{\"addresses\":[\"10.0.0.1\"],\"name\":\"n1\",\"ready\":true,"
                        "\"version\":\"v1.34.4\"}],\"pods\":[{\"name\":\"p\",\"namespace\":"
                        "\"kube-system\",\"node\":\"\",\"phase\":\"Pending\",\"ready\":false}]}");
}

static void a_silent_node_is_not_ready(void **state)
{
    (void) state;
    static const char *const not_ready[] = {
        "{}",
        "{\"status\":{\"conditions\":[]}}",
        "{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"Unknown\"}]}}",
        "{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":true}]}}",
        "{\"status\":\"Ready\"}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(not_ready); i++) {
        AUTO_JSON *node = parse(not_ready[i]);
        assert_false(cluster_is_ready(node));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(summarises_nodes_and_pods),
        cmocka_unit_test(a_silent_node_is_not_ready),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
