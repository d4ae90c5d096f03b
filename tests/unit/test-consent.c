/* Without a terminal here; the question itself is asked through a pseudo-terminal. */
#include "coordinator/consent.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const bool never = false;

static void need_both(struct consent *c)
{
    consent_need(c, CONSENT_REMOVAL, "n%d: its node is removed", 3);
    consent_need(c, CONSENT_SLOW_DISKS, "n1: etcd's disk is \033[31mslow");
}

static void asks_nothing_when_nothing_needs_it(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct consent c;
    consent_init(&c);
    assert_int_equal(consent_ask(&c, "yes", &never, &err), 0);
    c.given[CONSENT_REMOVAL] = c.given[CONSENT_SLOW_DISKS] = true;
    need_both(&c);
    assert_int_equal(consent_ask(&c, "yes", &never, &err), 0);
    consent_release(&c);
}

/* stdin is no terminal in this test, whatever started it. */
static void refuses_when_nobody_can_be_asked(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct consent c;
    consent_init(&c);
    need_both(&c);
    assert_int_equal(consent_ask(&c, "yes", &never, &err), -EPERM);
    assert_non_null(strstr(err.text, "n3: its node is removed"));
    assert_non_null(strstr(err.text, "slow"));
    assert_null(strchr(err.text, '\033'));
    assert_non_null(strstr(err.remedy, "--yes --accept-slow-disks"));
    assert_int_equal(consent_ask(&c, "yes", &never, &err), 0); /* it was forgotten */
    consent_release(&c);
}

static void one_option_does_not_agree_to_the_other(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct consent c;
    consent_init(&c);
    c.given[CONSENT_REMOVAL] = true;
    need_both(&c);
    assert_int_equal(consent_ask(&c, "yes", &never, &err), -EPERM);
    assert_null(strstr(err.text, "n3"));
    assert_null(strstr(err.remedy, "--yes"));
    consent_release(&c);
}

static void a_reset_is_meant_but_nothing_beside_it(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct consent c;
    consent_init(&c);
    consent_need(&c, CONSENT_RESET, "all of it");
    assert_int_equal(consent_ask(&c, "bigtop", &never, &err), 0);
    consent_need(&c, CONSENT_RESET, "all of it");
    consent_need(&c, CONSENT_REMOVAL, "and more");
    assert_int_equal(consent_ask(&c, "bigtop", &never, &err), -EPERM);
    consent_release(&c);
}

static void lists_with_the_option(void **state)
{
    (void) state;
    struct consent c;
    STRV(list);
    consent_init(&c);
    need_both(&c);
    consent_list(&c, &list);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0], "n3: its node is removed (--yes agrees to it)");
    consent_release(&c);
}

static void takes_back_what_one_host_needs(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct consent c;
    STRV(taken);
    consent_init(&c);
    consent_need(&c, CONSENT_SLOW_DISKS, "n1: slow");
    consent_need(&c, CONSENT_SLOW_DISKS, "n10: slower");
    consent_take(&c, CONSENT_SLOW_DISKS, "n1", &taken);
    assert_int_equal(taken.count, 1);
    assert_string_equal(taken.items[0], "slow");
    assert_int_equal(consent_ask(&c, "yes", &never, &err), -EPERM);
    assert_non_null(strstr(err.text, "n10: slower"));
    assert_null(strstr(err.text, "n1: slow"));
    consent_release(&c);
}

/* On a terminal of its own: the code of consent_ask, as an exit status. */
static int answer_of(const char *typed, char *shown, size_t size)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct error err = ERROR_INIT;
        struct consent c;
        setsid();
        int terminal = open(ptsname(master), O_RDWR);
        ioctl(terminal, TIOCSCTTY, 0);
        dup2(terminal, STDIN_FILENO);
        dup2(terminal, STDERR_FILENO);
        consent_init(&c);
        need_both(&c);
        _exit(-consent_ask(&c, "yes", &never, &err));
    }
    assert_int_equal(write(master, typed, strlen(typed)), (ssize_t) strlen(typed));
    size_t len = 0;
    int status = 0;
    while (waitpid(pid, &status, WNOHANG) == 0 || len == 0) {
        ssize_t n = read(master, shown + len, size - 1 - len);
        if (n <= 0)
            break;
        len += (size_t) n;
        if (strstr(shown, "go on: "))
            break;
    }
    waitpid(pid, &status, 0);
    close(master);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void asks_on_a_terminal(void **state)
{
    (void) state;
    char shown[4096] = "";
    assert_int_equal(answer_of("yes\n", shown, sizeof(shown)), 0);
    assert_non_null(strstr(shown, "n3: its node is removed"));
    assert_null(strchr(shown, '\033'));
    memset(shown, 0, sizeof(shown));
    assert_int_equal(answer_of("y\n", shown, sizeof(shown)), EPERM);
    memset(shown, 0, sizeof(shown));
    assert_int_equal(answer_of("\n", shown, sizeof(shown)), EPERM);
}

int main(void)
{
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_nothing_when_nothing_needs_it),
        cmocka_unit_test(refuses_when_nobody_can_be_asked),
        cmocka_unit_test(one_option_does_not_agree_to_the_other),
        cmocka_unit_test(a_reset_is_meant_but_nothing_beside_it),
        cmocka_unit_test(lists_with_the_option),
        cmocka_unit_test(takes_back_what_one_host_needs),
        cmocka_unit_test(asks_on_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
