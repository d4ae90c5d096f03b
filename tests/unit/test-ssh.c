/* Against a real sshd (sshd-fixture.h). */
#include "coordinator/ssh.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/soon.h"
#include "tests/unit/sshd-fixture.h"

/* Everything the command prints on stdout; stderr goes to `complaints` when given. */
static void read_all(struct ssh *ssh, struct strbuf *out, struct strbuf *complaints)
{
    struct error err = ERROR_INIT;
    char data[65536];
    for (;;) {
        bool is_stderr;
        ssize_t n = ssh_read(ssh, data, sizeof(data), &is_stderr, 10000, &err);
        if (n < 0)
            fail_msg("read: %zd %s", n, err.text);
        if (n == 0)
            return;
        struct strbuf *into = is_stderr ? complaints : out;
        if (into)
            strbuf_add(into, data, (size_t) n);
    }
}

static size_t open_descriptors(void)
{
    size_t n = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static void test_nothing_is_left_open(void **state)
{
    struct ssh_target t = root_target();
    struct error err = ERROR_INIT;
    AUTO_SSH *ssh = NULL;

    (void) state;
    NEED_FIXTURE();
    size_t before = open_descriptors();
    EXPECT_ERROR(-ENOKEY, try_open(&t, &err), err);
    assert_int_equal(open_descriptors(), before);
    know_host("/tmp/keys/ed25519.pub");
    must_open(&t, &ssh);
    assert_int_equal(open_descriptors(), before + 1);
    ssh_close(&ssh);
    assert_int_equal(open_descriptors(), before);
}

static void test_command(void **state)
{
    struct ssh_target t = root_target();
    struct error err = ERROR_INIT;
    AUTO_SSH *ssh = NULL;
    STRBUF(out, 1024);
    STRBUF(complaints, 65536);

    (void) state;
    NEED_FIXTURE();
    know_host("/tmp/keys/ed25519.pub");
    must_open(&t, &ssh);
    EXPECT_ERROR(0, ssh_start(ssh, "cat; echo oops >&2; exit 7", &err), err);
    EXPECT_ERROR(0, ssh_write(ssh, "hello", 5, &err), err);
    assert_int_equal(ssh_send_eof(ssh), 0);
    read_all(ssh, &out, &complaints);
    assert_string_equal(out.data, "hello");
    assert_non_null(strstr(complaints.data, "oops\n"));
    assert_int_equal(ssh_exit_code(ssh), 7);
}

static void test_key_is_refused(void **state)
{
    struct ssh_target t = root_target();
    struct error err = ERROR_INIT;

    (void) state;
    NEED_FIXTURE();
    know_host("/tmp/keys/ed25519.pub");
    must_run("rm -f /tmp/other*; ssh-keygen -q -t ed25519 -N '' -f /tmp/other");
    t.key = "/tmp/other";
    EXPECT_ERROR(-EACCES, try_open(&t, &err), err);
    assert_non_null(strstr(err.text, "tried: key /tmp/other;"));
    assert_non_null(strstr(err.text, "offers: publickey password"));
    assert_non_null(strstr(err.remedy, "ssh-copy-id -p 2222 root@127.0.0.1"));

    must_run("chmod 644 /tmp/other");
    EXPECT_ERROR(-EACCES, try_open(&t, &err), err);
    assert_non_null(strstr(err.text, "chmod 600"));
    t.key = "/tmp/nowhere";
    EXPECT_ERROR(-EACCES, try_open(&t, &err), err);
    assert_non_null(strstr(err.text, "no such file"));
    t.key = "/etc/hosts";
    must_run("cp /etc/hosts /tmp/no-key; chmod 600 /tmp/no-key");
    t.key = "/tmp/no-key";
    EXPECT_ERROR(-EACCES, try_open(&t, &err), err);
    assert_non_null(strstr(err.text, "not a private key"));
}

static void test_default_keys(void **state)
{
    static const char *const types[] = {"ed25519", "ecdsa", "rsa"};
    struct ssh_target t = root_target();

    (void) state;
    NEED_FIXTURE();
    know_host("/tmp/keys/ed25519.pub");
    t.key = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        AUTO_SSH *ssh = NULL;
        assert_int_equal(shell(NULL,
                               "rm -f /root/.ssh/id_*; ssh-keygen -q -t %s -N '' -f "
                               "/root/.ssh/id_%s && cp /root/.ssh/id_%s.pub /tmp/authorized",
                               types[i], types[i], types[i]),
                         0);
        must_open(&t, &ssh);
    }
}

static size_t count_in_log(const char *text)
{
    AUTO_FREE char *log = get_file(SSHD_LOG);
    size_t n = 0;
    for (const char *p = log; (p = strstr(p, text)); p += strlen(text))
        n++;
    return n;
}

static void test_password(void **state)
{
    struct ssh_target t = root_target();
    struct error err = ERROR_INIT;
    AUTO_SSH *ssh = NULL;

    (void) state;
    NEED_FIXTURE();
    know_host("/tmp/keys/ed25519.pub");
    t.user = "ops";
    t.key = NULL;
    t.password = PASSWORD;
    must_open(&t, &ssh);

    clear_log();
    t.password = "wrong password";
    EXPECT_ERROR(-EACCES, try_open(&t, &err), err);
    assert_non_null(strstr(err.text, "tried: password;"));
    assert_null(strstr(err.text, "wrong password"));
    assert_int_equal(count_in_log("Failed password for ops"), 1);
}

static void test_keyboard_interactive(void **state)
{
    struct ssh_target t = root_target();
    struct error err = ERROR_INIT;
    AUTO_SSH *ssh = NULL;

    (void) state;
    NEED_FIXTURE();
    know_host("/tmp/keys/ed25519.pub");
    t.user = "ops";
    t.key = NULL;
    t.password = PASSWORD;
    start_sshd("UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no");
    must_open(&t, &ssh);
    clear_log();
    t.password = "wrong password";
    EXPECT_ERROR(-EACCES, try_open(&t, &err), err);
    assert_int_equal(count_in_log("PAM: Authentication failure for ops"), 1);
}

static void test_two_factors(void **state)
{
    struct ssh_target t = root_target();
    AUTO_SSH *ssh = NULL;

    (void) state;
    NEED_FIXTURE();
    know_host("/tmp/keys/ed25519.pub");
    start_sshd("AuthenticationMethods publickey,password");
    t.user = "ops";
    t.password = PASSWORD;
    must_open(&t, &ssh);
}

static void test_agent(void **state)
{
    struct ssh_target t = root_target();
    struct error err = ERROR_INIT;
    AUTO_SSH *ssh = NULL;
    STRBUF(pid, 64);

    (void) state;
    NEED_FIXTURE();
    know_host("/tmp/keys/ed25519.pub");
    t.key = NULL;
    EXPECT_ERROR(-EACCES, try_open(&t, &err), err); /* no key anywhere yet */
    assert_int_equal(shell(&pid, "ssh-agent -s -a /tmp/agent.sock | sed -n 's/.*PID=\\([0-9]*\\);"
                                 ".*/\\1/p'; SSH_AUTH_SOCK=/tmp/agent.sock ssh-add -q " ROOT_KEY),
                     0);
    setenv("SSH_AUTH_SOCK", "/tmp/agent.sock", 1);
    must_open(&t, &ssh);
    kill((pid_t) strtol(pid.data, NULL, 10), SIGKILL);

    /* A socket that nobody listens on is passed over. */
    must_run("cp " ROOT_KEY " /root/.ssh/id_ed25519");
    ssh_close(&ssh);
    must_open(&t, &ssh);
}

static int body_encrypted(void)
{
    struct ssh_target t = root_target();
    struct error err = ERROR_INIT;
    int r = 0;

    t.key = "/tmp/encrypted";
    for (int i = 0; i < 2 && r == 0; i++) /* the second host does not ask again */
        r = try_open(&t, &err);
    if (r < 0)
        fprintf(stderr, "ERROR %s\n", err.text);
    return r == 0 ? 0 : r == -EACCES ? 11 : 12;
}

static void test_encrypted_key(void **state)
{
    static const char *const kinds[] = {"-t ed25519", "-t rsa -b 2048 -m PEM"};
    struct ssh_target t = root_target();
    struct error err = ERROR_INIT;

    (void) state;
    NEED_FIXTURE();
    know_host("/tmp/keys/ed25519.pub");
    t.key = "/tmp/encrypted";
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        AUTO_FREE char *asked = NULL, *wrong = NULL;
        assert_int_equal(shell(NULL,
                               "rm -f /tmp/encrypted*; ssh-keygen -q %s -N 'open sesame' -f "
                               "/tmp/encrypted && cp /tmp/encrypted.pub /tmp/authorized",
                               kinds[i]),
                         0);
        EXPECT_ERROR(-EACCES, try_open(&t, &err), err);
        assert_non_null(strstr(err.text, "encrypted"));
        assert_int_equal(on_terminal(body_encrypted, "': ", "open sesame\n", &asked), 0);
        assert_non_null(strstr(asked, "Enter passphrase for key '/tmp/encrypted'"));
        assert_null(strstr(asked, "sesame")); /* not echoed */
        assert_null(strstr(strstr(asked, "Enter") + 1, "Enter"));
        assert_int_equal(on_terminal(body_encrypted, "': ", "wrong\n", &wrong), 11);
        assert_non_null(strstr(wrong, "wrong passphrase"));
    }
}

/* --- hostile surroundings --- */

static void test_foreign_config_is_not_read(void **state)
{
    static const char config[] = "Match exec \"touch /tmp/owned\"\n  User nobody\n"
                                 "Host *\n  ProxyCommand touch /tmp/owned; exit 1\n"
                                 "  Port 1\n  User nobody\n  IdentityFile /tmp/nowhere\n"
                                 "  LocalCommand touch /tmp/owned\n  PermitLocalCommand yes\n"
                                 "  HostName 127.0.0.9\n";
    struct ssh_target t = root_target();
    AUTO_SSH *ssh = NULL;

    (void) state;
    NEED_FIXTURE();
    know_host("/tmp/keys/ed25519.pub");
    put_file("/root/.ssh/config", config, 0600);
    put_file("/etc/ssh/ssh_config", config, 0644);
    must_open(&t, &ssh);
    assert_int_equal(access("/tmp/owned", F_OK), -1);
}

static int listener(int backlog)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(2223)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    assert_int_equal(bind(fd, (struct sockaddr *) &at, sizeof(at)), 0);
    assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

static void test_mute_server_times_out(void **state)
{
    struct ssh_target t = root_target();
    struct error err = ERROR_INIT;

    (void) state;
    NEED_FIXTURE();
    AUTO_FD fd = listener(4);
    t.port = 2223;
    t.login_timeout_ms = 400;
    int64_t start = clock_monotonic_ms();
    EXPECT_ERROR(-ETIMEDOUT, try_open(&t, &err), err);
    assert_later(start, 300);
    assert_soon(start);
    bool cancel = true;
    t.cancel = &cancel;
    t.login_timeout_ms = 2 * SOON_MS;
    start = clock_monotonic_ms();
    EXPECT_ERROR(-ECANCELED, try_open(&t, &err), err);
    assert_soon(start);
}

/* A host that is down is not waited for as long as one that is slow: its queue is full, so that the
 * kernel drops what comes. */
static void test_silent_host_times_out(void **state)
{
    struct ssh_target t = root_target();
    struct error err = ERROR_INIT;
    int queue[4];

    (void) state;
    NEED_FIXTURE();
    AUTO_FD fd = listener(0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(2223)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (size_t i = 0; i < ARRAY_SIZE(queue); i++) {
        queue[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void) connect(queue[i], (struct sockaddr *) &at, sizeof(at));
    }
    t.port = 2223;
    t.connect_timeout_ms = 400;
    t.login_timeout_ms = 2 * SOON_MS;
    int64_t start = clock_monotonic_ms();
    EXPECT_ERROR(-ETIMEDOUT, try_open(&t, &err), err);
    assert_later(start, 300);
    assert_soon(start);
    for (size_t i = 0; i < ARRAY_SIZE(queue); i++)
        close(queue[i]);
}

static void test_nobody_listens(void **state)
{
    struct ssh_target t = root_target();
    struct error err = ERROR_INIT;

    (void) state;
    NEED_FIXTURE();
    t.port = 2223;
    EXPECT_ERROR(-ECONNREFUSED, try_open(&t, &err), err);
    assert_non_null(strstr(err.text, "127.0.0.1 port 2223"));
    assert_true(err.remedy[0] != '\0');
    t.address = "no-such-host.invalid";
    EXPECT_ERROR(-EHOSTUNREACH, try_open(&t, &err), err);
}

static void test_lost_link(void **state)
{
    struct ssh_target t = root_target();
    struct error err = ERROR_INIT;
    AUTO_SSH *ssh = NULL;
    char data[64];
    bool is_stderr;
    ssize_t n;

    (void) state;
    NEED_FIXTURE();
    know_host("/tmp/keys/ed25519.pub");
    must_open(&t, &ssh);
    EXPECT_ERROR(0, ssh_start(ssh, "sleep 100", &err), err);
    while ((n = ssh_read(ssh, data, sizeof(data), &is_stderr, 300, &err)) > 0)
        assert_true(is_stderr); /* sshd's own debugging */
    assert_int_equal(n, -EAGAIN);
    kill_connections();
    assert_int_equal(ssh_read(ssh, data, sizeof(data), &is_stderr, 5000, &err), -EPIPE);
    assert_int_equal(ssh_write(ssh, "x", 1, &err), -EPIPE);
}

/* Both ways at once, and over several re-keyings that the server asks for. */
static void check_bulk(const char *sshd_options)
{
    enum { SIZE = 5 * 1024 * 1024 };
    struct ssh_target t = root_target();
    struct error err = ERROR_INIT;
    AUTO_SSH *ssh = NULL;
    STRBUF(out, 256);
    AUTO_FREE unsigned char *data = xcalloc(1, SIZE);

    start_sshd(sshd_options);
    for (uint32_t i = 0, x = 1; i < SIZE; i++, x = x * 1103515245 + 12345)
        data[i] = (unsigned char) (x >> 16);
    put_file("/tmp/bulk", "", 0600);
    AUTO_FD fd = open("/tmp/bulk", O_WRONLY | O_CLOEXEC);
    assert_int_equal(fd_write_all(fd, data, SIZE), 0);
    must_open(&t, &ssh);
    EXPECT_ERROR(0, ssh_start(ssh, "cmp - /tmp/bulk && echo same", &err), err);
    EXPECT_ERROR(0, ssh_write(ssh, data, SIZE, &err), err);
    assert_int_equal(ssh_send_eof(ssh), 0);
    read_all(ssh, &out, NULL);
    assert_string_equal(out.data, "same\n");
}

static void test_bulk(void **state)
{
    (void) state;
    NEED_FIXTURE();
    know_host("/tmp/keys/ed25519.pub");
    check_bulk("LogLevel INFO\nRekeyLimit 1M");
    check_bulk("LogLevel INFO\nCiphers aes256-ctr");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nothing_is_left_open, clean),
        cmocka_unit_test_setup(test_command, clean),
        cmocka_unit_test_setup(test_key_is_refused, clean),
        cmocka_unit_test_setup(test_default_keys, clean),
        cmocka_unit_test_setup(test_password, clean),
        cmocka_unit_test_setup(test_keyboard_interactive, clean),
        cmocka_unit_test_setup(test_two_factors, clean),
        cmocka_unit_test_setup(test_agent, clean),
        cmocka_unit_test_setup(test_encrypted_key, clean),
        cmocka_unit_test_setup(test_foreign_config_is_not_read, clean),
        cmocka_unit_test_setup(test_mute_server_times_out, clean),
        cmocka_unit_test_setup(test_silent_host_times_out, clean),
        cmocka_unit_test_setup(test_nobody_listens, clean),
        cmocka_unit_test_setup(test_lost_link, clean),
        cmocka_unit_test_setup(test_bulk, clean),
    };
    fixture_enter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
