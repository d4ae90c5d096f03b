/* Which keys of a real sshd (sshd-fixture.h) are accepted, and what it learns of us before. */
#include "coordinator/host-key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/sshd-fixture.h"

static void test_unknown_key_is_refused(void **state)
{
    struct ssh_target t = root_target();
    struct error err = ERROR_INIT;

    (void) state;
    NEED_FIXTURE();
    EXPECT_ERROR(-ENOKEY, try_open(&t, &err), err);
    AUTO_FREE char *print = fingerprint_of("/tmp/keys/ed25519.pub");
    assert_non_null(strstr(err.text, print));
    assert_non_null(strstr(err.remedy, "host_key:"));
    assert_true(log_has("SSH2_MSG_NEWKEYS")); /* it did come so far */
    assert_false(log_shows_login());
    assert_int_equal(access(KNOWN_HOSTS, F_OK), -1);
}

static void test_changed_key_is_refused(void **state)
{
    struct ssh_target t = root_target();
    struct error err = ERROR_INIT;

    (void) state;
    NEED_FIXTURE();
    must_run("rm -f /tmp/other*; ssh-keygen -q -t ed25519 -N '' -f /tmp/other");
    know_host("/tmp/other.pub");
    EXPECT_ERROR(-EKEYREJECTED, try_open(&t, &err), err);
    AUTO_FREE char *shown = fingerprint_of("/tmp/keys/ed25519.pub");
    AUTO_FREE char *known = fingerprint_of("/tmp/other.pub");
    assert_non_null(strstr(err.text, shown));
    assert_non_null(strstr(err.text, known));
    assert_non_null(strstr(err.text, "127.0.0.1 port " SSHD_PORT_TEXT));
    assert_non_null(strstr(err.text, KNOWN_HOSTS ":1"));
    assert_non_null(strstr(err.remedy, "ssh-keygen -f '" KNOWN_HOSTS "' -R '[127.0.0.1]:2222'"));
    assert_true(log_has("SSH2_MSG_NEWKEYS"));
    assert_false(log_shows_login());
}

/* Also when the server has other keys than the known one: an attacker would choose such a type. */
static void test_other_type_is_refused(void **state)
{
    struct ssh_target t = root_target();
    struct error err = ERROR_INIT;

    (void) state;
    NEED_FIXTURE();
    know_host("/tmp/keys/rsa.pub");
    start_sshd("HostKeyAlgorithms ssh-ed25519");
    EXPECT_ERROR(-EKEYREJECTED, try_open(&t, &err), err);
    assert_false(log_shows_login());
}

static void test_revoked_key_is_refused(void **state)
{
    struct ssh_target t = root_target();
    struct error err = ERROR_INIT;

    (void) state;
    NEED_FIXTURE();
    know_host("/tmp/keys/ed25519.pub");
    must_run("echo \"@revoked * $(cut -d' ' -f1,2 /tmp/keys/ed25519.pub)\" "
             "> /etc/ssh/ssh_known_hosts");
    EXPECT_ERROR(-EKEYREJECTED, try_open(&t, &err), err);
    assert_non_null(strstr(err.text, "revoked"));
    assert_false(log_shows_login());
}

static void test_known_type_is_preferred(void **state)
{
    static const char *const keys[] = {"/tmp/keys/ed25519.pub", "/tmp/keys/ecdsa.pub",
                                       "/tmp/keys/rsa.pub"};
    struct ssh_target t = root_target();

    (void) state;
    NEED_FIXTURE();
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        AUTO_SSH *ssh = NULL;
        know_host(keys[i]);
        must_open(&t, &ssh);
    }
}

static void test_pins(void **state)
{
    static const char *const keys[] = {"ed25519", "ecdsa", "rsa"};
    struct ssh_target t = root_target();
    struct error err = ERROR_INIT;

    (void) state;
    NEED_FIXTURE();
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        AUTO_FREE char *path = xasprintf("/tmp/keys/%s.pub", keys[i]);
        AUTO_FREE char *print = fingerprint_of(path), *line = get_file(path);
        AUTO_SSH *by_print = NULL, *by_line = NULL;
        t.host_key = print;
        must_open(&t, &by_print);
        t.host_key = line;
        must_open(&t, &by_line);
    }
    clear_log();
    t.host_key = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    EXPECT_ERROR(-EKEYREJECTED, try_open(&t, &err), err);
    assert_non_null(strstr(err.text, t.host_key));
    AUTO_FREE char *shown = fingerprint_of("/tmp/keys/ed25519.pub");
    assert_non_null(strstr(err.text, shown));
    assert_false(log_shows_login());
    assert_int_equal(access(KNOWN_HOSTS, F_OK), -1);
}

static int body_open(void)
{
    struct ssh_target t = root_target();
    struct error err = ERROR_INIT;
    int r = try_open(&t, &err);
    if (r < 0)
        fprintf(stderr, "ERROR %s\n", err.text);
    return r == 0 ? 0 : r == -ENOKEY ? 10 : r == -EACCES ? 11 : 12;
}

static void test_question_yes(void **state)
{
    AUTO_FREE char *transcript = NULL;
    struct stat st;

    (void) state;
    NEED_FIXTURE();
    must_run("rm -rf /root/.ssh");
    assert_int_equal(on_terminal(body_open, "? ", "yes\n", &transcript), 0);
    AUTO_FREE char *print = fingerprint_of("/tmp/keys/ed25519.pub");
    assert_non_null(strstr(transcript, print));
    assert_int_equal(stat(KNOWN_HOSTS, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat("/root/.ssh", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    /* ssh itself reads what we wrote, and we do not ask again. */
    must_run("ssh-keygen -F '[127.0.0.1]:2222' -f " KNOWN_HOSTS);
    assert_int_equal(body_open(), 0);
}

static void test_question_fingerprint(void **state)
{
    AUTO_FREE char *print = NULL, *answer = NULL;

    (void) state;
    NEED_FIXTURE();
    print = fingerprint_of("/tmp/keys/ed25519.pub");
    answer = xasprintf("%s\n", print);
    assert_int_equal(on_terminal(body_open, "? ", answer, NULL), 0);
}

static void test_question_no(void **state)
{
    (void) state;
    NEED_FIXTURE();
    assert_int_equal(on_terminal(body_open, "? ", "no\n", NULL), 10);
    assert_false(log_shows_login());
    assert_int_equal(access(KNOWN_HOSTS, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_unknown_key_is_refused, clean),
        cmocka_unit_test_setup(test_changed_key_is_refused, clean),
        cmocka_unit_test_setup(test_other_type_is_refused, clean),
        cmocka_unit_test_setup(test_revoked_key_is_refused, clean),
        cmocka_unit_test_setup(test_known_type_is_preferred, clean),
        cmocka_unit_test_setup(test_pins, clean),
        cmocka_unit_test_setup(test_question_yes, clean),
        cmocka_unit_test_setup(test_question_fingerprint, clean),
        cmocka_unit_test_setup(test_question_no, clean),
    };
    fixture_enter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
