/* kubectl as the agent calls it, with a script in its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/program.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/protocol.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define CALLS "/run/calls" /* a line each */

static bool is_ours; /* /usr/local/bin and /run are: nothing of this machine is touched */

/* It says so, and fails, in the first `count` calls; then it gives an object. */
static void let_kubectl_say(const char *words, int count)
{
    AUTO_FREE char *script = xasprintf("#!/bin/sh\n"
                                       "echo x >>" CALLS "\n"
                                       "[ $(wc -l <" CALLS ") -gt %d ] && exec echo '{\"a\":1}'\n"
                                       "echo half; echo 'Error from server: %s' >&2; exit 1\n",
                                       count, words);
    unlink(CALLS);
    assert_int_equal(file_write_atomic(PROGRAM_KUBECTL, script, strlen(script), 0755, NULL), 0);
}

static int calls(void)
{
    struct stat st;
    return stat(CALLS, &st) < 0 ? 0 : (int) (st.st_size / 2);
}

static const char *const get[] = {"get", "it", NULL};

static void test_a_busy_server_is_asked_again(void **state)
{
    struct error err = ERROR_INIT;
    AUTO_JSON *found = NULL;
    (void) state;
    if (!is_ours)
        skip();
    let_kubectl_say("etcdserver: request timed out", 1);
    assert_int_equal(kubectl_json(get, NULL, 60000, &found, &err), 0);
    assert_int_equal(json_get_int(found, "a", 0), 1);
    assert_int_equal(calls(), 2);
}

static void test_a_refusal_is_final(void **state)
{
    struct error err = ERROR_INIT;
    (void) state;
    if (!is_ours)
        skip();
    let_kubectl_say("it is forbidden", 1);
    assert_int_equal(kubectl_run(get, NULL, 60000, NULL, &err), -EREMOTEIO);
    assert_non_null(strstr(err.text, "it is forbidden"));
    assert_int_equal(calls(), 1);
}

static void test_busy_for_too_long(void **state)
{
    struct error err = ERROR_INIT;
    bool cancel = true;
    (void) state;
    if (!is_ours)
        skip();
    let_kubectl_say("net/http: TLS handshake timeout", 1000);
    assert_int_equal(kubectl_feed(get, "text", NULL, 3500, &err), -EREMOTEIO);
    assert_non_null(strstr(err.text, "TLS handshake timeout"));
    assert_int_equal(calls(), 2);
    assert_int_equal(kubectl_feed(get, "text", &cancel, 60000, &err), -ECANCELED);
}

static int prepare(void **state)
{
    (void) state;
    is_ours = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
              mount("tmpfs", "/usr/local/bin", "tmpfs", 0, NULL) == 0 &&
              mount("tmpfs", "/run", "tmpfs", 0, NULL) == 0 && mkdir(AGENT_RUN_DIR, 0700) == 0;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_busy_server_is_asked_again),
        cmocka_unit_test(test_a_refusal_is_final),
        cmocka_unit_test(test_busy_for_too_long),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
