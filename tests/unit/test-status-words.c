#include "coordinator/status-words.h"

#include "tests/unit/unit.h"

static json_t *parse(const char *text)
{
    json_t *value = json_loads(text, 0, NULL);
    assert_non_null(value);
    return value;
}

static void assert_lines(const struct strv *lines, const char *expected)
{
    AUTO_FREE char *text = strv_join(lines, "\n");
    assert_string_equal(text, expected);
}

#define BUNDLE(serial, keys) \
    "{\"product\":\"bigtop\",\"serial\":" serial ",\"manifest\":\"sha256:a\",\"keys\":[" keys "]}"

static void test_one_bundle(void **state)
{
    (void) state;
    AUTO_JSON *hosts = parse("[{\"host\":\"n1\",\"bundle\":" BUNDLE(
        "3", "\"AA\"") "},"
                       "{\"host\":\"n2\",\"bundle\":" BUNDLE("3", "\"AA\"") "}]");
    STRV(lines);
    status_words_bundles(hosts, &lines);
    assert_lines(&lines, "bundle: serial 3 of bigtop, the next one signed by AA (all hosts)");
}

static void test_bundles_differ(void **state)
{
    (void) state;
    AUTO_JSON *hosts = parse("[{\"host\":\"n1\",\"bundle\":" BUNDLE(
        "3", "\"AA\",\"BB\"") "},"
                              "{\"host\":\"n2\",\"bundle\":" BUNDLE(
                                  "2", "") "},"
                                           "{\"host\":\"n3\",\"bundle\":null},"
                                           "{\"host\":\"n4\",\"bundle\":{\"damaged\":\"no JSON\"}},"
                                           "{\"host\":\"n5\",\"bundle\":" BUNDLE(
                                               "2",
                                               "") "},"
                                                   "{\"host\":\"n6\",\"bundle\":{\"product\":"
                                                   "\"bigtop\",\"serial\":1,\"manifest\":null}}]");
    STRV(lines);
    status_words_bundles(hosts, &lines);
    assert_lines(&lines, "bundle: serial 3 of bigtop, the next one signed by AA or BB (n1)\n"
                         "bundle: serial 2 of bigtop, unsigned (n2, n5)\n"
                         "bundle: what it remembers of its bundles is damaged: no JSON (n4)\n"
                         "bundle: serial 1 of bigtop, not whole any more, unsigned (n6)");
}

static void test_nobody_has_one(void **state)
{
    (void) state;
    AUTO_JSON *hosts = parse("[{\"host\":\"n1\",\"answers\":false},{\"host\":\"n2\"}]");
    STRV(lines);
    status_words_bundles(hosts, &lines);
    assert_int_equal(lines.count, 0);
}

static void test_etcd(void **state)
{
    (void) state;
    AUTO_JSON *members = parse(
        "[{\"name\":\"n1\",\"started\":true,\"healthy\":true,\"leader\":true},"
        "{\"name\":\"n2\",\"started\":true,\"learner\":true},"
        "{\"name\":\"\",\"started\":false},{\"name\":\"n4\",\"started\":true}]");
    STRV(lines);
    status_words_etcd(members, &lines);
    assert_lines(&lines, "etcd: n1 votes, leads; n2 is a learner; a member has not started; "
                         "n4 does not answer");
    STRV(none);
    status_words_etcd(NULL, &none);
    assert_int_equal(none.count, 0);
}

static void test_strangers(void **state)
{
    (void) state;
    AUTO_JSON *nodes = parse("[{\"name\":\"n1\",\"ready\":true},{\"name\":\"old\",\"ready\":false},"
                             "{\"name\":\"n2\",\"ready\":false},"
                             "{\"name\":\"n3\",\"addresses\":[\"10.0.0.3\"]}]");
    AUTO_JSON *hosts = parse("[{\"host\":\"10.0.0.1\",\"node\":\"n1\"},{\"host\":\"n2\"},"
                             "{\"host\":\"10.0.0.3\"}]");
    STRV(lines);
    status_words_strangers(nodes, hosts, &lines);
    assert_lines(&lines, "node old (NotReady) is in the cluster, but no host of hosts.yaml");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_bundle),     cmocka_unit_test(test_bundles_differ),
        cmocka_unit_test(test_nobody_has_one), cmocka_unit_test(test_etcd),
        cmocka_unit_test(test_strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
