#include "tests/unit/unit.h"

#include "iso/relay.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/socket.h>
#include <unistd.h>

struct pair {
    int ours[2], theirs[2]; /* ours: the far ends of two consoles */
    struct iso_consoles c;
};

static void open_pair(struct pair *p)
{
    for (size_t i = 0; i < 2; i++) {
        int ends[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
        p->ours[i] = ends[0];
        p->theirs[i] = ends[1];
    }
    p->c = (struct iso_consoles){.fds = {p->theirs[0], p->theirs[1]}, .count = 2};
}

static void close_pair(struct pair *p)
{
    iso_consoles_close(&p->c);
    (void) close(p->ours[0]);
    (void) close(p->ours[1]);
}

static void expect_seen(int fd, const char *text)
{
    char got[4096] = "";
    ssize_t n = read(fd, got, sizeof(got) - 1);
    assert_true(n > 0);
    assert_non_null(strstr(got, text));
}

/* What it writes is everywhere; it has a terminal; its code is told. */
static void test_all_see(void **state)
{
    (void) state;
    struct pair p;
    int code = -1;
    open_pair(&p);
    const char *const argv[] = {"/bin/sh", "-c", "test -t 0 && test -t 1 && echo hello; exit 3",
                                NULL};
    assert_int_equal(iso_relay(&p.c, argv, NULL, &code, NULL), 0);
    assert_int_equal(code, 3);
    expect_seen(p.ours[0], "hello");
    expect_seen(p.ours[1], "hello");
    close_pair(&p);
}

static void test_any_answers(void **state)
{
    (void) state;
    struct pair p;
    int code = -1;
    open_pair(&p);
    assert_int_equal(write(p.ours[1], "yes\r", 4), 4);
    const char *const argv[] = {"/bin/sh", "-c", "read answer </dev/tty; test \"$answer\" = yes",
                                NULL};
    assert_int_equal(iso_relay(&p.c, argv, NULL, &code, NULL), 0);
    assert_int_equal(code, 0);
    close_pair(&p);
}

static void test_cancel(void **state)
{
    (void) state;
    struct pair p;
    int code = -1;
    const bool cancel = true;
    open_pair(&p);
    const char *const argv[] = {"/bin/sleep", "60", NULL};
    assert_int_equal(iso_relay(&p.c, argv, &cancel, &code, NULL), 0);
    assert_int_equal(code, 128 + 2);
    close_pair(&p);
}

static void test_not_there(void **state)
{
    (void) state;
    struct pair p;
    int code = -1;
    open_pair(&p);
    const char *const argv[] = {"/nowhere", NULL};
    assert_int_equal(iso_relay(&p.c, argv, NULL, &code, NULL), 0);
    assert_int_equal(code, 127);
    close_pair(&p);
}

static void test_enter(void **state)
{
    (void) state;
    struct pair p;
    STRBUF(line, 16);
    open_pair(&p);
    assert_false(iso_relay_enter(&p.c, 1, &line));
    assert_int_equal(write(p.ours[0], "yes\n", 4), 4);
    assert_true(iso_relay_enter(&p.c, 1000, &line));
    assert_string_equal(line.data, "yes");
    close_pair(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_see), cmocka_unit_test(test_any_answers),
        cmocka_unit_test(test_cancel),  cmocka_unit_test(test_not_there),
        cmocka_unit_test(test_enter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
