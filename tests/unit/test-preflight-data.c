#include "coordinator/preflight-data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MAX 1024

static json_t *probe(const char *path, int64_t p99_us)
{
    return json_pack("{s:s,s:I,s:I,s:i,s:i,s:i,s:i,s:i}", "path", path, "fsync_p50_us",
                     (json_int_t) 100, "fsync_p99_us", (json_int_t) p99_us, "write_kib_s", 468750,
                     "read_kib_s", 498047, "free_kib", 47185920, "inodes", 1000, "free_inodes",
                     990);
}

static void words(void **state)
{
    (void) state;
    AUTO_JSON *etcd = probe("/var/lib/etcd", 2140);
    AUTO_JSON *slow = probe("/data/one", 123456);
    AUTO_JSON *unknown = json_pack("{s:s,s:s}", "path", "/data/one", "error", "read-only");
    STRBUF(text, WORDS_MAX);
    data_words(etcd, &text);
    assert_string_equal(text.data, "etcd disk: fsync p99 2.1 ms, write/read 480/510 MB/s, "
                                   "45 GiB free, inodes 99 % free");
    strbuf_reset(&text);
    json_object_set_new(slow, "inodes", json_integer(0));
    json_object_set_new(slow, "free_kib", json_integer(2048));
    data_words(slow, &text);
    assert_string_equal(text.data, "disk of /data/one: fsync p99 123 ms, write/read 480/510 MB/s, "
                                   "2 MiB free");
    strbuf_reset(&text);
    data_words(unknown, &text);
    assert_string_equal(text.data, "disk of /data/one: not measured: read-only");
}

/* How many warnings and consents; the first warning's or consent's words. */
static void assert_judged(json_t *taken, size_t warnings, size_t consents, const char *expected)
{
    AUTO_JSON *p = taken;
    struct findings found = FINDINGS_INIT;
    STRV(consent);
    data_check(p, &found, &consent);
    assert_int_equal(found.count, warnings);
    assert_int_equal(consent.count, consents);
    assert_int_equal(findings_refusals(&found), 0);
    const char *text = consents ? consent.items[0] : warnings ? found.items[0].text : "";
    if (!strstr(text, expected))
        fail_msg("\"%s\" not in \"%s\"", expected, text);
    findings_release(&found);
}

static json_t *with(const char *key, int64_t value)
{
    json_t *p = probe("/var/lib/etcd", 1000);
    json_object_set_new(p, key, json_integer((json_int_t) value));
    return p;
}

static void judgement(void **state)
{
    (void) state;
    assert_judged(probe("/var/lib/etcd", 10000), 0, 0, "");
    assert_judged(probe("/var/lib/etcd", 10001), 1, 0, "etcd disk: one in a hundred fsyncs");
    assert_judged(probe("/var/lib/etcd", 100000), 1, 0, "100 ms");
    assert_judged(probe("/var/lib/etcd", 100001), 0, 1, "etcd wants less than 10 ms");
    assert_judged(probe("/d", 250000), 0, 1, "disk of /d: one in a hundred fsyncs takes 250 ms");
    assert_judged(with("free_kib", 1024 * 1024), 1, 0, "only 1024 MiB free");
    assert_judged(with("free_inodes", 99), 1, 0, "only 9 % of its inodes");
    assert_judged(with("free_inodes", 100), 0, 0, "");
    assert_judged(with("inodes", 0), 0, 0, "");
    assert_judged(with("free_inodes", -5), 0, 0, "");
    assert_judged(json_pack("{s:s,s:s}", "path", "/d", "error", "x\033[2J"), 1, 0, "x\\x1b[2J");
}

static void assert_paths(const struct host *host, const json_t *facts, bool mounted,
                         const char *expected)
{
    STRV(found);
    data_paths(host, facts, mounted, &found);
    AUTO_FREE char *text = strv_join(&found, " ");
    assert_string_equal(text, expected);
}

static void paths(void **state)
{
    (void) state;
    struct disk disks[] = {{.class = (char *) "fast"}, {.mount = (char *) "/var/lib/etcd"}};
    struct host host = {.roles = ROLE_CONTROL_PLANE | ROLE_WORKER, .disks = disks, .disk_count = 2};
    AUTO_JSON *fresh = json_object();
    AUTO_JSON *half = json_pack("{s:[{s:s,s:s},{s:s,s:s}]}", "data_disks", "mount", "/var/lib/etcd",
                                "state", "mounted", "mount", "/var/lib/bigtop-volumes/fast",
                                "state", "missing");
    /* What is not mounted yet would be mistaken for the disk that its folder is on. */
    assert_paths(&host, fresh, true, "/var/lib/bigtop-volumes");
    assert_paths(&host, fresh, false, "/var/lib/bigtop-volumes/fast /var/lib/etcd");
    assert_paths(&host, half, true, "/var/lib/etcd /var/lib/bigtop-volumes");
    assert_paths(&host, half, false, "/var/lib/bigtop-volumes/fast");
    host.disk_count = 0;
    assert_paths(&host, fresh, true, "/var/lib/etcd /var/lib/bigtop-volumes");
    assert_paths(&host, fresh, false, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),
        cmocka_unit_test(judgement),
        cmocka_unit_test(paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
