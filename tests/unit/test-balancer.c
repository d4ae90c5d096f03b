#include "tests/unit/unit.h"

#include "kubeadm/balancer.h"
#include "lib/process.h"
#include "tests/unit/kubeadm-fixture.h"

#include <dirent.h>
#include <errno.h>

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
