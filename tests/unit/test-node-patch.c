#include "agent/node-patch.h"
#include "tests/unit/unit.h"

#include <errno.h>

static json_t *node_of(const char *text)
{
    struct error err = ERROR_INIT;
    json_t *node = json_parse(text, strlen(text), "test", &err);
    assert_non_null(node);
    return node;
}

static const char fresh[] =
    "{\"metadata\":{\"name\":\"n1\",\"resourceVersion\":\"7\",\"labels\":{\"os\":\"linux\"}},"
    "\"spec\":{\"taints\":[{\"key\":\"node.kubernetes.io/not-ready\",\"effect\":\"NoSchedule\","
    "\"timeAdded\":\"2026-01-01T00:00:00Z\"}]}}";

static json_t *patch_of(const json_t *node, const char *wanted_text)
{
    struct error err = ERROR_INIT;
    AUTO_JSON *wanted = node_of(wanted_text);
    json_t *patch = NULL;
    assert_int_equal(node_patch(node, wanted, &patch, &err), 0);
    return patch;
}

/* What the API server does with a merge patch (RFC 7386). */
static void merge(json_t *target, const json_t *patch)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *) (uintptr_t) patch, key, value) {
        json_t *old = json_object_get(target, key);
        if (json_is_null(value)) {
            json_object_del(target, key);
        } else if (json_is_object(value)) {
            if (!json_is_object(old)) {
                json_object_set_new(target, key, json_object());
            }
            merge(json_object_get(target, key), value);
        } else {
            json_object_set(target, key, value);
        }
    }
}

static void nothing_asked_nothing_done(void **state)
{
    (void) state;
    AUTO_JSON *node = node_of(fresh);
    assert_null(patch_of(node, "{\"name\":\"n1\",\"labels\":{},\"taints\":[]}"));
    assert_null(patch_of(node, "{\"name\":\"n1\"}"));
}

static void sets_then_agrees(void **state)
{
    (void) state;
    AUTO_JSON *node = node_of(fresh);
    const char *wanted = "{\"name\":\"n1\",\"labels\":{\"disk\":\"ssd\"},"
                         "\"taints\":[\"dedicated=db:NoExecute\"]}";
    AUTO_JSON *patch = patch_of(node, wanted);
    assert_non_null(patch);
    const json_t *meta = json_object_get(patch, "metadata");
    assert_string_equal(json_get_string(meta, "resourceVersion", ""), "7");
    merge(node, patch);
    assert_string_equal(
        json_get_string(json_object_get(json_object_get(node, "metadata"), "labels"), "disk", ""),
        "ssd");
    /* The taint of the node controller is still there, with its time. */
    const json_t *taints = json_object_get(json_object_get(node, "spec"), "taints");
    assert_int_equal(json_array_size(taints), 2);
    assert_non_null(json_object_get(json_array_get(taints, 0), "timeAdded"));
    assert_null(patch_of(node, wanted));
}

static void removes_only_what_was_ours(void **state)
{
    (void) state;
    AUTO_JSON *node = node_of(fresh);
    AUTO_JSON *first = patch_of(node, "{\"name\":\"n1\",\"labels\":{\"disk\":\"ssd\",\"a\":\"1\"},"
                                      "\"taints\":[\"x=y:NoSchedule\"]}");
    merge(node, first);
    AUTO_JSON *second = patch_of(node, "{\"name\":\"n1\",\"labels\":{\"a\":\"2\"},\"taints\":[]}");
    assert_non_null(second);
    merge(node, second);
    const json_t *labels = json_object_get(json_object_get(node, "metadata"), "labels");
    assert_null(json_object_get(labels, "disk"));
    assert_string_equal(json_get_string(labels, "a", ""), "2");
    assert_string_equal(json_get_string(labels, "os", ""), "linux");
    const json_t *taints = json_object_get(json_object_get(node, "spec"), "taints");
    assert_int_equal(json_array_size(taints), 1);
    assert_string_equal(json_get_string(json_array_get(taints, 0), "key", ""),
                        "node.kubernetes.io/not-ready");
}

static void a_value_that_somebody_changed_is_put_back(void **state)
{
    (void) state;
    AUTO_JSON *node = node_of(fresh);
    const char *wanted = "{\"name\":\"n1\",\"labels\":{\"os\":\"linux\"},"
                         "\"taints\":[\"x=y:NoSchedule\"]}";
    AUTO_JSON *patch = patch_of(node, wanted);
    merge(node, patch);
    json_t *taints = json_object_get(json_object_get(node, "spec"), "taints");
    json_object_set_new(json_array_get(taints, 1), "value", json_string("z"));
    AUTO_JSON *again = patch_of(node, wanted);
    assert_non_null(json_object_get(again, "spec"));
}

static void refuses_malformed(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "{\"taints\":[\"key=value\"]}",
        "{\"taints\":[\"key=value:Never\"]}",
        "{\"taints\":[\"=v:NoSchedule\"]}",
        "{\"taints\":[\"a b=v:NoSchedule\"]}",
        "{\"taints\":[7]}",
        "{\"labels\":{\"bad key\":\"v\"}}",
        "{\"labels\":{\"key\":\"bad\\nvalue\"}}",
        "{\"labels\":{\"key\":1}}",
    };
    AUTO_JSON *node = node_of(fresh);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct error err = ERROR_INIT;
        AUTO_JSON *wanted = node_of(bad[i]);
        json_t *patch = NULL;
        assert_int_equal(node_patch(node, wanted, &patch, &err), -EINVAL);
        assert_null(patch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_asked_nothing_done),
        cmocka_unit_test(sets_then_agrees),
        cmocka_unit_test(removes_only_what_was_ours),
        cmocka_unit_test(a_value_that_somebody_changed_is_put_back),
        cmocka_unit_test(refuses_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
