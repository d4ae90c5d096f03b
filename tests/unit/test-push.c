/* Against a real sshd, a real sudo and a file system of this test alone (sshd-fixture.h). */
#include "coordinator/push.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/sshd-fixture.h"

#include "tests/unit/fake-blob.h"

#define AGENT \
    "#!/bin/sh\n[ \"$1\" = version ] && exit 0\nread go\nprintf 'ATTACHED %s' \"$*\"\nexec cat\n"

static struct strbuf asked;

static void fresh_host(const char *mount_options)
{
    assert_int_equal(shell(NULL,
                           "umount -l /var/lib; mount -t tmpfs -o mode=755%s tmpfs /var/lib && "
                           "rm -rf /run/sudo /root/.bashrc /tmp/sudo.log /tmp/evil && "
                           "rm -f /etc/sudoers.d/*",
                           mount_options),
                     0);
    put_file("/etc/sudoers.d/ops", "Defaults logfile=/tmp/sudo.log\nops ALL=(ALL) ALL\n", 0440);
}

static int setup(void **state)
{
    (void) state;
    if (!fixture_ready)
        return 0;
    fresh_host("");
    fake_blob(AGENT);
    strbuf_reset(&asked);
    return 0;
}

/* Connects as the user and pushes. *ssh (may be NULL) stays open. */
static int push_as(const char *user, const char *password, struct ssh **keep, bool *pushed,
                   struct error *err)
{
    AUTO_SSH *ssh = NULL;
    struct ssh_target t = root_target();
    struct push_options o = {
        .who = user, .sudo = strcmp(user, "root") != 0, .sudo_password = password, .asked = &asked};

    t.user = user;
    int r = ssh_open(&t, &ssh, err);
    if (r < 0)
        fail_msg("%s", err->text);
    r = push_agent(ssh, &o, pushed, err);
    if (keep)
        *keep = TAKE_PTR(ssh);
    return r;
}

static void expect_failure(int want, const char *user, const char *password, const char *text)
{
    struct error err = ERROR_INIT;
    int r = push_as(user, password, NULL, NULL, &err);

    if (r != want || !strstr(err.text, text))
        fail_msg("got %d \"%s\", wanted %d \"%s\"", r, err.text, want, text);
    if (!err.remedy[0])
        fail_msg("no remedy for: %s", err.text);
}

static bool expect_attached(const char *user, const char *password)
{
    struct error err = ERROR_INIT;
    AUTO_SSH *ssh = NULL;
    AUTO_FREE char *dir = fake_blob_dir(), *want = xasprintf("ATTACHED attach --self %s", dir);
    bool pushed = false, is_stderr;
    char data[512];
    STRBUF(seen, sizeof(data));

    int r = push_as(user, password, &ssh, &pushed, &err);
    if (r < 0)
        fail_msg("%d %s", r, err.text);
    assert_int_equal(ssh_write(ssh, "go\n", 3, &err), 0);
    while (seen.len < strlen(want)) {
        ssize_t n = ssh_read(ssh, data, sizeof(data), &is_stderr, 5000, &err);
        if (n <= 0)
            fail_msg("read: %zd %s, after: %s", n, err.text, seen.data);
        if (!is_stderr)
            strbuf_add(&seen, data, (size_t) n);
    }
    assert_string_equal(seen.data, want);
    /* What is written arrives there, bytes of all kinds. */
    assert_int_equal(ssh_write(ssh, "\0\n\xff'", 4, &err), 0);
    assert_int_equal(ssh_read(ssh, data, sizeof(data), &is_stderr, 5000, &err), 4);
    assert_memory_equal(data, "\0\n\xff'", 4);
    return pushed;
}

static void test_pushes_once(void **state)
{
    AUTO_FREE char *dir = NULL;

    (void) state;
    NEED_FIXTURE();
    assert_true(expect_attached("root", NULL));
    assert_false(expect_attached("root", NULL));
    dir = fake_blob_dir();
    STRBUF(out, 4096);
    assert_int_equal(shell(&out,
                           "stat -c '%%a %%u' /var/lib/bigtop /var/lib/bigtop/agent %s "
                           "| sort -u; ls -A /var/lib/bigtop/agent | wc -l",
                           dir),
                     0);
    assert_string_equal(out.data, "700 0\n1\n");
}

static void test_sudo_with_password(void **state)
{
    struct error err = ERROR_INIT;
    AUTO_SSH *ssh = NULL;

    (void) state;
    NEED_FIXTURE();
    assert_true(expect_attached("ops", PASSWORD));
    assert_false(expect_attached("ops", PASSWORD));
    assert_int_equal(push_as("ops", PASSWORD, &ssh, NULL, &err), 0);
    /* The one that searches must not find itself. */
    assert_int_equal(shell(NULL, "! cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | "
                                 "grep -qa '[r]ight password'"),
                     0);
    AUTO_FREE char *log = get_file("/tmp/sudo.log");
    assert_non_null(strstr(log, "COMMAND=/bin/sh"));
    assert_null(strstr(log, PASSWORD));
}

static void test_sudo_without_password(void **state)
{
    (void) state;
    NEED_FIXTURE();
    put_file("/etc/sudoers.d/ops", "ops ALL=(ALL) NOPASSWD: ALL\n", 0440);
    assert_true(expect_attached("ops", NULL));
    assert_false(expect_attached("ops", "not asked for"));
}

static void test_wrong_password_is_tried_once(void **state)
{
    (void) state;
    NEED_FIXTURE();
    expect_failure(-EACCES, "ops", "wrong password", "wrong password (tried once)");
    poll(NULL, 0, 500);
    AUTO_FREE char *log = get_file("/tmp/sudo.log");
    assert_non_null(strstr(log, "1 incorrect password attempt ;"));
    expect_failure(-EINVAL, "ops", "right password\nrm", "newline");
}

static void test_no_password_given(void **state)
{
    (void) state;
    NEED_FIXTURE();
    expect_failure(-EACCES, "ops", NULL, "asks for a password and none is given");
}

static int body_ask(void)
{
    struct error err = ERROR_INIT;
    int r = push_as("ops", NULL, NULL, NULL, &err);
    if (r == 0) /* the next connection does not ask again */
        r = push_as("ops", NULL, NULL, NULL, &err);
    return r == 0 && strcmp(asked.data, PASSWORD) == 0 ? 0 : 1;
}

static void test_password_is_asked_for(void **state)
{
    AUTO_FREE char *transcript = NULL;

    (void) state;
    NEED_FIXTURE();
    assert_int_equal(on_terminal(body_ask, "ops: ", PASSWORD "\n", &transcript), 0);
    assert_non_null(strstr(transcript, "[sudo] password for ops"));
    assert_null(strstr(transcript, PASSWORD));
    assert_null(strstr(strstr(transcript, "[sudo]") + 1, "[sudo]"));
}

static void test_not_in_sudoers(void **state)
{
    (void) state;
    NEED_FIXTURE();
    must_run("rm /etc/sudoers.d/ops");
    expect_failure(-EACCES, "ops", PASSWORD, "not in the sudoers file");
}

static void test_no_sudo_there(void **state)
{
    (void) state;
    NEED_FIXTURE();
    must_run("mount --bind /dev/null /usr/bin/sudo");
    expect_failure(-ENOENT, "ops", PASSWORD, "no usable sudo");
    must_run("umount /usr/bin/sudo");
}

static void test_planted_things_are_refused(void **state)
{
    static const struct {
        const char *plant, *text;
    } cases[] = {
        {"mkdir -m 777 /tmp/evil; ln -s /tmp/evil /var/lib/bigtop",
         "/var/lib/bigtop is not a real"},
        {"ln -s /nowhere /var/lib/bigtop", "/var/lib/bigtop is not a real"},
        {"touch /var/lib/bigtop", "/var/lib/bigtop is not a real"},
        {"mkdir -m 700 /var/lib/bigtop; chown ops /var/lib/bigtop", "does not belong to root"},
        {"mkdir -m 770 /var/lib/bigtop", "can be written by others"},
        {"mkdir -m 707 /var/lib/bigtop", "can be written by others"},
        {"mkdir -m 700 /var/lib/bigtop; mkdir -m 777 /tmp/evil; "
         "ln -s /tmp/evil /var/lib/bigtop/agent",
         "/var/lib/bigtop/agent is not a real"},
        {"mkdir -m 700 /var/lib/bigtop; mkdir -m 1777 /var/lib/bigtop/agent",
         "/var/lib/bigtop/agent can be written by others"},
        {"chmod 777 /var/lib", "can be written by others"},
    };

    (void) state;
    NEED_FIXTURE();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fresh_host("");
        must_run(cases[i].plant);
        expect_failure(-EPERM, "root", NULL, cases[i].text);
        must_run("[ -z \"$(ls -A /tmp/evil 2>/dev/null)\" ] && [ ! -e /nowhere ]");
    }
}

static void test_host_that_cannot_hold_it(void **state)
{
    /* The script says why before it tidies up. */
    static const char nothing_left[] =
        "for i in $(seq 50); do [ -z \"$(ls -A /var/lib/bigtop/agent)\" ] && exit; sleep 0.1; "
        "done; exit 1";

    (void) state;
    NEED_FIXTURE();
    fresh_host(",size=32k");
    expect_failure(-ENOSPC, "root", NULL, "could not be stored");
    must_run(nothing_left);
    fresh_host(",noexec");
    expect_failure(-ENOEXEC, "root", NULL, "does not run from");
    must_run(nothing_left);
    fresh_host(",ro");
    expect_failure(-EROFS, "root", NULL, "could not be made");
}

static void test_not_root(void **state)
{
    struct error err = ERROR_INIT;
    AUTO_SSH *ssh = NULL;
    struct ssh_target t = root_target();
    struct push_options o = {.who = "ops", .asked = &asked};

    (void) state;
    NEED_FIXTURE();
    t.user = "ops";
    assert_int_equal(ssh_open(&t, &ssh, &err), 0);
    assert_int_equal(push_agent(ssh, &o, NULL, &err), -EPERM);
    assert_non_null(strstr(err.text, "not root"));
}

static void test_other_architecture(void **state)
{
    (void) state;
    NEED_FIXTURE();
    put_file("/tmp/uname", "#!/bin/sh\necho aarch64\n", 0755);
    must_run("mount --bind /tmp/uname /usr/bin/uname");
    expect_failure(-ENOEXEC, "root", NULL, "is a aarch64 machine");
    must_run("umount /usr/bin/uname");
}

static void test_noise_is_skipped(void **state)
{
    (void) state;
    NEED_FIXTURE();
    put_file("/root/.bashrc",
             "echo BIGTOP1; echo ' BIGTOP1 x86_64 HAVE'; echo 'welcome' >&2\n"
             "seq 5000; printf 'no newline'\n",
             0600);
    assert_true(expect_attached("root", NULL));
    put_file("/root/.bashrc", "while :; do echo noise; done\n", 0600);
    struct error err = ERROR_INIT;
    assert_int_equal(push_as("root", NULL, NULL, NULL, &err), -EPROTO);
    put_file("/root/.bashrc", "echo no access for you; exit 3\n", 0600);
    expect_failure(-EPIPE, "root", NULL, "(exit code 3): no access for you");
}

static void test_hostile_markers(void **state)
{
    static const struct {
        const char *line;
        int want;
    } cases[] = {
        {"BIGTOP1 x86_64 WHAT", -EPROTO},
        {"BIGTOP1 ", -ENOEXEC},
        {"BIGTOP1 FAIL x\\033[2J", -EPROTO},
        {"BIGTOP1 FAIL symlink \\033[2J", -EPERM},
    };

    (void) state;
    NEED_FIXTURE();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *rc = xasprintf("printf '%s\\n'; sleep 1; exit\n", cases[i].line);
        struct error err = ERROR_INIT;
        put_file("/root/.bashrc", rc, 0600);
        int r = push_as("root", NULL, NULL, NULL, &err);
        if (r != cases[i].want)
            fail_msg("%s: %d %s", cases[i].line, r, err.text);
        assert_null(strchr(err.text, '\033'));
    }
}

static void test_former_versions(void **state)
{
    (void) state;
    NEED_FIXTURE();
    for (int i = 0; i < 4; i++) {
        AUTO_FREE char *agent = xasprintf("%s# %d\n", AGENT, i);
        fake_blob(agent);
        assert_true(expect_attached("root", NULL));
        poll(NULL, 0, 20);
    }
    STRBUF(out, 64);
    assert_int_equal(shell(&out, "ls -A /var/lib/bigtop/agent | wc -l"), 0);
    assert_string_equal(out.data, "2\n");
    assert_false(expect_attached("root", NULL));
}

static void test_half_an_agent_is_replaced(void **state)
{
    (void) state;
    NEED_FIXTURE();
    assert_true(expect_attached("root", NULL));
    AUTO_FREE char *dir = fake_blob_dir();
    assert_int_equal(shell(NULL, "rm -r %s/lib", dir), 0);
    assert_true(expect_attached("root", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_pushes_once, setup),
        cmocka_unit_test_setup(test_sudo_with_password, setup),
        cmocka_unit_test_setup(test_sudo_without_password, setup),
        cmocka_unit_test_setup(test_wrong_password_is_tried_once, setup),
        cmocka_unit_test_setup(test_no_password_given, setup),
        cmocka_unit_test_setup(test_password_is_asked_for, setup),
        cmocka_unit_test_setup(test_not_in_sudoers, setup),
        cmocka_unit_test_setup(test_no_sudo_there, setup),
        cmocka_unit_test_setup(test_planted_things_are_refused, setup),
        cmocka_unit_test_setup(test_host_that_cannot_hold_it, setup),
        cmocka_unit_test_setup(test_not_root, setup),
        cmocka_unit_test_setup(test_other_architecture, setup),
        cmocka_unit_test_setup(test_noise_is_skipped, setup),
        cmocka_unit_test_setup(test_hostile_markers, setup),
        cmocka_unit_test_setup(test_former_versions, setup),
        cmocka_unit_test_setup(test_half_an_agent_is_replaced, setup),
    };
    fixture_enter();
    if (access("/usr/bin/sudo", X_OK) < 0)
        fixture_ready = false;
    strbuf_init(&asked, 1024);
    if (fixture_ready) {
        start_sshd("LogLevel INFO");
        know_host("/tmp/keys/ed25519.pub");
    }
    int r = cmocka_run_group_tests(tests, NULL, NULL);
    strbuf_release_secret(&asked);
    return r;
}
