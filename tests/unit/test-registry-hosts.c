#include "images/registry-hosts.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>

static int parse(const char *text, const char *registry, struct registry_hosts *out,
                 struct error *err)
{
    return registry_hosts_parse(text, "/etc/hosts.toml", registry, out, err);
}

static void falls_back_to_the_registry(void **state)
{
    static const struct {
        const char *registry, *url, *name;
        bool plain;
    } cases[] = {
        {"registry.k8s.io", "https://registry.k8s.io/v2", "registry.k8s.io", false},
        {"docker.io", "https://registry-1.docker.io/v2", "registry-1.docker.io", false},
        {"127.0.0.1:5000", "http://127.0.0.1:5000/v2", "127.0.0.1:5000", true},
        {"localhost:5000", "http://localhost:5000/v2", "localhost:5000", true},
        {"localhost.example", "https://localhost.example/v2", "localhost.example", false},
        {"10.0.0.1:5000", "https://10.0.0.1:5000/v2", "10.0.0.1:5000", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_REGISTRY_HOSTS h = {0};
        assert_int_equal(registry_hosts_load(*state, cases[i].registry, &h, NULL), 0);
        assert_int_equal(h.count, 1);
        assert_string_equal(h.items[0].url, cases[i].url);
        assert_string_equal(h.items[0].name, cases[i].name);
        assert_int_equal(h.items[0].plain, cases[i].plain);
        assert_true(h.items[0].pull && h.items[0].resolve);
    }
}

static void keeps_the_order(void **state)
{
    (void) state;
    AUTO_REGISTRY_HOSTS h = {0};
    struct error err = ERROR_INIT;
    if (parse("server = \"https://last/\"\n"
              "[host.\"http://a:5000\"]\ncapabilities = [\"pull\"]\n"
              "[host.\"https://b/v2/proxy\"]\noverride_path = true\n"
              "[host.\"https://c/v2\"]\ncapabilities = [\"resolve\", \"push\"]\n"
              "[host.\"https://d/x/\"]\n",
              "docker.io", &h, &err) < 0)
        fail_msg("%s", err.text);
    static const char *const urls[] = {"http://a:5000/v2", "https://b/v2/proxy", "https://c/v2",
                                       "https://d/x/v2", "https://last/v2"};
    assert_int_equal(h.count, ARRAY_SIZE(urls));
    for (size_t i = 0; i < ARRAY_SIZE(urls); i++)
        assert_string_equal(h.items[i].url, urls[i]);
    assert_true(h.items[0].plain && h.items[0].pull && !h.items[0].resolve);
    assert_true(!h.items[2].pull && h.items[2].resolve);
    assert_string_equal(h.items[0].name, "a:5000");
}

static void finds_files(void **state)
{
    AUTO_FREE char *own = path_join(*state, "r.io:5000");
    AUTO_FREE char *all = path_join(*state, "_default");
    AUTO_FREE char *own_file = path_join(own, "hosts.toml");
    AUTO_FREE char *all_file = path_join(all, "hosts.toml");
    AUTO_FREE char *ca = path_join(own, "ca.pem");
    static const char one[] = "server = \"https://one\"\nca = \"ca.pem\"\n";
    static const char two[] = "server = \"https://two\"\n";
    AUTO_REGISTRY_HOSTS h = {0}, other = {0};
    assert_int_equal(path_mkdir_p(own, 0755, NULL), 0);
    assert_int_equal(path_mkdir_p(all, 0755, NULL), 0);
    assert_int_equal(file_write_atomic(ca, "x", 1, 0644, NULL), 0);
    assert_int_equal(file_write_atomic(own_file, one, strlen(one), 0644, NULL), 0);
    assert_int_equal(file_write_atomic(all_file, two, strlen(two), 0644, NULL), 0);
    assert_int_equal(registry_hosts_load(*state, "r.io:5000", &h, NULL), 0);
    assert_string_equal(h.items[0].url, "https://one/v2");
    assert_string_equal(h.items[0].ca, ca);
    assert_int_equal(registry_hosts_load(*state, "other", &other, NULL), 0);
    assert_string_equal(other.items[0].url, "https://two/v2");
    assert_int_equal(file_write_atomic(all_file, "server\0", 7, 0644, NULL), 0);
    assert_int_equal(registry_hosts_load(*state, "third", &other, NULL), -EINVAL);
}

static void refuses_what_is_wrong(void **state)
{
    (void) state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"server = true", "expected server"},
        {"server = \"docker.io\"", "is not https://"},
        {"server = \"ftp://docker.io\"", "is not https://"},
        {"server = \"https://\"", "is not https://"},
        {"server = \"https://user@docker.io\"", "is not https://"},
        {"server = \"https://docker.io?x\"", "is not https://"},
        {"host = \"x\"", "expected server"},
        {"[host]\na = \"x\"", "is no table"},
        {"[host.\"https://a\"]\nskip_verify = true", "certificates are always checked"},
        {"skip_verify = true", "certificates are always checked"},
        {"[host.\"https://a\"]\nskip_verify = \"false\"", "neither true nor false"},
        {"[host.\"https://a\"]\ncapabilities = \"pull\"", "is not a list"},
        {"[host.\"https://a\"]\ncapabilities = [\"fly\"]", "unknown capability \"fly\""},
        {"[host.\"https://a\"]\nca = \"/nowhere/ca.pem\"", "cannot read /nowhere/ca.pem"},
        {"[host.\"https://a\"]\nca = [\"a\"]", "\"ca\" is not the path"},
        {"[host.\"https://a\"]\nclient = \"x\"", "\"client\" is not supported"},
        {"[host.\"https://a\".header]\nx = \"y\"", "\"header\" is not supported"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_REGISTRY_HOSTS h = {0};
        struct error err = ERROR_INIT;
        if (parse(cases[i].text, "r.io", &h, &err) != -EINVAL || !strstr(err.text, cases[i].says))
            fail_msg("%s: \"%s\"", cases[i].text, err.text);
        assert_null(h.items);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(falls_back_to_the_registry),
        cmocka_unit_test(keeps_the_order),
        cmocka_folder_test(finds_files),
        cmocka_unit_test(refuses_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
