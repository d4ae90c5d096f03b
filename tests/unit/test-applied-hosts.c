#include "coordinator/applied-hosts.h"
#include "coordinator/inventory-keys.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder with hosts.yaml, and the memory of it in the same one. */
static int world_setup(void **state)
{
    int r = folder_setup(state);
    return r < 0 ? r : setenv("XDG_STATE_HOME", *state, 1);
}

static int world_teardown(void **state)
{
    unsetenv("XDG_STATE_HOME");
    return folder_teardown(state);
}
#define world_test(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

static void load(const char *dir, const char *text, struct inventory *inv)
{
    AUTO_FREE char *path = path_join(dir, "hosts.yaml");
    struct error err = ERROR_INIT;
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
    if (inventory_load(path, inv, &err) < 0)
        fail_msg("%s", err.text);
}

static struct applied_hosts open_memory(const struct inventory *inv)
{
    struct applied_hosts a;
    struct error err = ERROR_INIT;
    if (applied_hosts_load(inv, &a, &err) < 0)
        fail_msg("%s", err.text);
    return a;
}

/* As a run that reached all of them would leave it. */
static void apply(const struct inventory *inv, const char *const nodes[])
{
    struct applied_hosts a = open_memory(inv);
    for (size_t i = 0; i < inv->host_count; i++)
        applied_hosts_note(&a, &inv->hosts[i], nodes[i], i);
    assert_int_equal(applied_hosts_save(&a, NULL), 0);
    applied_hosts_release(&a);
}

#define FILE_OF_THREE \
    "defaults: {password: open-sesame}\n" \
    "hosts: [{address: 10.0.0.1, name: n1}, {address: 10.0.0.2, user: ops, port: 2222,\n" \
    "  key: /k, password: hunter2, host_key: \"SHA256:" \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}, n3]\n"
static const char *const nodes_of_three[] = {"n1", "two", "n3"};

static void a_line_that_is_gone_is_remembered(void **state)
{
    struct inventory inv = INVENTORY_INIT;
    load(*state, FILE_OF_THREE, &inv);
    apply(&inv, nodes_of_three);
    inventory_release(&inv);
    load(*state, "defaults: {password: open-sesame}\nhosts: [10.0.0.1, n3]\n", &inv);
    struct applied_hosts a = open_memory(&inv);
    applied_hosts_recall(&a, &inv);
    assert_int_equal(inv.host_count, 3);
    const struct host *h = &inv.hosts[2];
    assert_true(h->remembered);
    assert_int_equal(h->state, STATE_ABSENT);
    assert_string_equal(h->name, "two");
    assert_string_equal(h->address, "10.0.0.2");
    assert_int_equal(h->port, 2222);
    assert_string_equal(h->user, "ops");
    assert_string_equal(h->key, "/k");
    assert_int_equal(strncmp(h->host_key, "SHA256:", 7), 0);
    assert_int_equal(h->roles, ROLE_WORKER);
    assert_string_equal(h->password, "open-sesame"); /* hunter2 was in the line */
    assert_string_equal(h->sudo_password, "open-sesame");
    assert_false(inv.hosts[0].remembered);
    applied_hosts_release(&a);
    inventory_release(&inv);
}

static void holds_no_secret(void **state)
{
    struct inventory inv = INVENTORY_INIT;
    struct stat st;
    load(*state, FILE_OF_THREE, &inv);
    apply(&inv, nodes_of_three);
    struct applied_hosts a = open_memory(&inv);
    STRBUF(text, 65536);
    assert_int_equal(file_read(a.path, &text, NULL), 0);
    assert_non_null(strstr(text.data, "10.0.0.2"));
    assert_null(strstr(text.data, "hunter2"));
    assert_null(strstr(text.data, "open-sesame"));
    assert_int_equal(stat(a.path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    applied_hosts_release(&a);
    inventory_release(&inv);
}

/* A host whose name stayed has moved; one whose address stayed was renamed: neither is gone. */
static void moved_and_renamed_hosts_are_there(void **state)
{
    struct inventory inv = INVENTORY_INIT;
    load(*state, "hosts: [10.0.0.1, {address: 10.0.0.2, name: two}]\n", &inv);
    apply(&inv, nodes_of_three);
    inventory_release(&inv);
    load(*state, "hosts: [{address: 10.0.0.1, name: one}, {address: 10.0.0.9, name: two}]\n", &inv);
    struct applied_hosts a = open_memory(&inv);
    applied_hosts_recall(&a, &inv);
    assert_int_equal(inv.host_count, 2);
    applied_hosts_release(&a);
    inventory_release(&inv);
}

static void forgets_and_knows_each_once(void **state)
{
    struct inventory inv = INVENTORY_INIT;
    load(*state, FILE_OF_THREE, &inv);
    apply(&inv, nodes_of_three);
    apply(&inv, nodes_of_three);
    struct applied_hosts a = open_memory(&inv);
    assert_int_equal(json_array_size(json_object_get(a.state, "applied")), 3);
    applied_hosts_forget(&a, &inv.hosts[1]);
    assert_int_equal(json_array_size(json_object_get(a.state, "applied")), 2);
    assert_int_equal(applied_hosts_save(&a, NULL), 0);
    applied_hosts_release(&a);
    inventory_host_release(&inv.hosts[--inv.host_count]);
    a = open_memory(&inv);
    applied_hosts_recall(&a, &inv);
    assert_int_equal(inv.host_count, 3);
    assert_string_equal(inv.hosts[2].name, "n3");
    applied_hosts_release(&a);
    inventory_release(&inv);
}

static void spoilt(struct inventory *inv, const char *key, json_t *value)
{
    struct applied_hosts a = open_memory(inv);
    json_t *entry = json_array_get(json_object_get(a.state, "applied"), 0);
    AUTO_JSON *former = json_copy(entry);
    json_object_set_new(entry, key, value);
    assert_int_equal(applied_hosts_save(&a, NULL), 0);
    struct applied_hosts other;
    struct error err = ERROR_INIT;
    if (applied_hosts_load(inv, &other, &err) != -EBADMSG)
        fail_msg("%s was taken", key);
    assert_true(err.remedy[0] != '\0');
    json_array_set(json_object_get(a.state, "applied"), 0, former);
    assert_int_equal(applied_hosts_save(&a, NULL), 0);
    applied_hosts_release(&a);
}

static void refuses_what_is_no_host(void **state)
{
    struct inventory inv = INVENTORY_INIT;
    load(*state, FILE_OF_THREE, &inv);
    apply(&inv, nodes_of_three);
    spoilt(&inv, "address", json_string("-oProxyCommand=x"));
    spoilt(&inv, "address", json_string("a b"));
    spoilt(&inv, "node", json_string("$(x)"));
    spoilt(&inv, "user", json_string("-l"));
    spoilt(&inv, "port", json_integer(0));
    spoilt(&inv, "port", json_integer(65536));
    spoilt(&inv, "roles", json_integer(0));
    spoilt(&inv, "sudo", json_integer(9));
    spoilt(&inv, "host_key", json_string("SHA256:short"));
    struct applied_hosts a = open_memory(&inv);
    STRBUF(text, 65536);
    assert_int_equal(file_read(a.path, &text, NULL), 0);
    strstr(text.data, "10.0.0.2")[7] = '3'; /* by hand */
    assert_int_equal(file_write_atomic(a.path, text.data, text.len, 0600, NULL), 0);
    struct applied_hosts other;
    assert_int_equal(applied_hosts_load(&inv, &other, NULL), -EBADMSG);
    applied_hosts_release(&a);
    inventory_release(&inv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(a_line_that_is_gone_is_remembered), world_test(holds_no_secret),
        world_test(moved_and_renamed_hosts_are_there), world_test(forgets_and_knows_each_once),
        world_test(refuses_what_is_no_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
