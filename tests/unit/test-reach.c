#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/soon.h"

#include "agent/reach.h"
#include "agent/tasks.h"
#include "lib/clock.h"

#include <errno.h>
#include <string.h>

/* Above the usual ephemeral range, so that nothing of the machine's is there by chance. */
#define PORT_A 61801
#define PORT_B 61802
#define PORT_UNUSED 61803

static json_t *try_one(const char *address, const char *protocol, int port, int timeout_ms)
{
    json_t *result = NULL;
    struct error err = ERROR_INIT;
    AUTO_JSON *params = json_pack("{s:[{s:s, s:s, s:i}], s:i}", "targets", "address", address,
                                  "protocol", protocol, "port", port, "timeout_ms", timeout_ms);
    if (reach_targets(params, &result, &err) < 0)
        fail_msg("%s", err.text);
    json_t *one = json_incref(json_array_get(json_object_get(result, "results"), 0));
    json_decref(result);
    return one;
}

static void assert_reach(const char *protocol, int port, bool ok)
{
    AUTO_JSON *one = try_one("127.0.0.1", protocol, port, 2000);
    assert_int_equal(json_get_bool(one, "ok", !ok), ok);
    assert_int_equal(json_get_string(one, "cause", "")[0] == '\0', ok);
    assert_string_equal(json_get_string(one, "protocol", ""), protocol);
    assert_int_equal(json_get_int(one, "port", 0), port);
}

static size_t listen_on(int seconds)
{
    json_t *result = NULL;
    AUTO_JSON *params = json_pack("{s:[{s:s, s:i}, {s:s, s:i}], s:i}", "ports", "protocol", "tcp",
                                  "port", PORT_A, "protocol", "udp", "port", PORT_B, "seconds",
                                  seconds);
    assert_int_equal(reach_listen(params, &result, NULL), 0);
    size_t opened = json_array_size(json_object_get(result, "listening"));
    json_decref(result);
    return opened;
}

static void test_listen_and_reach(void **state)
{
    (void) state;
    assert_reach("tcp", PORT_A, false);
    assert_int_equal(listen_on(30), 2);
    assert_reach("tcp", PORT_A, true);
    assert_reach("udp", PORT_B, true);
    assert_reach("udp", PORT_UNUSED, false);
    assert_reach("udp", PORT_A, false);
    /* A new listen has the same ports again. */
    assert_int_equal(listen_on(30), 2);
    assert_reach("tcp", PORT_A, true);
    reach_listen_end();
    assert_true(tasks_wait(SOON_MS));
    assert_reach("tcp", PORT_A, false);
}

static void test_listeners_end_by_themselves(void **state)
{
    (void) state;
    assert_int_equal(listen_on(1), 2);
    assert_reach("tcp", PORT_A, true);
    assert_true(tasks_wait(SOON_MS));
    assert_reach("tcp", PORT_A, false);
}

static void test_silence_ends_in_time(void **state)
{
    (void) state;
    int64_t start = clock_monotonic_ms();
    AUTO_JSON *one = try_one("127.0.0.1", "udp", PORT_UNUSED, 300);
    assert_false(json_get_bool(one, "ok", true));
    assert_soon(start);
}

static void assert_refused(const char *text, int (*call)(const json_t *, json_t **, struct error *))
{
    json_t *result = NULL;
    struct error err = ERROR_INIT;
    AUTO_JSON *params = json_parse(text, strlen(text), "params", NULL);
    assert_non_null(params);
    assert_true(call(params, &result, &err) < 0);
    assert_true(err.text[0]);
    assert_null(result);
}

static void test_bad_input(void **state)
{
    (void) state;
    assert_refused("{}", reach_targets);
    assert_refused("{\"targets\":[{\"address\":\"localhost\",\"port\":1}]}", reach_targets);
    assert_refused("{\"targets\":[{\"address\":\"127.0.0.1\",\"port\":0}]}", reach_targets);
    assert_refused("{\"targets\":[{\"address\":\"127.0.0.1\",\"port\":65536}]}", reach_targets);
    assert_refused("{\"targets\":[{\"address\":\"127.0.0.1\",\"port\":1,\"protocol\":\"x\"}]}",
                   reach_targets);
    assert_refused("{\"targets\":[],\"timeout_ms\":-1}", reach_targets);
    assert_refused("{}", reach_listen);
    assert_refused("{\"ports\":[{\"port\":70000}]}", reach_listen);
    assert_refused("{\"ports\":[{\"port\":61801,\"protocol\":\"x\"}]}", reach_listen);
    assert_refused("{\"ports\":[],\"seconds\":100000}", reach_listen);
    assert_true(tasks_wait(SOON_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listen_and_reach),
        cmocka_unit_test(test_listeners_end_by_themselves),
        cmocka_unit_test(test_silence_ends_in_time),
        cmocka_unit_test(test_bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
