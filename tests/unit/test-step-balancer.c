/* What is refused before systemd is asked anything; the rest is seen end to end. */
#include "tests/unit/unit.h"

#include "agent/step.h"

#include <errno.h>

static void refuses_malformed_parameters(void **state)
{
    static const char *const bad[] = {
        "{}",
        "{\"services\":[]}",
        "{\"unwanted\":[]}",
        "{\"services\":{},\"unwanted\":[]}",
        "{\"services\":[],\"unwanted\":[1]}",
        "{\"services\":[{}],\"unwanted\":[]}",
        "{\"services\":[{\"unit\":\"x\"}],\"unwanted\":[]}",
        "{\"services\":[{\"unit\":\"../x.service\"}],\"unwanted\":[]}",
        "{\"services\":[{\"unit\":\"-x.service\"}],\"unwanted\":[]}",
    };
    AUTO_FREE char *path = path_join(*state, "ledger");
    AUTO_LEDGER *ledger = NULL;
    assert_int_equal(ledger_open(path, &ledger, NULL), 0);
    const struct step_context ctx = {.ledger = ledger};
    const struct step *step = step_find("balancer");
    assert_non_null(step);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        AUTO_JSON *params = json_loads(bad[i], 0, NULL);
        AUTO_JSON *result = NULL;
        STRV(differences);
        struct error err = ERROR_INIT;
        assert_non_null(params);
        assert_true(step->check(&ctx, params, &differences, &err) < 0);
        assert_int_not_equal(err.text[0], '\0');
        assert_true(step_run(step, &ctx, params, &result, &err) < 0);
    }
    assert_int_equal(ledger_count(ledger), 0);
}

static void nothing_wanted_is_done(void **state)
{
    AUTO_FREE char *path = path_join(*state, "ledger");
    AUTO_LEDGER *ledger = NULL;
    assert_int_equal(ledger_open(path, &ledger, NULL), 0);
    const struct step_context ctx = {.ledger = ledger};
    AUTO_JSON *params = json_loads("{\"services\":[],\"unwanted\":[]}", 0, NULL);
    STRV(differences);
    assert_int_equal(step_find("balancer")->check(&ctx, params, &differences, NULL), 1);
    assert_int_equal(differences.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(refuses_malformed_parameters),
        cmocka_folder_test(nothing_wanted_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
