#include "agent/netcheck.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define SERVICE \
    "{\"kind\":\"Service\",\"metadata\":{\"name\":\"netcheck\"}," \
    "\"spec\":{\"clusterIP\":\"10.96.0.7\"}}"
#define POD(name, phase, rest) \
    "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"" name "\"},\"status\":{\"phase\":\"" phase \
    "\"" rest "}}"
#define RUNNING(name, ip) POD(name, "Running", ",\"podIP\":\"" ip "\"")
#define WAITING(reason) \
    ",\"containerStatuses\":[{\"state\":{\"waiting\":{\"reason\":\"" reason "\"}}}]"
#define LIST(items) "{\"items\":[" items "]}"

static const struct netcheck_plan two = {.nodes = {"n1", "n2"}, .count = 2};

static int read_list(const char *text, struct netcheck_addresses *a, char **waiting,
                     struct error *err)
{
    AUTO_JSON *list = json_parse(text, strlen(text), "test", NULL);
    assert_non_null(list);
    return netcheck_addresses_read(&two, list, a, waiting, err);
}

static void takes_all_addresses(void **state)
{
    (void) state;
    struct netcheck_addresses a;
    AUTO_FREE char *waiting = NULL;
    assert_int_equal(
        read_list(LIST(RUNNING("p1", "10.1.0.2") "," SERVICE "," RUNNING("p0", "10.1.0.1")), &a,
                  &waiting, NULL),
        1);
    assert_string_equal(a.pods[0], "10.1.0.1");
    assert_string_equal(a.pods[1], "10.1.0.2");
    assert_string_equal(a.service, "10.96.0.7");
}

static void says_what_it_waits_for(void **state)
{
    (void) state;
    static const char *const cases[][2] = {
        {LIST(""), "the pods"},
        {LIST(SERVICE "," RUNNING("p0", "10.1.0.1")), "the pods"},
        {LIST(SERVICE
              "," RUNNING("p0", "10.1.0.1") "," POD("p1", "Pending", WAITING("ContainerCreating"))),
         "the pod on n2: ContainerCreating"},
        {LIST(SERVICE "," RUNNING("p0", "10.1.0.1") "," RUNNING("p1", "nonsense")), "on n2"},
        {LIST(RUNNING("p0", "10.1.0.1") "," RUNNING("p1", "10.1.0.2")), ""},
        {LIST(SERVICE "," RUNNING("p0", "10.1.0.1") "," RUNNING("p7", "10.1.0.2")), "the pods"},
        {LIST(SERVICE "," RUNNING("p0", "10.1.0.1") "," RUNNING("p", "10.1.0.2")), "the pods"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct netcheck_addresses a;
        AUTO_FREE char *waiting = NULL;
        assert_int_equal(read_list(cases[i][0], &a, &waiting, NULL), 0);
        assert_non_null(strstr(waiting, cases[i][1]));
    }
}

static void gives_up_where_there_is_no_hope(void **state)
{
    (void) state;
    static const char *const cases[][2] = {
        {LIST(POD("p1", "Pending", WAITING("ErrImageNeverPull"))),
         "n2 does not run: ErrImageNever"},
        {LIST(POD("p0", "Failed", ",\"reason\":\"OutOfpods\"")), "n1 does not run: OutOfpods"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct netcheck_addresses a;
        struct error err = ERROR_INIT;
        AUTO_FREE char *waiting = NULL;
        assert_int_equal(read_list(cases[i][0], &a, &waiting, &err), -EHOSTUNREACH);
        assert_error_has(err, cases[i][1]);
        assert_true(err.remedy[0] != '\0');
    }
}

static void finds_the_newest_warning(void **state)
{
    (void) state;
    const char *text =
        "{\"items\":["
        "{\"type\":\"Warning\",\"involvedObject\":{\"name\":\"p1\"},\"lastTimestamp\":\"2\","
        "\"message\":\"new\"},"
        "{\"type\":\"Warning\",\"involvedObject\":{\"name\":\"p1\"},\"lastTimestamp\":\"1\","
        "\"message\":\"old\"},"
        "{\"type\":\"Normal\",\"involvedObject\":{\"name\":\"p1\"},\"lastTimestamp\":\"3\","
        "\"message\":\"fine\"},"
        "{\"type\":\"Warning\",\"involvedObject\":{\"name\":\"p10\"},\"lastTimestamp\":\"3\","
        "\"message\":\"other\"}]}";
    AUTO_JSON *list = json_parse(text, strlen(text), "test", NULL);
    assert_string_equal(netcheck_event(list, 1), "new");
    assert_null(netcheck_event(list, 0));
    assert_null(netcheck_event(NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_all_addresses),
        cmocka_unit_test(says_what_it_waits_for),
        cmocka_unit_test(gives_up_where_there_is_no_hope),
        cmocka_unit_test(finds_the_newest_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
