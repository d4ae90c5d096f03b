/* A real sshd for tests, in namespaces of this test alone: its own loopback, /tmp, /root, /run,
 * /var/lib, /etc/ssh, users and sudoers. Whatever happens, all of it is gone with the process.
 *
 *   root  logs in with ROOT_KEY; ops (PASSWORD) may use sudo with its password
 *
 * Include after cmocka.h. */
#pragma once

#include "coordinator/ssh.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/process.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))
#define SSHD_PORT 2222
#define SSHD_PORT_TEXT "2222"
#define SSHD_LOG "/tmp/sshd.log"
#define ROOT_KEY "/tmp/root-key"
#define KNOWN_HOSTS "/root/.ssh/known_hosts"
#define PASSWORD "right password"

static bool fixture_ready;
static pid_t sshd_pid;

#define NEED_FIXTURE() \
    do { \
        if (!fixture_ready) \
            skip(); \
    } while (0)

static void UNUSED put_file(const char *path, const char *text, mode_t mode)
{
    struct error err = ERROR_INIT;
    if (file_write_atomic(path, text, strlen(text), mode, &err) < 0)
        fail_msg("%s", err.text);
}

static UNUSED char *get_file(const char *path)
{
    STRBUF(text, 16 * 1024 * 1024);
    (void) file_read(path, &text, NULL);
    return strbuf_steal(&text);
}

/* Runs a line of shell, gives its exit code and (out may be NULL) what it printed. */
static int UNUSED PRINTF_LIKE(2, 3) shell(struct strbuf *out, const char *format, ...)
{
    va_list args;
    STRBUF(line, 8192);
    int status = -1;
    va_start(args, format);
    strbuf_vaddf(&line, format, args);
    va_end(args);
    struct process_options options = {.out = out, .timeout_ms = 30000};
    (void) process_run((const char *const[]){"/bin/sh", "-c", line.data, NULL}, &options, &status,
                       NULL);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void UNUSED must_run(const char *line)
{
    if (shell(NULL, "%s", line) != 0)
        fail_msg("failed: %s", line);
}

static int fixture_network(void)
{
    AUTO_FD fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq lo = {.ifr_name = "lo"};
    lo.ifr_flags = IFF_UP;
    return fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &lo) == 0 ? 0 : -1;
}

static int fixture_files(void)
{
    static const char *const hidden[] = {"/tmp", "/root", "/run", "/var/lib", "/etc/ssh",
                                         "/etc/sudoers.d"};
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("proc", "/proc", "proc", 0, NULL) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(hidden); i++)
        if (mount("tmpfs", hidden[i], "tmpfs", 0, "mode=755") < 0)
            return -1;
    chmod("/tmp", 01777);
    return shell(
        NULL,
        "set -e; mkdir -p /run/sshd /root/.ssh /tmp/ops /tmp/keys; chmod 700 /root /root/.ssh; "
        "cp /etc/passwd /tmp/passwd; cp /etc/shadow /tmp/shadow; cp /etc/hosts /tmp/hosts; "
        "echo 'ops:x:4242:4242::/tmp/ops:/bin/bash' >> /tmp/passwd; "
        "echo 'root:x:0:0:root:/root:/bin/bash' > /tmp/p; grep -v ^root: /tmp/passwd >> /tmp/p; "
        "echo 'ops:$6$bigtop$5vji5Cs8qXuwPjzPK3FdvWjeYUxnHfVapXDtWYfEGRwjrgmah6n8W49PwvW3hJfW"
        "TZX0NPdWFLvH9Ni1wjpBP/:19000::::::' >> /tmp/shadow; "
        "echo \"127.0.0.1 $(hostname)\" >> /tmp/hosts; chown 4242:4242 /tmp/ops; "
        "mount --bind /tmp/p /etc/passwd; mount --bind /tmp/shadow /etc/shadow; "
        "mount --bind /tmp/hosts /etc/hosts; "
        "for t in ed25519 ecdsa 'rsa -b 2048'; do "
        "ssh-keygen -q -t $t -N '' -f /tmp/keys/${t%%%% *}; "
        "done; "
        "ssh-keygen -q -t ed25519 -N '' -f " ROOT_KEY "; "
        "cp " ROOT_KEY ".pub /tmp/authorized");
}

/* Gives the test namespaces and a process without a terminal. Only the child returns. */
static void UNUSED fixture_enter(void)
{
    if (geteuid() != 0 || access("/usr/sbin/sshd", X_OK) < 0 ||
        unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID) < 0)
        return;
    pid_t pid = fork();
    if (pid > 0) {
        int status = 0;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        /* No leak check here: it needs a thread, and this namespace makes no more. */
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setsid();
    setenv("HOME", "/root", 1);
    unsetenv("SSH_AUTH_SOCK");
    signal(SIGPIPE, SIG_IGN);
    if (fixture_files() != 0 || fixture_network() < 0) {
        fprintf(stderr, "the sshd fixture could not be set up\n");
        exit(1);
    }
    fixture_ready = true;
}

static void UNUSED stop_sshd(void)
{
    if (sshd_pid > 0) {
        kill(sshd_pid, SIGKILL);
        waitpid(sshd_pid, NULL, 0);
    }
    sshd_pid = 0;
}

/* Each connection's end of it, but not the listener. */
static void UNUSED kill_connections(void)
{
    (void) shell(NULL, "for p in $(ps -e -o pid= -o comm= | awk '$2==\"sshd\"{print $1}'); do "
                       "[ $p = %d ] || kill -9 $p; done; true",
                 (int) sshd_pid);
}

/* extra: more lines of sshd_config, first ones win. */
static void UNUSED start_sshd(const char *extra)
{
    AUTO_FREE char *config = xasprintf(
        "%s\nPort %d\nListenAddress 127.0.0.1\nHostKey /tmp/keys/ed25519\n"
        "HostKey /tmp/keys/ecdsa\nHostKey /tmp/keys/rsa\nAuthorizedKeysFile /tmp/authorized\n"
        "PermitRootLogin yes\nPasswordAuthentication yes\nKbdInteractiveAuthentication no\n"
        "UsePAM no\nStrictModes no\nLogLevel DEBUG3\nPidFile none\nPrintMotd no\nUseDNS no\n",
        extra, SSHD_PORT);
    stop_sshd();
    put_file("/tmp/sshd_config", config, 0600);
    unlink(SSHD_LOG);
    sshd_pid = fork();
    if (sshd_pid == 0) {
        int log = open(SSHD_LOG, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
        dup2(log, 2);
        execl("/usr/sbin/sshd", "/usr/sbin/sshd", "-D", "-e", "-f", "/tmp/sshd_config", NULL);
        _exit(127);
    }
    for (int i = 0; i < 500; i++) {
        AUTO_FREE char *log = get_file(SSHD_LOG);
        if (strstr(log, "Server listening on"))
            return;
        poll(NULL, 0, 10);
    }
    AUTO_FREE char *log = get_file(SSHD_LOG);
    fail_msg("sshd did not start: %s", log);
}

static void UNUSED clear_log(void)
{
    poll(NULL, 0, 100); /* for the last words about connections that are closed */
    if (truncate(SSHD_LOG, 0) < 0)
        fail_msg("truncate");
}

static bool UNUSED log_has(const char *text)
{
    AUTO_FREE char *log = get_file(SSHD_LOG);
    return strstr(log, text) != NULL;
}

/* Whether sshd got anything of a login: a service request, a user name, a method. */
static bool UNUSED log_shows_login(void)
{
    poll(NULL, 0, 100); /* what it has to say about a connection that is closed, it says at once */
    return log_has("userauth") || log_has("service-request") || log_has("user root");
}

/* "SHA256:…" of a host key of sshd. */
static UNUSED char *fingerprint_of(const char *public_key)
{
    STRBUF(out, 512);
    if (shell(&out, "ssh-keygen -l -f %s | cut -d' ' -f2 | tr -d '\\n'", public_key) != 0)
        fail_msg("ssh-keygen");
    return strbuf_steal(&out);
}

static void UNUSED know_host(const char *public_key)
{
    if (shell(NULL, "echo \"[127.0.0.1]:%d $(cut -d' ' -f1,2 %s)\" > " KNOWN_HOSTS, SSHD_PORT,
              public_key) != 0)
        fail_msg("known_hosts");
}

static UNUSED struct ssh_target root_target(void)
{
    return (struct ssh_target){.address = "127.0.0.1",
                               .port = SSHD_PORT,
                               .user = "root",
                               .key = ROOT_KEY,
                               .known_hosts = KNOWN_HOSTS,
                               .connect_timeout_ms = 10000,
                               .login_timeout_ms = 10000};
}

/* Runs body in a process with a terminal of its own; whenever `expect` was printed, `answer` is
 * typed. Gives body's return value; the transcript is the caller's. */
static int UNUSED on_terminal(int (*body)(void), const char *expect, const char *answer,
                              char **transcript)
{
    int tty;
    pid_t pid = forkpty(&tty, NULL, NULL, NULL);
    STRBUF(seen, 65536);
    size_t looked = 0;
    int status;

    if (pid == 0)
        _exit(body());
    for (;;) {
        char data[512];
        ssize_t n = read(tty, data, sizeof(data));
        if (n <= 0)
            break;
        strbuf_add(&seen, data, (size_t) n);
        char *at = strstr(seen.data + looked, expect);
        if (at) {
            looked = (size_t) (at - seen.data) + strlen(expect);
            assert_int_equal(write(tty, answer, strlen(answer)), strlen(answer));
        }
    }
    close(tty);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (transcript)
        *transcript = strbuf_steal(&seen);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define EXPECT_ERROR(want, r, err) \
    do { \
        int got_ = (r); \
        if (got_ != (want)) \
            fail_msg("got %d, wanted %d: %s", got_, (want), (err).text); \
    } while (0)

static int UNUSED try_open(const struct ssh_target *t, struct error *err)
{
    AUTO_SSH *ssh = NULL;
    return ssh_open(t, &ssh, err);
}

static void UNUSED must_open(const struct ssh_target *t, struct ssh **ssh)
{
    struct error err = ERROR_INIT;
    EXPECT_ERROR(0, ssh_open(t, ssh, &err), err);
}

/* The state that each test of a login starts from. */
static int UNUSED clean(void **state)
{
    (void) state;
    if (fixture_ready) {
        must_run("rm -rf /root/.ssh; mkdir -m 700 /root/.ssh; rm -f /etc/ssh/*; "
                 "cp " ROOT_KEY ".pub /tmp/authorized");
        unsetenv("SSH_AUTH_SOCK");
        start_sshd("");
    }
    return 0;
}
