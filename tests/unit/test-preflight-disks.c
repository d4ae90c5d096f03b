#include "coordinator/preflight-disks.h"
#include "lib/disk-choice.h"
#include "tests/unit/unit.h"

static struct disk a_disk(void)
{
    return (struct disk){.serial = (char *) "S1", .class = (char *) "fast", .fs = (char *) "ext4"};
}

static json_t *json_text(const char *text)
{
    struct error err = ERROR_INIT;
    json_t *j = json_parse(text, strlen(text), "test", &err);
    if (!j)
        fail_msg("%s", err.text);
    return j;
}

#define FREE_DISK \
    "\"name\":\"sdb\",\"serial\":\"S1\",\"size\":500000000000,\"read_only\":false,\"busy\":false," \
    "\"links\":[\"/dev/disk/by-id/x\"],\"paths\":[\"/dev/sdb\"],\"signatures\":[]"

static void judge(const struct disk *d, const char *answer, const char *facts_text,
                  struct findings *out)
{
    const struct host host = {.disks = (struct disk *) (uintptr_t) d, .disk_count = 1};
    AUTO_JSON *disks = json_text(answer);
    AUTO_JSON *json = json_text(facts_text);
    const struct facts facts = {.json = json, .disks = disks};
    *out = FINDINGS_INIT;
    preflight_disks(&host, &facts, out);
}

static void test_labels(void **state)
{
    (void) state;
    struct disk disks[] = {
        {.class = (char *) "fast", .fs = (char *) "ext4", .serial = (char *) "A"},
        {.class = (char *) "archive", .fs = (char *) "xfs", .wwn = (char *) "B"},
        {.mount = (char *) "/var/lib/etcd", .fs = (char *) "ext4", .path = (char *) "/dev/x"},
    };
    const struct host host = {.disks = disks, .disk_count = 3};
    AUTO_JSON *wishes = disks_wishes(&host);
    assert_int_equal(disk_wishes_check(wishes, NULL), 0);
    const json_t *fast = json_array_get(wishes, 0), *archive = json_array_get(wishes, 1);
    assert_string_equal(json_get_string(fast, "label", ""), "bigtop-fast");
    assert_string_equal(json_get_string(fast, "mount", ""), "/var/lib/bigtop-volumes/fast");
    /* Longer than XFS allows: a part of a hash, which is no other class's prefix. */
    assert_int_equal(strlen(json_get_string(archive, "label", "")), DISK_LABEL_MAX);
    assert_null(strstr(json_get_string(archive, "label", ""), "arch"));
    assert_string_equal(json_get_string(json_array_get(wishes, 2), "mount", ""), "/var/lib/etcd");
}

static void test_free_disk(void **state)
{
    (void) state;
    struct findings f;
    struct disk d = a_disk();
    judge(&d, "{\"disks\":[{" FREE_DISK "}],\"occupied\":[]}", "{}", &f);
    assert_int_equal(f.count, 0);
    d.serial = NULL;
    d.path = (char *) "/dev/sdb";
    judge(&d, "{\"disks\":[{" FREE_DISK "}]}", "{}", &f);
    assert_int_equal(f.count, 1);
    assert_false(f.items[0].refusal);
    assert_string_equal(f.items[0].remedy, "name it by `serial: \"S1\"`");
    findings_release(&f);
}

static void assert_refusal(const struct disk *d, const char *answer, const char *facts,
                           const char *words)
{
    struct findings f;
    judge(d, answer, facts, &f);
    assert_int_equal(findings_refusals(&f), 1);
    if (!strstr(f.items[0].text, words))
        fail_msg("%s", f.items[0].text);
    assert_true(f.items[0].remedy[0] != '\0');
    findings_release(&f);
}

static void test_refusals(void **state)
{
    (void) state;
    struct disk d = a_disk();
    assert_refusal(&d, "{\"disks\":[]}", "{}", "no disk of this host has serial S1");
    assert_refusal(&d, "{}", "{}", "no disk of this host");
    assert_refusal(&d, "{\"disks\":[{" FREE_DISK "}],\"occupied\":[\"/srv\"]}", "{}",
                   "/srv holds files");
    assert_refusal(&d, "{\"disks\":[{" FREE_DISK ",\"mounts\":[\"/x\"]}]}", "{}", "mounted at /x");
    d.fs = (char *) "xfs";
    assert_refusal(&d, "{\"disks\":[{" FREE_DISK "}]}", "{\"programs\":{\"mkfs.xfs\":false}}",
                   "`mkfs.xfs` is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_free_disk),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("preflight-disks", tests, NULL, NULL);
}
