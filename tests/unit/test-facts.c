#include "tests/unit/unit.h"

#include "agent/facts.h"

static void expect(const char *kubeconfig, const char *server)
{
    AUTO_FREE char *found = facts_api_server(kubeconfig);
    if (!server)
        assert_null(found);
    else
        assert_string_equal(found, server);
}

static void server_of_a_kubeconfig(void **state)
{
    (void) state;
    expect("clusters:\n- cluster:\n    certificate-authority-data: QQ==\n"
           "    server: https://127.0.0.1:7443\n  name: bigtop\n",
           "127.0.0.1:7443");
    expect("- cluster:\n    server: https://api.example:6443/\n", "api.example:6443");
    expect("- cluster:\n    server: https://api.example:6443", "api.example:6443");
    expect("- cluster:\n    server: http://api.example\n", NULL);
    expect("users:\n- name: \"x    server: https://evil\"\n", NULL);
    expect("", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(server_of_a_kubeconfig)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
