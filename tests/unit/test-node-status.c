#include "agent/node-status.h"
#include "tests/unit/unit.h"

static void assert_server(const char *kubeconfig, const char *address, int port)
{
    char found[64];
    uint16_t number = 0;
    if (!node_status_server(kubeconfig, found, &number))
        fail_msg("no server in %s", kubeconfig);
    assert_string_equal(found, address);
    assert_int_equal(number, port);
}

static void assert_no_server(const char *kubeconfig)
{
    char found[64];
    uint16_t number;
    if (node_status_server(kubeconfig, found, &number))
        fail_msg("%s", kubeconfig);
}

static void test_server(void **state)
{
    (void) state;
    assert_server("clusters:\n- cluster:\n    server: https://10.0.0.11:6443\n  name: x\n",
                  "10.0.0.11", 6443);
    assert_server("server: https://10.0.0.11\n", "10.0.0.11", 443);
    assert_server("server: https://[fd00::1]:6444/", "fd00::1", 6444);
    assert_no_server("");
    assert_no_server("server: http://10.0.0.11:6443\n");
    assert_no_server("server: https://api.example.com:6443\n");
    assert_no_server("server: https://\n");
    assert_no_server("server: https://10.0.0.11:0\n");
    assert_no_server("server: https://10.0.0.11:70000\n");
    assert_no_server("server: https://10.0.0.11:x\n");
    assert_no_server(
        "server: https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaa:1\n");
}

static void test_request(void **state)
{
    (void) state;
    STRBUF(out, 8192);
    AUTO_JSON *condition = json_pack("{s:s, s:s}", "type", "DataDisksReady", "message",
                                     "a \"b\"\r\n");
    node_status_request("n1", "10.0.0.11", condition, 0, &out);
    static const char head[] = "PATCH /api/v1/nodes/n1/status HTTP/1.1\r\nHost: 10.0.0.11\r\n";
    assert_memory_equal(out.data, head, strlen(head));
    const char *body = strstr(out.data, "\r\n\r\n");
    assert_non_null(body);
    body += 4;
    AUTO_FREE char *length = xasprintf("Content-Length: %zu\r\n", strlen(body));
    assert_non_null(strstr(out.data, length));
    AUTO_JSON *patch = json_parse(body, strlen(body), "body", NULL);
    const json_t *sent =
        json_array_get(json_object_get(json_object_get(patch, "status"), "conditions"), 0);
    assert_string_equal(json_get_string(sent, "message", ""), "a \"b\"\r\n");
    assert_string_equal(json_get_string(sent, "lastTransitionTime", ""), "1970-01-01T00:00:00Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server),
        cmocka_unit_test(test_request),
    };
    return cmocka_run_group_tests_name("node-status", tests, NULL, NULL);
}
