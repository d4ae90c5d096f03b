/* The service as a process of its own: its socket, whom it refuses, how it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/paths.h"
#include "agent/serve.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

static char root[64];
static char socket_path[128];

static int setup(void **state)
{
    (void) state;
    snprintf(root, sizeof root, "/tmp/test-serve.XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(socket_path, sizeof socket_path, "%s%s", root, AGENT_SOCKET);
    agent_root_set(root);
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    return path_remove_tree(root, NULL);
}

static pid_t start_service(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing behind */
        int quiet = open("/dev/null", O_WRONLY);
        dup2(quiet, STDERR_FILENO);
        _exit(serve("sha256:test", NULL) < 0 ? 1 : 0);
    }
    return pid;
}

/* Who waits for an answer in vain should fail, not hang. */
static void limit_waiting(int fd)
{
    const struct timeval limit = {.tv_sec = 5};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

static int connect_socket(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    limit_waiting(fd);
    if (connect(fd, (struct sockaddr *) &address, sizeof address) == 0)
        return fd;
    int r = -errno;
    close(fd);
    return r;
}

static int await_service(void)
{
    for (int i = 0; i < 500; i++) {
        int fd = connect_socket();
        if (fd >= 0)
            return fd;
        usleep(10000);
    }
    fail_msg("no service");
    return -1;
}

/* True when a ping is answered, false when the connection ends. */
static bool answers(int fd)
{
    STRBUF(frame, PROTOCOL_JSON_MAX);
    AUTO_JSON *ping = json_pack("{s:i}", "ping", 1);
    char buffer[64];
    frame_encode_json(&frame, ping, NULL);
    return send(fd, frame.data, frame.len, MSG_NOSIGNAL) > 0 &&
           recv(fd, buffer, sizeof buffer, 0) > 0;
}

static int end_of(pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void test_answers_root_and_ends_when_told(void **state)
{
    (void) state;
    pid_t pid = start_service();
    AUTO_FD fd = await_service();
    struct stat st;
    assert_true(answers(fd));
    assert_int_equal(lstat(socket_path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(end_of(pid), 0);
    assert_int_equal(lstat(socket_path, &st), -1);
    assert_false(answers(fd));
}

/* A user who got past the folder and the socket's mode is still refused. */
static void test_refuses_another_user(void **state)
{
    (void) state;
    if (geteuid() != 0)
        skip();
    pid_t pid = start_service();
    AUTO_FD first = await_service();
    assert_true(answers(first));
    AUTO_FREE char *run = agent_path("/run");
    AUTO_FREE char *run_dir = agent_path(AGENT_RUN_DIR);
    assert_int_equal(chmod(root, 0755) | chmod(run, 0755) | chmod(run_dir, 0755), 0);
    assert_int_equal(chmod(socket_path, 0666), 0);
    pid_t other = fork();
    if (other == 0) {
        if (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
            _exit(2);
        int fd = connect_socket();
        _exit(fd < 0 ? 3 : answers(fd) ? 4 : 0);
    }
    assert_int_equal(end_of(other), 0);
    assert_true(answers(first));
    kill(pid, SIGTERM);
    assert_int_equal(end_of(pid), 0);
}

static void test_starts_again_after_kill(void **state)
{
    (void) state;
    pid_t pid = start_service();
    AUTO_FD first = await_service();
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_true(WIFSIGNALED(end_of(pid)));
    assert_int_equal(connect_socket(), -ECONNREFUSED);
    pid = start_service();
    AUTO_FD second = await_service();
    assert_true(answers(second));
    kill(pid, SIGTERM);
    assert_int_equal(end_of(pid), 0);
}

static void test_second_service_gives_way(void **state)
{
    (void) state;
    pid_t pid = start_service();
    AUTO_FD fd = await_service();
    pid_t second = start_service();
    int status = end_of(second);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_true(answers(fd));
    AUTO_FD again = await_service();
    assert_true(answers(again));
    kill(pid, SIGTERM);
    assert_int_equal(end_of(pid), 0);
}

static void test_planted_folder_is_refused(void **state)
{
    (void) state;
    AUTO_FREE char *var_lib = agent_path("/var/lib");
    AUTO_FREE char *state_dir = agent_path(AGENT_STATE_DIR);
    AUTO_FREE char *trap = path_join(root, "trap");
    assert_int_equal(path_mkdir_p(var_lib, 0755, NULL), 0);
    assert_int_equal(mkdir(trap, 0700), 0);
    assert_int_equal(symlink(trap, state_dir), 0);
    int status = end_of(start_service());
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_int_equal(rmdir(trap), 0); /* nothing was put into it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers_root_and_ends_when_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refuses_another_user, setup, teardown),
        cmocka_unit_test_setup_teardown(test_starts_again_after_kill, setup, teardown),
        cmocka_unit_test_setup_teardown(test_second_service_gives_way, setup, teardown),
        cmocka_unit_test_setup_teardown(test_planted_folder_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
