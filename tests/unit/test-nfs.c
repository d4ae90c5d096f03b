#include "agent/nfs.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

static const char *content(const json_t *service, const char *path)
{
    size_t i;
    json_t *file;
    json_array_foreach(json_object_get(service, "files"), i, file)
        if (strcmp(json_get_string(file, "path", ""), path) == 0)
            return json_get_string(file, "content", "");
    return NULL;
}

static json_t *service_of(const char *params, bool ours, bool was_idle)
{
    struct error err = ERROR_INIT;
    AUTO_JSON *j = parse_json(params);
    AUTO_NFS_PARAMS p = {0};
    if (nfs_params_read(j, &p, &err) < 0)
        fail_msg("%s", err.text);
    return nfs_service(&p, ours, was_idle);
}

#define EXPORTS "/etc/exports.d/bigtop.exports"

static void test_exports_name_each_client(void **state)
{
    (void) state;
    AUTO_JSON *s = service_of("{\"export\":\"/srv/nfs\",\"clients\":[\"10.0.0.1\",\"10.0.0.2\"]}",
                              true, true);
    const char *text = content(s, EXPORTS);
    static const char head[] = "/srv/nfs -rw,sync,no_subtree_check,no_root_squash,sec=sys,fsid=";
    assert_memory_equal(text, head, strlen(head));
    const char *clients = strchr(text + strlen(head), ' ');
    assert_int_equal(clients - text - (ptrdiff_t) strlen(head), 32);
    assert_string_equal(clients, " 10.0.0.1 10.0.0.2\n");
    assert_null(strchr(text, '*'));
}

/* Another folder is another file system to its clients; the same one stays itself. */
static void test_fsid_is_the_exports(void **state)
{
    (void) state;
    AUTO_JSON *a = service_of("{\"export\":\"/srv/a\",\"clients\":[\"10.0.0.1\"]}", true, true);
    AUTO_JSON *b = service_of("{\"export\":\"/srv/b\",\"clients\":[\"10.0.0.1\"]}", true, true);
    AUTO_JSON *c = service_of("{\"export\":\"/srv/a\",\"clients\":[\"10.0.0.9\"]}", true, true);
    const char *of_a = strstr(content(a, EXPORTS), "fsid=");
    assert_memory_not_equal(of_a, strstr(content(b, EXPORTS), "fsid="), 5 + 32);
    assert_memory_equal(of_a, strstr(content(c, EXPORTS), "fsid="), 5 + 32);
}

static void test_a_disk_comes_first(void **state)
{
    (void) state;
    AUTO_JSON *s = service_of(
        "{\"export\":\"/data/nfs\",\"mount\":\"/data\",\"clients\":[\"10.0.0.1\"]}", true, true);
    assert_non_null(strstr(content(s, EXPORTS), ",mountpoint=/data "));
    assert_string_equal(content(s, "/etc/systemd/system/bigtop-nfs.service.d/bigtop.conf"),
                        "[Unit]\nRequiresMountsFor=/data/nfs\n");
}

static void test_our_programs(void **state)
{
    (void) state;
    AUTO_JSON *s = service_of("{\"export\":\"/a\",\"clients\":[\"10.0.0.1\"]}", true, true);
    assert_string_equal(json_get_string(s, "unit", ""), NFS_OUR_UNIT);
    const char *unit = content(s, "/etc/systemd/system/bigtop-nfs.service");
    assert_non_null(strstr(unit, "rpc.nfsd -N 3 -N 4.0 -N 4.1 -V 4.2"));
    for (const char *const *helper = nfs_helper_units; *helper; helper++) {
        AUTO_FREE char *path = xasprintf("/etc/systemd/system/%s", *helper);
        assert_non_null(content(s, path));
    }
    assert_null(content(s, "/etc/nfs.conf.d/bigtop.conf"));
}

/* What a server of the user's offers already is not taken away. */
static void test_the_hosts_own(void **state)
{
    (void) state;
    const char *params = "{\"export\":\"/a\",\"clients\":[\"10.0.0.1\"]}";
    AUTO_JSON *idle = service_of(params, false, true);
    AUTO_JSON *busy = service_of(params, false, false);
    assert_string_equal(json_get_string(idle, "unit", ""), NFS_HOST_UNIT);
    assert_non_null(strstr(content(idle, "/etc/nfs.conf.d/bigtop.conf"), "vers3=n\n"));
    assert_null(content(busy, "/etc/nfs.conf.d/bigtop.conf"));
    assert_null(content(busy, "/etc/systemd/system/bigtop-nfs.service"));
    assert_non_null(content(busy, "/etc/systemd/system/nfs-server.service.d/bigtop.conf"));
    assert_non_null(content(busy, EXPORTS));
}

static void test_a_client_alone(void **state)
{
    (void) state;
    AUTO_JSON *j = parse_json("{}");
    AUTO_NFS_PARAMS p = {0};
    assert_int_equal(nfs_params_read(j, &p, NULL), 0);
    assert_null(p.export);
}

static void test_refused(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "{\"export\":\"/a\"}",
        "{\"export\":\"/a\",\"clients\":[]}",
        "{\"export\":\"/a\",\"clients\":\"10.0.0.1\"}",
        "{\"export\":\"/a\",\"clients\":[\"*\"]}",
        "{\"export\":\"/a\",\"clients\":[\"n1\"]}",
        "{\"export\":\"/a\",\"clients\":[\"10.0.0.1(rw)\"]}",
        "{\"export\":\"/a\",\"clients\":[\"10.0.0.0/8\"]}",
        "{\"export\":\"/a\",\"clients\":[7]}",
        "{\"export\":\"a\",\"clients\":[\"10.0.0.1\"]}",
        "{\"export\":\"/\",\"clients\":[\"10.0.0.1\"]}",
        "{\"export\":\"/a b\",\"clients\":[\"10.0.0.1\"]}",
        "{\"export\":\"/a\\n/etc *(rw)\",\"clients\":[\"10.0.0.1\"]}",
        "{\"export\":\"/a/../etc\",\"clients\":[\"10.0.0.1\"]}",
        "{\"export\":\"/a\",\"mount\":\"a\",\"clients\":[\"10.0.0.1\"]}",
        "{\"export\":\"/a\",\"mount\":\"/a\\nExec=x\",\"clients\":[\"10.0.0.1\"]}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        AUTO_JSON *j = parse_json(bad[i]);
        AUTO_NFS_PARAMS p = {.export = "untouched"};
        if (nfs_params_read(j, &p, NULL) != -EINVAL)
            fail_msg("%s", bad[i]);
        assert_string_equal(p.export, "untouched");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exports_name_each_client),
        cmocka_unit_test(test_fsid_is_the_exports),
        cmocka_unit_test(test_a_disk_comes_first),
        cmocka_unit_test(test_our_programs),
        cmocka_unit_test(test_the_hosts_own),
        cmocka_unit_test(test_a_client_alone),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
