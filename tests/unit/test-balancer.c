#include "tests/unit/unit.h"

#include "kubeadm/balancer.h"
#include "lib/clock.h"
#include "lib/process.h"
#include "tests/unit/kubeadm-fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define DATA "tests/data/kubeadm/"

static const struct balancer_server three[] = {
    {"n1", "10.77.0.11"}, {"n2", "10.77.0.12"}, {"n3", "10.77.0.13"}};

static int render_ip(const char *address, const char *interface, size_t count, size_t self,
                     struct host_files *out, struct error *err)
{
    return virtual_ip_files(address, interface, three, count, self, out, err);
}

static void balancer_of_three(void **state)
{
    (void) state;
    AUTO_HOST_FILES files = HOST_FILES_INIT;
    assert_int_equal(balancer_files(three, 3, &files, NULL), 0);
    assert_int_equal(files.count, 2);
    assert_string_equal(files.items[0].path, BALANCER_CONFIG);
    assert_golden(DATA "haproxy.cfg", files.items[0].content);
    assert_string_equal(files.items[1].path, "/etc/systemd/system/" BALANCER_UNIT);
    assert_golden(DATA "bigtop-balancer.service", files.items[1].content);
}

static void virtual_ip_of_the_second(void **state)
{
    (void) state;
    AUTO_HOST_FILES files = HOST_FILES_INIT;
    assert_int_equal(render_ip("10.77.0.100", "eth0", 3, 1, &files, NULL), 0);
    assert_int_equal(files.count, 2);
    assert_string_equal(files.items[0].path, VIRTUAL_IP_CONFIG);
    assert_golden(DATA "keepalived.conf", files.items[0].content);
    assert_string_equal(files.items[1].path, "/etc/systemd/system/" VIRTUAL_IP_UNIT);
    assert_golden(DATA "bigtop-virtual-ip.service", files.items[1].content);
}

static void routers_differ_in_a_network(void **state)
{
    (void) state;
    assert_int_equal(virtual_ip_router(0x0a4d0064), 100);
    assert_int_equal(virtual_ip_router(0x0a4d00fe), 254);
    assert_int_equal(virtual_ip_router(0x0a4d0100), 255); /* 0 is none */
}

static void refuses_what_is_no_server(void **state)
{
    (void) state;
    static const struct balancer_server bad[][2] = {
        {{"n1", "10.77.0.11"}, {"n1", "10.77.0.12"}},
        {{"n1", "10.77.0.11"}, {"n2", "10.77.0.11"}},
        {{"n1\n    server evil", "10.77.0.11"}, {"n2", "10.77.0.12"}},
        {{"n1 backup", "10.77.0.11"}, {"n2", "10.77.0.12"}},
        {{"", "10.77.0.11"}, {"n2", "10.77.0.12"}},
        {{NULL, "10.77.0.11"}, {"n2", "10.77.0.12"}},
        {{"n1", "10.77.0.11:80 # "}, {"n2", "10.77.0.12"}},
        {{"n1", "fd00::1"}, {"n2", "10.77.0.12"}},
        {{"n1", NULL}, {"n2", "10.77.0.12"}},
    };
    AUTO_HOST_FILES files = HOST_FILES_INIT;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct error err = ERROR_INIT;
        assert_int_equal(balancer_files(bad[i], 2, &files, &err), -EINVAL);
        assert_int_not_equal(err.text[0], '\0');
        assert_int_equal(virtual_ip_files("10.77.0.9", "eth0", bad[i], 2, 1, &files, NULL),
                         -EINVAL);
    }
    assert_int_equal(balancer_files(three, 0, &files, NULL), -EINVAL);
    assert_int_equal(files.count, 0);
}

static void refuses_hostile_addresses_and_interfaces(void **state)
{
    (void) state;
    static const char *const addresses[] = {"",        "10.77.0.100/24", "10.77.0.100 dev lo",
                                            "fd00::1", "10.77.0.100\n}", "name"};
    static const char *const interfaces[] = {"",   "a b", "eth0\n}", "eth0{",           "a\"b",
                                             "#x", "!x",  "a/b",     "sixteen-letters-"};
    AUTO_HOST_FILES files = HOST_FILES_INIT;
    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++)
        assert_int_equal(render_ip(addresses[i], "eth0", 3, 0, &files, NULL), -EINVAL);
    for (size_t i = 0; i < ARRAY_SIZE(interfaces); i++)
        assert_int_equal(render_ip("10.77.0.100", interfaces[i], 3, 0, &files, NULL), -EINVAL);
    assert_int_equal(render_ip("10.77.0.100", NULL, 3, 0, &files, NULL), -EINVAL);
    assert_int_equal(files.count, 0);
}

/* Gives the configuration to the program itself, which takes it without a word. */
static void accept(const char *dir, const char *const before[], const char *config)
{
    AUTO_FREE char *path = path_join(dir, "config");
    assert_int_equal(file_write_atomic(path, config, strlen(config), 0644, NULL), 0);
    STRV(argv);
    strv_add_all(&argv, before);
    strv_add(&argv, path);
    STRBUF(said, 65536);
    struct error err = ERROR_INIT;
    const struct process_options opts = {.out = &said, .merge_stderr = true, .timeout_ms = 20000};
    if (process_runv(&argv, &opts, NULL, &err) < 0 || said.len > 0)
        fail_msg("%s\n%s%s", config, err.text, said.data);
}

static void haproxy_takes_it(void **state)
{
    static const char *const command[] = {"haproxy", "-c", "-q", "-f", NULL};
    if (!process_in_path("haproxy")) {
        print_message("skipped: haproxy is not installed here\n");
        skip();
    }
    for (size_t count = 1; count <= 3; count += 2) {
        AUTO_HOST_FILES files = HOST_FILES_INIT;
        assert_int_equal(balancer_files(three, count, &files, NULL), 0);
        accept(*state, command, files.items[0].content);
    }
}

static void close_folder(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

/* keepalived looks for the interface and for the check's program, which is on no building machine.
 */
static char *an_interface(void)
{
    char *found = NULL;
    CLEANUP(close_folder) DIR *dir = opendir("/sys/class/net");
    for (const struct dirent *e; !found && dir && (e = readdir(dir));)
        if (strncmp(e->d_name, "e", 1) == 0 || strncmp(e->d_name, "w", 1) == 0)
            found = xstrdup(e->d_name);
    return found;
}

static char *with_true(const char *config)
{
    static const char kubectl[] = "/usr/local/bin/kubectl";
    const char *at = strstr(config, kubectl);
    assert_non_null(at);
    return xasprintf("%.*s/bin/true%s", (int) (at - config), config, at + strlen(kubectl));
}

static void keepalived_takes_it(void **state)
{
    static const char *const command[] = {"keepalived", "--config-test", "--vrrp", "--use-file",
                                          NULL};
    AUTO_FREE char *interface = an_interface();
    if (!process_in_path("keepalived") || !interface) {
        print_message("skipped: keepalived is not installed here, or no network is\n");
        skip();
    }
    for (size_t count = 1; count <= 3; count += 2) {
        AUTO_HOST_FILES files = HOST_FILES_INIT;
        assert_int_equal(render_ip("10.77.0.100", interface, count, count - 1, &files, NULL), 0);
        AUTO_FREE char *config = with_true(files.items[0].content);
        accept(*state, command, config);
    }
}

/* Two control planes in network namespaces of their own: keepalived itself, with a file in place of
 * each API server. */
#define MOVES_WITHIN_MS 10000
static const struct {
    const char *name, *alive;
} sides[] = {{"bigtop-vip-a", "alive-a"}, {"bigtop-vip-b", "alive-b"}};

struct stage {
    const char *dir;
    pid_t pids[2];
};

static int ip(const char *words)
{
    STRV(argv);
    strv_add(&argv, "ip");
    strv_split(&argv, words, ' ');
    const struct process_options opts = {.timeout_ms = 10000};
    return process_runv(&argv, &opts, NULL, NULL);
}

static void stage_end(struct stage *s)
{
    for (size_t i = 0; i < ARRAY_SIZE(sides); i++) {
        AUTO_FREE char *del = xasprintf("netns del %s", sides[i].name);
        if (s->pids[i] > 0) {
            kill(-s->pids[i], SIGKILL);
            waitpid(s->pids[i], NULL, 0);
        }
        ip(del);
    }
}

static bool stage_network(void)
{
    static const char *const commands[] = {
        "netns add bigtop-vip-a",
        "netns add bigtop-vip-b",
        "link add eth0 netns bigtop-vip-a type veth peer name eth0 netns bigtop-vip-b",
        "-n bigtop-vip-a addr add 10.77.0.11/24 dev eth0",
        "-n bigtop-vip-b addr add 10.77.0.12/24 dev eth0",
        "-n bigtop-vip-a link set eth0 up",
        "-n bigtop-vip-b link set eth0 up"};
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        if (ip(commands[i]) < 0)
            return false;
    return true;
}

static void set_alive(const struct stage *s, size_t side, bool alive)
{
    AUTO_FREE char *path = path_join(s->dir, sides[side].alive);
    if (alive)
        assert_int_equal(file_write_atomic(path, "", 0, 0644, NULL), 0);
    else
        assert_int_equal(unlink(path), 0);
}

/* The rendered configuration, which asks for a file and not for an API server. */
static void write_config(const struct stage *s, size_t side, const char *path)
{
    AUTO_HOST_FILES files = HOST_FILES_INIT;
    assert_int_equal(render_ip("10.77.0.100", "eth0", 2, side, &files, NULL), 0);
    const char *text = files.items[0].content, *from = strstr(text, "/usr/local/bin/kubectl");
    const char *rest = strstr(from, "\"\n");
    AUTO_FREE char *config = xasprintf("%.*s/usr/bin/test -e %s/%s%s", (int) (from - text), text,
                                       s->dir, sides[side].alive, rest);
    assert_int_equal(file_write_atomic(path, config, strlen(config), 0644, NULL), 0);
}

static void start(struct stage *s, size_t side)
{
    AUTO_FREE char *config = xasprintf("%s/%s.conf", s->dir, sides[side].name);
    AUTO_FREE char *pid = xasprintf("%s/%s.pid", s->dir, sides[side].name);
    AUTO_FREE char *vrrp = xasprintf("%s/%s.vrrp", s->dir, sides[side].name);
    write_config(s, side, config);
    s->pids[side] = fork();
    if (s->pids[side] == 0) {
        setpgid(0, 0);
        int null = open("/dev/null", O_RDWR);
        dup2(null, 1);
        dup2(null, 2);
        execlp("ip", "ip", "netns", "exec", sides[side].name, "keepalived", "--dont-fork", "--vrrp",
               "--use-file", config, "--pid", pid, "--vrrp_pid", vrrp, NULL);
        _exit(127);
    }
    assert_true(s->pids[side] > 0);
}

static bool has_address(size_t side)
{
    STRBUF(out, 65536);
    const char *const argv[] = {"ip", "-n", sides[side].name, "-o", "addr", "show", NULL};
    const struct process_options opts = {.out = &out, .timeout_ms = 10000};
    return process_run(argv, &opts, NULL, NULL) == 0 && strstr(out.data, " 10.77.0.100/32 ");
}

static void wait_for_address(size_t side, const char *after)
{
    int64_t began = clock_monotonic_ms();
    while (!has_address(side)) {
        if (clock_monotonic_ms() - began > MOVES_WITHIN_MS)
            fail_msg("after %s the address is not on %s", after, sides[side].name);
        usleep(50000);
    }
    print_message("%s: %lld ms\n", after, (long long) (clock_monotonic_ms() - began));
}

static void address_moves(void **state)
{
    CLEANUP(stage_end) struct stage s = {.dir = *state};
    if (geteuid() != 0 || !process_in_path("keepalived") || !stage_network()) {
        print_message("skipped: needs root, keepalived and network namespaces\n");
        stage_end(&s);
        skip();
    }
    set_alive(&s, 0, true);
    set_alive(&s, 1, true);
    start(&s, 0);
    start(&s, 1);
    wait_for_address(0, "the start");
    set_alive(&s, 0, false);
    wait_for_address(1, "the first's API server ended");
    assert_false(has_address(0));
    set_alive(&s, 0, true);
    wait_for_address(0, "it came back");
    kill(-s.pids[0], SIGKILL);
    wait_for_address(1, "kill -9 of the first");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(balancer_of_three),
        cmocka_unit_test(virtual_ip_of_the_second),
        cmocka_unit_test(routers_differ_in_a_network),
        cmocka_unit_test(refuses_what_is_no_server),
        cmocka_unit_test(refuses_hostile_addresses_and_interfaces),
        cmocka_folder_test(haproxy_takes_it),
        cmocka_folder_test(keepalived_takes_it),
        cmocka_folder_test(address_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
