#include "coordinator/inventory.h"

#include "coordinator/inventory-keys.h"
#include "lib/fd.h"
#include "tests/unit/hosts-fixture.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_shortest(void **state)
{
    (void) state;
    struct inventory inv = load_hosts("hosts: [10.0.0.11, n2.example.com, N3]");
    assert_int_equal(inv.host_count, 3);
    assert_string_equal(inv.cluster_name, "bigtop");
    assert_null(inv.endpoint);
    assert_string_equal(inv.pod_cidr, "10.244.0.0/16");
    assert_string_equal(inv.service_cidr, "10.96.0.0/12");
    assert_string_equal(inv.dns_domain, "cluster.local");
    assert_null(inv.network);
    assert_int_equal(inv.storage.count, 1);
    assert_string_equal(inv.storage.items[0], "local-path");
    assert_null(inv.bundle);
    const struct host *h = inv.hosts;
    assert_null(h[0].name);
    assert_string_equal(host_label(&h[0]), "10.0.0.11");
    assert_string_equal(h[1].name, "n2");
    assert_string_equal(h[1].address, "n2.example.com");
    assert_string_equal(h[2].name, "n3");
    assert_int_equal(h[0].roles, ROLE_CONTROL_PLANE);
    assert_int_equal(h[1].roles, ROLE_WORKER);
    assert_string_equal(h[0].user, "root");
    assert_int_equal(h[0].port, 22);
    assert_int_equal(h[0].sudo, SUDO_AUTO);
    assert_int_equal(h[0].state, STATE_PRESENT);
    assert_null(h[0].sudo_password);
    inventory_release(&inv);
}

static void test_known_hosts_in_home(void **state)
{
    (void) state;
    struct inventory inv;
    setenv("HOME", "/home/someone", 1);
    inv = load_hosts("hosts: [n1]");
    assert_string_equal(inv.known_hosts, "/home/someone/.ssh/known_hosts");
    inventory_release(&inv);
    inv = load_hosts("{hosts: [n1], known_hosts: ~/k, bundle: b/c}");
    assert_string_equal(inv.known_hosts, "/home/someone/k");
    assert_string_equal(inv.bundle, "dir/b/c");
    inventory_release(&inv);
}

static const char full[] =
    "hosts:\n"
    "  - {address: n1, sudo_password: own, labels: {rack: r2}, roles: [control-plane, worker]}\n"
    "  - {address: \"2001:DB8:0::1\", name: n2, port: 22, user: root, key: /k, sudo: auto,\n"
    "     node_ip: 10.0.0.2, state: absent, taints: [\"a=b:NoSchedule\", \"c:NoExecute\"]}\n"
    "cluster: {endpoint: api.example.com, name: edge, pod_cidr: 10.200.0.0/16}\n"
    "defaults: {user: admin, port: 2222, key: k, sudo: password, password: pw,\n"
    "           labels: {rack: r1, disk: ssd, v: 1.10, e: \"\"}}\n"
    "storage: none\n";

static const char *label(const struct host *h, const char *key)
{
    for (size_t i = 0; i < h->label_count; i++)
        if (strcmp(h->labels[i].key, key) == 0)
            return h->labels[i].value;
    return NULL;
}

/* defaults count although they come after hosts. */
static void test_full(void **state)
{
    (void) state;
    struct inventory inv = load_hosts(full);
    const struct host *h = &inv.hosts[0];
    assert_string_equal(h->user, "admin");
    assert_int_equal(h->port, 2222);
    assert_string_equal(h->key, "dir/k");
    assert_int_equal(h->sudo, SUDO_PASSWORD);
    assert_string_equal(h->password, "pw");
    assert_string_equal(h->sudo_password, "own");
    assert_int_equal(h->roles, ROLE_CONTROL_PLANE | ROLE_WORKER);
    assert_int_equal(h->label_count, 4);
    assert_string_equal(label(h, "rack"), "r2");
    assert_string_equal(label(h, "disk"), "ssd");
    assert_string_equal(label(h, "v"), "1.10");
    assert_string_equal(label(h, "e"), "");
    assert_int_equal(h->line, 2);
    h = &inv.hosts[1];
    assert_string_equal(h->address, "2001:db8::1");
    assert_string_equal(h->user, "root");
    assert_int_equal(h->port, 22);
    assert_string_equal(h->key, "/k");
    assert_int_equal(h->sudo, SUDO_AUTO);
    assert_string_equal(h->sudo_password, "pw");
    assert_string_equal(h->node_ip, "10.0.0.2");
    assert_int_equal(h->state, STATE_ABSENT);
    assert_string_equal(label(h, "rack"), "r1");
    assert_int_equal(h->taint_count, 2);
    assert_string_equal(h->taints[0].value, "b");
    assert_string_equal(h->taints[0].effect, "NoSchedule");
    assert_string_equal(h->taints[1].key, "c");
    assert_string_equal(h->taints[1].value, "");
    assert_string_equal(inv.endpoint, "api.example.com:6443");
    assert_int_equal(inv.storage.count, 1);
    assert_string_equal(inv.storage.items[0], "none");
    inventory_release(&inv);
}

static void test_failure_leaves_out_alone(void **state)
{
    (void) state;
    struct inventory inv = INVENTORY_INIT;
    struct error err = ERROR_INIT;
    inv.host_count = 77;
    assert_int_equal(try_hosts("hosts: [a, a]", &inv, &err), -EINVAL);
    assert_int_equal(inv.host_count, 77);
    assert_int_equal(try_hosts("hosts: [a, {address: b, name: a}]", &inv, NULL), -EINVAL);
}

/* Control planes: who is one when nobody says, when another says, when it is marked absent. */
static void test_roles(void **state)
{
    (void) state;
    struct inventory inv;
    struct error err = ERROR_INIT;
    inv = load_hosts("hosts: [n1, {address: n2, roles: [control-plane]}]");
    assert_int_equal(inv.hosts[0].roles, ROLE_WORKER);
    assert_int_equal(inv.hosts[1].roles, ROLE_CONTROL_PLANE);
    inventory_release(&inv);
    assert_int_equal(try_hosts("hosts: [{address: n1, state: absent}, n2]", &inv, &err), -EINVAL);
    assert_non_null(strstr(err.text, "dir/hosts.yaml:1:30: the only control plane is absent"));
    assert_non_null(strstr(err.remedy, "reset"));
#define CP "roles: [control-plane]"
    assert_int_equal(try_hosts("hosts: [{address: n1, " CP ", state: absent}, {address: n2, " CP
                               ", state: absent}, n3]",
                               &inv, &err),
                     -EINVAL);
    assert_non_null(strstr(err.text, "all control planes are absent"));
    inv = load_hosts("hosts: [{address: n1, " CP ", state: absent}, {address: n2, " CP "}, n3]");
    assert_int_equal(inv.hosts[0].roles, ROLE_CONTROL_PLANE);
    assert_int_equal(inv.hosts[1].roles, ROLE_CONTROL_PLANE);
    assert_int_equal(inv.hosts[2].roles, ROLE_WORKER);
    inventory_release(&inv);
}

static int load_file(const char *text, mode_t mode, struct error *err)
{
    char path[] = "/tmp/test-inventory-XXXXXX";
    AUTO_FD fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
    assert_int_equal(fchmod(fd, mode), 0);
    struct inventory inv = INVENTORY_INIT;
    int rc = inventory_load(path, &inv, err);
    if (rc == 0)
        inventory_release(&inv);
    unlink(path);
    return rc;
}

static void test_mode_of_secrets(void **state)
{
    (void) state;
    static const char secret[] = "hosts: [{address: n1, password: hunter2}]";
    static const mode_t readable[] = {0644, 0640, 0604, 0620, 0602, 0601};
    for (size_t i = 0; i < ARRAY_SIZE(readable); i++) {
        struct error err = ERROR_INIT;
        assert_int_equal(load_file(secret, readable[i], &err), -EPERM);
        assert_non_null(strstr(err.remedy, "chmod 600"));
        assert_null(strstr(err.text, "hunter2"));
        assert_int_equal(load_file("hosts: [n1]", readable[i], NULL), 0);
    }
    assert_int_equal(load_file(secret, 0600, NULL), 0);
    assert_int_equal(load_file(secret, 0400, NULL), 0);
    assert_int_equal(load_file("{defaults: {sudo_password: x}, hosts: [n1]}", 0644, NULL), -EPERM);
}

static void test_file_too_large(void **state)
{
    (void) state;
    STRBUF(text, 4 * YAML_SIZE_MAX);
    strbuf_adds(&text, "hosts: [n1]\n#");
    while (text.len <= YAML_SIZE_MAX)
        strbuf_adds(&text, "################################################################");
    struct error err = ERROR_INIT;
    assert_int_equal(load_file(text.data, 0600, &err), -EINVAL);
    assert_non_null(strstr(err.text, ":1:1: larger than 1048576 bytes"));
}

static void test_missing_file(void **state)
{
    (void) state;
    struct inventory inv = INVENTORY_INIT;
    struct error err = ERROR_INIT;
    assert_int_equal(inventory_load("/nonexistent/hosts.yaml", &inv, &err), -ENOENT);
    assert_int_equal(inventory_load("/", &inv, &err), -EISDIR);
}

static void test_host_keys(void **state)
{
    (void) state;
    static const char ed25519[] =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh";
    assert_true(inventory_is_host_key(ed25519));
    assert_true(inventory_is_host_key("SHA256:YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE"));
    assert_false(inventory_is_host_key("SHA256:YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWF"));
    assert_false(inventory_is_host_key("SHA256:YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYW"));
    assert_false(inventory_is_host_key("SHA256:YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="));
    assert_false(inventory_is_host_key("MD5:00:11:22"));
    assert_false(inventory_is_host_key("ssh-ed25519"));
    assert_false(inventory_is_host_key("ssh-ed25519 "));
    assert_false(inventory_is_host_key("ssh-ed25519 AAAA"));
    assert_false(inventory_is_host_key("ssh-ed25519 !!!!"));
    assert_false(inventory_is_host_key(
        "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIGFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh"));
    assert_false(inventory_is_host_key(""));
}

static void test_template_is_accepted(void **state)
{
    (void) state;
    STRV(addresses);
    strv_add(&addresses, "10.0.0.11");
    strv_add(&addresses, "2001:db8::2");
    AUTO_FREE char *text = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(inventory_template(&addresses, "admin", "/a 'b' #c: d", &text, &err), 0);
    struct inventory inv = load_hosts(text);
    assert_int_equal(inv.host_count, 2);
    assert_string_equal(inv.hosts[1].address, "2001:db8::2");
    assert_string_equal(inv.hosts[1].user, "admin");
    assert_string_equal(inv.hosts[1].key, "/a 'b' #c: d");
    inventory_release(&inv);
    for (const struct inventory_key *key = inventory_keys; key->name; key++) {
        if (key->places &
            (PLACE_DISK | PLACE_INSTALL | PLACE_PROJECT | PLACE_QUOTA)) /* examples show some */
            continue;
        AUTO_FREE char *named = xasprintf("%s:", key->name);
        assert_non_null(strstr(text, named));
    }
}

static void test_template_refuses(void **state)
{
    (void) state;
    STRV(addresses);
    strv_add(&addresses, "10.0.0.11\nnetwork: none");
    AUTO_FREE char *text = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(inventory_template(&addresses, NULL, NULL, &text, &err), -EINVAL);
    assert_null(text);
    STRV(good);
    strv_add(&good, "10.0.0.11");
    assert_int_equal(inventory_template(&good, "a b", NULL, &text, &err), -EINVAL);
    assert_int_equal(inventory_template(&good, NULL, "a\nb: c", &text, &err), -EINVAL);
}

static const json_t *host_property(const json_t *top, const char *name)
{
    const json_t *host = json_array_get(
        json_object_get(json_object_get(json_object_get(top, "hosts"), "items"), "anyOf"), 1);
    return json_object_get(json_object_get(host, "properties"), name);
}

/* Finds a key's schema: in properties of the top, of a section, of a host or a disk. */
static const json_t *property(const json_t *schema, const struct inventory_key *key)
{
    const json_t *top = json_object_get(schema, "properties");
    const json_t *mapping = schema;
    if (key->places & PLACE_CLUSTER)
        mapping = json_object_get(top, "cluster");
    else if (key->places & PLACE_RACK)
        mapping = json_object_get(top, "rack");
    else if (key->places & PLACE_DEFAULTS)
        mapping = json_object_get(top, "defaults");
    else if (key->places & PLACE_HOST)
        mapping = json_array_get(
            json_object_get(json_object_get(json_object_get(top, "hosts"), "items"), "anyOf"), 1);
    else if (key->places & PLACE_DISK)
        mapping = json_object_get(host_property(top, "disks"), "items");
    else if (key->places & PLACE_NFS)
        mapping = host_property(top, "nfs");
    else if (key->places & PLACE_INSTALL)
        mapping = host_property(top, "install");
    else if (key->places & PLACE_BOND)
        mapping = host_property(top, "bond");
    else if (key->places & PLACE_PROJECT)
        mapping = json_object_get(json_object_get(top, "projects"), "items");
    else if (key->places & PLACE_QUOTA)
        mapping = json_object_get(
            json_object_get(json_object_get(json_object_get(top, "projects"), "items"),
                            "properties"),
            "quota");
    return json_object_get(json_object_get(mapping, "properties"), key->name);
}

static void assert_pattern(const struct inventory_key *key, const char *pattern)
{
    regex_t regex;
    assert_string_equal(pattern, key->pattern);
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (key->fallback)
        assert_int_equal(regexec(&regex, key->fallback, 0, NULL, 0), 0);
    assert_int_not_equal(regexec(&regex, "a b;$(id)", 0, NULL, 0), 0);
    regfree(&regex);
}

static void test_schema_has_every_key(void **state)
{
    (void) state;
    AUTO_FREE char *text = inventory_schema();
    AUTO_FREE char *manual = inventory_manual();
    AUTO_JSON *schema = json_parse(text, strlen(text), "schema", NULL);
    assert_non_null(schema);
    for (const struct inventory_key *key = inventory_keys; key->name; key++) {
        const json_t *p = property(schema, key);
        assert_non_null(p);
        assert_string_equal(json_get_string(p, "description", ""), key->help);
        bool list = key->type == &type_names || key->type == &type_macs;
        const json_t *patterned = list ? json_object_get(p, "items") : p;
        if (key->pattern)
            assert_pattern(key, json_get_string(patterned, "pattern", ""));
        AUTO_FREE char *row = xasprintf("| `%s` |", key->name);
        assert_non_null(strstr(manual, row));
        assert_non_null(strstr(manual, key->help));
    }
    assert_null(strstr(manual, "(null)"));
}

/* A default that its own type would refuse would silently be none. */
static void test_fallbacks_are_acceptable(void **state)
{
    (void) state;
    struct inventory_reader r = {.dir = (char *) "."};
    for (const struct inventory_key *key = inventory_keys; key->name; key++) {
        if (!key->fallback)
            continue;
        union {
            struct strv list;
            char *text;
            int number;
            uint16_t port;
        } target = {.list = STRV_INIT};
        assert_true(key->type->set(&r, key, key->fallback, &target));
        if (key->type == &type_words)
            strv_release(&target.list);
        else if (key->type != &type_choice && key->type != &type_port)
            free(target.text);
    }
}

static void test_shown(void **state)
{
    (void) state;
    char out[INVENTORY_SHOWN_MAX];
    char text[4096];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    assert_true(strlen(inventory_shown(text, out)) < INVENTORY_SHOWN_MAX);
    assert_non_null(strstr(out, "..."));
    assert_string_equal(inventory_shown("a\033[2J\n", out), "a\\x1b[2J\\x0a");
    for (size_t i = 0; i + 2 < sizeof(text); i += 2)
        memcpy(text + i, "é", 2);
    inventory_shown(text + 1, out);
    assert_non_null(strstr(out, "..."));
    size_t end = strlen(out) - 3;
    assert_int_equal((unsigned char) out[end - 2], 0xc3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shortest),
        cmocka_unit_test(test_known_hosts_in_home),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_failure_leaves_out_alone),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_mode_of_secrets),
        cmocka_unit_test(test_file_too_large),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_host_keys),
        cmocka_unit_test(test_template_is_accepted),
        cmocka_unit_test(test_template_refuses),
        cmocka_unit_test(test_schema_has_every_key),
        cmocka_unit_test(test_fallbacks_are_acceptable),
        cmocka_unit_test(test_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
