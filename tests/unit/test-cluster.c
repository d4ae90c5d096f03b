#include "agent/cluster.h"
#include "lib/protocol.h"
#include "tests/unit/unit.h"

#include <errno.h>

static void summarises_nodes_and_pods(void **state)
{
    (void) state;
    AUTO_JSON *list = parse_json(
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

#define TEN(text) text text text text text text text text text text

static json_t *waiting(const char *space, const char *name)
{
    return json_pack("{s:s, s:{s:s, s:s}, s:{}}", "kind", "Pod", "metadata", "namespace", space,
                     "name", name, "status");
}

static json_t *event(const char *type, const char *pod, const char *time, const char *message)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s}}", "kind", "Event", "type", type,
                     "reason", "Failed", "lastTimestamp", time, "message", message,
                     "involvedObject", "kind", "Pod", "namespace", "a", "name", pod);
}

/* The newest warning of it, and of a long one the beginning and the end. */
static void a_pod_without_a_reason_has_its_event(void **state)
{
    (void) state;
    AUTO_JSON *list = json_pack(
        "{s:[o,o,o,o,o,o,o]}", "items", waiting("a", "p"), waiting("a", "q"), waiting("b", "p"),
        event("Warning", "p", "2026-01-02T00:00:09Z", "permission denied"),
        event("Warning", "p", "2026-01-02T00:00:08Z", "older"),
        event("Normal", "p", "2026-01-02T00:00:10Z", "pulled"),
        event("Warning", "q", "2026-01-02T00:00:08Z", TEN(TEN("äöü")) "the cause"));
    AUTO_JSON *summary = cluster_summarise(list);
    const json_t *pods = json_object_get(summary, "pods");
    assert_string_equal(json_get_string(json_array_get(pods, 0), "trouble", ""),
                        "Failed: permission denied");
    const char *cut = json_get_string(json_array_get(pods, 1), "trouble", "");
    assert_memory_equal(cut, "Failed: äöü", strlen("Failed: äöü"));
    assert_non_null(strstr(cut, "ä … "));
    assert_string_equal(cut + strlen(cut) - strlen("the cause"), "the cause");
    assert_null(json_object_get(json_array_get(pods, 2), "trouble"));
}

static json_t *item(const char *kind, size_t i, const char *ready)
{
    AUTO_FREE char *name = xasprintf("%s-of-a-rather-long-name-%zu", kind, i);
    return json_pack("{s:s, s:{s:s, s:s}, s:{s:s}, s:{s:s, s:[{s:s, s:s}], s:[{s:s, s:s}]}}",
                     "kind", kind, "metadata", "namespace", "kube-system", "name", name, "spec",
                     "nodeName", "n1", "status", "phase", "Running", "addresses", "type",
                     "InternalIP", "address", "10.0.0.1", "conditions", "type", "Ready", "status",
                     ready);
}

static void a_large_cluster_fits_into_a_frame(void **state)
{
    (void) state;
    json_t *items = json_array();
    for (size_t i = 0; i < 400; i++) {
        json_array_append_new(items, item("Node", i, "True"));
    }
    for (size_t i = 0; i < 1000; i++) {
        json_array_append_new(items, item("Pod", i, i >= 990 ? "False" : "True"));
    }
    AUTO_JSON *list = json_pack("{s:o}", "items", items);
    AUTO_JSON *summary = cluster_summarise(list);
    STRBUF(frame, PROTOCOL_HEADER + PROTOCOL_JSON_MAX);
    assert_int_equal(frame_encode_json(&frame, summary, NULL), 0);
    const json_t *pods = json_object_get(summary, "pods");
    const json_t *left_out = json_object_get(summary, "left_out");
    assert_int_equal(json_array_size(json_object_get(summary, "nodes")), 400);
    for (size_t i = 0; i < 10; i++) {
        assert_false(json_get_bool(json_array_get(pods, i), "ready", true));
    }
    assert_int_equal(json_get_int(left_out, "waiting", -1), 0);
    assert_int_equal(json_get_int(left_out, "others", -1) + (int64_t) json_array_size(pods), 1000);
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
        AUTO_JSON *node = parse_json(not_ready[i]);
        assert_false(cluster_is_ready(node));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(summarises_nodes_and_pods),
        cmocka_unit_test(a_pod_without_a_reason_has_its_event),
        cmocka_unit_test(a_large_cluster_fits_into_a_frame),
        cmocka_unit_test(a_silent_node_is_not_ready),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
