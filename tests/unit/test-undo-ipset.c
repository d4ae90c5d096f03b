/* Sets in a network of this test's own, made and looked at with the real program. */
#include "agent/ledger-kinds.h"
#include "lib/process.h"
#include "tests/unit/unit.h"

#include <sched.h>
#include <unistd.h>

static int ipset(struct strbuf *out, const char *a, const char *b, const char *c)
{
    const char *const argv[] = {"ipset", a, b, c, NULL};
    const struct process_options options = {.out = out, .timeout_ms = 10000};
    return process_run(argv, &options, NULL, NULL);
}

static void removes_ours_and_no_others(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    STRBUF(out, 65536);
    if (!process_in_path("ipset") || unshare(CLONE_NEWNET) < 0 ||
        ipset(NULL, "create", "cali40a", "hash:ip") < 0) {
        print_message("ipset, or a network of its own, cannot be had here\n");
        skip();
    }
    for (int i = 0; i < 300; i++) { /* more than one message holds */
        char name[32];
        snprintf(name, sizeof name, "cali40s:%d-abcdefghijkl", i);
        assert_int_equal(ipset(NULL, "create", name, "hash:net"), 0);
    }
    assert_int_equal(ipset(NULL, "create", "califlower", "hash:ip"), 0);
    assert_int_equal(ipset(NULL, "create", "own", "hash:ip"), 0);
    if (undo_ipset("cali4*", &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(ipset(&out, "list", "-name", NULL), 0);
    assert_true(strcmp(out.data, "califlower\nown\n") == 0 ||
                strcmp(out.data, "own\ncaliflower\n") == 0);
    assert_int_equal(undo_ipset("cali4*", &err), 0); /* once more: nothing left, no error */
}

static void a_set_in_use_is_told(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    if (ipset(NULL, "create", "cali40used", "hash:ip") < 0 ||
        ipset(NULL, "create", "lists", "list:set") < 0)
        skip();
    assert_int_equal(ipset(NULL, "add", "lists", "cali40used"), 0);
    assert_true(undo_ipset("cali4*", &err) < 0);
    assert_error_has(err, "cali40used");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(removes_ours_and_no_others),
        cmocka_unit_test(a_set_in_use_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
