/* The program of the network check's image, compiled as the recipe does, in a network of its own.
 */
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/process.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT 10471
#define DNS_PORT 53
#define MTU 1450
#define ANSWER_MAX 4096

static char folder[] = "/tmp/bigtop-unit-netcheck-XXXXXX";
static char *program;

static void write_map(const char *path, unsigned id)
{
    AUTO_FREE char *text = xasprintf("0 %u 1", id);
    AUTO_FD fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t) strlen(text));
}

/* False when this machine gives us no network of our own. */
static bool enter_own_network(void)
{
    unsigned uid = getuid(), gid = getgid();
    if (unshare(CLONE_NEWNET | CLONE_NEWNS | (uid ? CLONE_NEWUSER : 0)) < 0)
        return false;
    if (uid) {
        AUTO_FD fd = open("/proc/self/setgroups", O_WRONLY | O_CLOEXEC);
        assert_true(fd >= 0 && write(fd, "deny", 4) == 4);
        write_map("/proc/self/uid_map", uid);
        write_map("/proc/self/gid_map", gid);
    }
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static void raise_loopback(void)
{
    AUTO_FD fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_name = "lo"};
    request.ifr_mtu = MTU;
    assert_int_equal(ioctl(fd, SIOCSIFMTU, &request), 0);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
}

static void name_server_is_here(void)
{
    AUTO_FREE char *path = path_join(folder, "resolv.conf");
    const char *text = "search a.b\nnameserver 127.0.0.1\nnameserver 10.0.0.1\n";
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, NULL), 0);
    assert_int_equal(mount(path, "/etc/resolv.conf", NULL, MS_BIND, NULL), 0);
}

static int setup(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    assert_non_null(mkdtemp(folder));
    program = path_join(folder, "netcheck");
    const char *const compile[] = {
        "gcc", "-D_GNU_SOURCE=1", "-Os", "-static", "-o", program, "images/netcheck/netcheck.c",
        NULL};
    if (process_run(compile, NULL, NULL, &err) < 0)
        fail_msg("%s", err.text);
    if (!enter_own_network())
        return 0;
    raise_loopback();
    name_server_is_here();
    *state = program;
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    umount("/etc/resolv.conf");
    free(program);
    return path_remove_tree(folder, NULL);
}

static void need_network(void **state)
{
    if (!*state)
        skip();
}

/* --- the other side, well or ill behaved */

static int listen_udp(uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *) &at, sizeof(at)), 0);
    return fd;
}

/* Answers what it gets, in place, until a datagram of one byte comes. */
struct responder {
    int fd;
    pthread_t thread;
    size_t (*answer)(char *data, size_t len); /* 0: silence */
};

static void *respond(void *arg)
{
    struct responder *r = arg;
    char data[ANSWER_MAX];
    struct sockaddr_in from;
    socklen_t len = sizeof(from);
    ssize_t n;
    while ((n = recvfrom(r->fd, data, sizeof(data), 0, (struct sockaddr *) &from, &len)) > 1) {
        size_t size = r->answer(data, (size_t) n);
        if (size > 0)
            sendto(r->fd, data, size, 0, (struct sockaddr *) &from, len);
        len = sizeof(from);
    }
    return NULL;
}

static void start(struct responder *r, uint16_t port, size_t (*answer)(char *, size_t))
{
    *r = (struct responder){.fd = listen_udp(port), .answer = answer};
    assert_int_equal(pthread_create(&r->thread, NULL, respond, r), 0);
}

static void stop(struct responder *r, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    AUTO_FD fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sendto(fd, "x", 1, 0, (struct sockaddr *) &at, sizeof(at));
    pthread_join(r->thread, NULL);
    close(r->fd);
}

static pid_t serve(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        execl(program, program, "serve", "10471", (char *) NULL);
        _exit(127);
    }
    return pid;
}

static void end(pid_t pid)
{
    int status;
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The only line that `probe` prints. */
static json_t *probe(const char *ms, const char *name, const char *address)
{
    struct error err = ERROR_INIT;
    STRBUF(out, 65536);
    const char *const argv[] = {program, "probe", ms, "10471", name, address, NULL};
    const struct process_options options = {.out = &out};
    if (process_run(argv, &options, NULL, &err) < 0)
        fail_msg("%s", err.text);
    json_t *line = json_parse(out.data, out.len, "probe", &err);
    if (!line)
        fail_msg("%s: %s", err.text, out.data);
    return line;
}

static bool has_size(const json_t *line, const char *key, int size)
{
    size_t i;
    json_t *n;
    json_array_foreach(json_object_get(line, key), i, n) {
        if (json_integer_value(n) == size)
            return true;
    }
    return false;
}

/* --- probe and serve */

static void a_server_answers_all_sizes(void **state)
{
    need_network(state);
    pid_t pid = serve();
    AUTO_JSON *line = probe("5000", "-", "127.0.0.1");
    assert_string_equal(json_get_string(line, "address", ""), "127.0.0.1");
    assert_string_equal(json_get_string(line, "tcp", ""), "ok");
    assert_string_equal(json_get_string(line, "udp", ""), "ok");
    assert_true(has_size(line, "passed", 100) && has_size(line, "passed", 1400) &&
                has_size(line, "passed", MTU));
    assert_int_equal(json_array_size(json_object_get(line, "lost")), 0);
    end(pid);
}

static void nobody_is_there(void **state)
{
    need_network(state);
    AUTO_JSON *line = probe("400", "-", "127.0.0.1");
    assert_string_equal(json_get_string(line, "tcp", ""), "Connection refused");
    assert_int_equal(json_array_size(json_object_get(line, "passed")), 0);
    assert_true(has_size(line, "lost", 100) && has_size(line, "lost", MTU));
    AUTO_JSON *far = probe("400", "-", "10.9.9.9");
    assert_string_equal(json_get_string(far, "udp", ""), "Network is unreachable");
}

/* As a path on which larger packets vanish. */
static size_t answer_small(char *data, size_t len)
{
    data[10] = '!';
    return len + 28 <= 1300 ? len : 0;
}

static void what_is_lost_is_told_by_size(void **state)
{
    need_network(state);
    struct responder r;
    start(&r, PORT, answer_small);
    AUTO_JSON *line = probe("600", "-", "127.0.0.1");
    stop(&r, PORT);
    assert_true(has_size(line, "passed", 1300) && !has_size(line, "passed", 1350));
    assert_true(has_size(line, "lost", 1350) && has_size(line, "lost", MTU));
    assert_string_equal(json_get_string(line, "tcp", ""), "Connection refused");
}

static size_t answer_cut(char *data, size_t len)
{
    data[10] = '!';
    return len - 1;
}
static size_t answer_unmarked(char *data, size_t len)
{
    (void) data;
    return len;
}
static size_t answer_of_another(char *data, size_t len)
{
    data[10] = '!';
    data[12] = (char) ~data[12];
    return len;
}

/* A packet that was cut on its way, our own question, an answer to somebody else. */
static void other_answers_do_not_count(void **state)
{
    need_network(state);
    size_t (*const answers[])(char *, size_t) = {answer_cut, answer_unmarked, answer_of_another};
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        struct responder r;
        start(&r, PORT, answers[i]);
        AUTO_JSON *line = probe("300", "-", "127.0.0.1");
        stop(&r, PORT);
        assert_int_equal(json_array_size(json_object_get(line, "passed")), 0);
    }
}

/* Two servers would talk to each other for ever. */
static void a_server_never_answers_an_answer(void **state)
{
    need_network(state);
    pid_t pid = serve();
    AUTO_JSON *up = probe("5000", "-", "127.0.0.1");
    static const char *const texts[] = {"bigtop-net!12345678", "bigtop-net?1", "x", ""};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    AUTO_FD fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        sendto(fd, texts[i], strlen(texts[i]), 0, (struct sockaddr *) &at, sizeof(at));
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&polled, 1, 200), 0);
    sendto(fd, "bigtop-net?12345678", 19, 0, (struct sockaddr *) &at, sizeof(at));
    assert_int_equal(poll(&polled, 1, 5000), 1);
    end(pid);
}

/* --- names */

static unsigned char rcode;
static const char *tail; /* behind the question */
static size_t tail_len;

static size_t answer_dns(char *data, size_t len)
{
    data[2] = (char) 0x81;
    data[3] = (char) (0x80 | rcode);
    data[7] = 1; /* one answer */
    memcpy(data + len, tail, tail_len);
    return len + tail_len;
}

static json_t *resolve(unsigned char code, const char *answer, size_t len)
{
    struct responder r;
    rcode = code;
    tail = answer;
    tail_len = len;
    start(&r, DNS_PORT, answer_dns);
    STRBUF(out, 4096);
    const char *const argv[] = {program, "probe", "300", "10471", "a.b-c.d", NULL};
    const struct process_options options = {.out = &out};
    int e = process_run(argv, &options, NULL, NULL);
    stop(&r, DNS_PORT);
    assert_int_equal(e, 0);
    json_t *line = json_parse(out.data, out.len, "resolve", NULL);
    assert_non_null(line);
    return line;
}

#define RECORD "\xc0\x0c\0\x01\0\x01\0\0\0\x05\0\x04\x0a\x60\x00\x07"

static void a_name_is_resolved(void **state)
{
    need_network(state);
    AUTO_JSON *line = resolve(0, RECORD, sizeof(RECORD) - 1);
    assert_string_equal(json_get_string(line, "name", ""), "a.b-c.d");
    assert_string_equal(json_get_string(line, "server", ""), "127.0.0.1");
    assert_string_equal(json_get_string(line, "address", ""), "10.96.0.7");
}

static void what_is_no_address_is_an_error(void **state)
{
    need_network(state);
    static const char alias[] = "\xc0\x0c\0\x05\0\x01\0\0\0\x05\0\x04\x0a\x60\x00\x07";
    static const char long_size[] = "\xc0\x0c\0\x01\0\x01\0\0\0\x05\xff\xff\x0a\x60\x00\x07";
    static const char long_name[] = "\x3f\x61\x61";
    const struct {
        const char *answer;
        size_t len;
        unsigned char code;
        const char *error;
    } cases[] = {
        {"", 0, 3, "NXDOMAIN"},
        {"", 0, 15, "an unknown error"},
        {"", 0, 0, "a malformed answer"},
        {alias, sizeof(alias) - 1, 0, "no address"},
        {long_size, sizeof(long_size) - 1, 0, "a malformed answer"},
        {long_name, sizeof(long_name) - 1, 0, "a malformed answer"},
        {RECORD, 9, 0, "a malformed answer"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_JSON *line = resolve(cases[i].code, cases[i].answer, cases[i].len);
        assert_null(json_object_get(line, "address"));
        assert_string_equal(json_get_string(line, "error", ""), cases[i].error);
    }
}

static void refuses_wrong_arguments(void **state)
{
    (void) state;
    static const char *const lines[] = {
        "",
        "listen",
        "serve",
        "serve 0",
        "serve 65536",
        "serve -1",
        "serve 1 2",
        "probe",
        "probe 1 2",
        "probe 0 2 a",
        "probe 1 2 -",
        "probe 1 2 A",
        "probe 1 2 a..b",
        "probe 1 2 - ::1",
        "probe 1 2 - 1.2.3",
        "probe 1 2 - a",
        "probe 99999 2 a",
        "probe 1x 2 a",
    };
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        STRV(argv);
        int status = 0;
        strv_add(&argv, program);
        strv_split(&argv, lines[i], ' ');
        assert_int_equal(process_runv(&argv, NULL, &status, NULL), -EREMOTEIO);
        assert_int_equal(WEXITSTATUS(status), 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_answers_all_sizes),
        cmocka_unit_test(nobody_is_there),
        cmocka_unit_test(what_is_lost_is_told_by_size),
        cmocka_unit_test(other_answers_do_not_count),
        cmocka_unit_test(a_server_never_answers_an_answer),
        cmocka_unit_test(a_name_is_resolved),
        cmocka_unit_test(what_is_no_address_is_an_error),
        cmocka_unit_test(refuses_wrong_arguments),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
