#include "agent/paths.h"
#include "agent/probe.h"
#include "lib/path.h"
#include "lib/state-file.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/test-probe-XXXXXX";

static size_t entries(void)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    size_t count = 0;
    for (const struct dirent *e; (e = readdir(dir));)
        count += e->d_name[0] != '.' || strlen(e->d_name) > 2;
    closedir(dir);
    return count;
}

static void percentiles(void **state)
{
    (void) state;
    uint32_t samples[200];
    assert_int_equal(probe_percentile(samples, 0, 99), 0);
    samples[0] = 7;
    assert_int_equal(probe_percentile(samples, 1, 99), 7);
    assert_int_equal(probe_percentile(samples, 1, 0), 7);
    for (uint32_t i = 0; i < 200; i++)
        samples[i] = 200 - i;
    assert_int_equal(probe_percentile(samples, 200, 50), 100);
    assert_int_equal(probe_percentile(samples, 200, 99), 198);
    assert_int_equal(probe_percentile(samples, 200, 100), 200);
    uint32_t few[] = {5, 4000000000u, 1};
    assert_int_equal(probe_percentile(few, 3, 99), 4000000000u);
    assert_int_equal(probe_percentile(few, 3, 50), 5);
}

static void measures_and_leaves_nothing(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct probe p = {0};
    AUTO_FREE char *below = path_join(folder, "not/there/yet");
    assert_int_equal(probe_run(below, 1, NULL, &p, &err), 0);
    assert_true(p.fsync_p50_us > 0);
    assert_true(p.fsync_p99_us >= p.fsync_p50_us);
    assert_true(p.write_kib_s > 0);
    assert_true(p.read_kib_s > 0);
    assert_true(p.free_kib > 0);
    assert_int_equal(entries(), 0);
}

static void ends_when_told_to(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct probe p = {.free_kib = 42};
    const bool cancel = true;
    assert_int_equal(probe_run(folder, 3, &cancel, &p, &err), -ECANCELED);
    assert_int_equal(p.free_kib, 42);
    assert_int_equal(entries(), 0);
}

static void says_that_it_cannot_write(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct probe p;
    assert_true(probe_run("/proc/sys", 1, NULL, &p, &err) < 0);
    assert_non_null(strstr(err.text, "/proc"));
}

static int call(const char *params, json_t **result)
{
    struct error err = ERROR_INIT;
    AUTO_JSON *parsed = json_parse(params, strlen(params), "params", &err);
    assert_non_null(parsed);
    return probe_call(parsed, NULL, result, &err);
}

static void one_file_system_is_measured_once(void **state)
{
    (void) state;
    AUTO_JSON *result = NULL;
    AUTO_FREE char *params =
        xasprintf("{\"paths\":[\"%s\",\"%s/x\",\"/proc/sys/x\"],\"seconds\":1}", folder, folder);
    agent_root_set(folder); /* where the result is kept */
    assert_int_equal(call(params, &result), 0);
    agent_root_set("");
    const json_t *list = json_object_get(result, "probes");
    assert_int_equal(json_array_size(list), 3);
    const json_t *one = json_array_get(list, 0), *two = json_array_get(list, 1),
                 *three = json_array_get(list, 2);
    assert_string_equal(json_get_string(one, "path", ""), folder);
    assert_true(json_get_int(one, "fsync_p99_us", 0) > 0);
    assert_int_equal(json_get_int(one, "fsync_p99_us", 0), json_get_int(two, "fsync_p99_us", 1));
    assert_non_null(json_get_string(three, "error", NULL));
}

/* Of a folder that is not made yet, too: that of the file system where it will be. */
static void room_is_of_now(void **state)
{
    (void) state;
    AUTO_FREE char *dir = xasprintf("%s/var/lib/bigtop", folder);
    AUTO_FREE char *file = path_join(dir, "probes.json");
    AUTO_FREE char *there = path_join(folder, "not-yet/made");
    AUTO_JSON *kept = json_pack("{s:[{s:s, s:i, s:i}]}", "probes", "path", there, "fsync_p99_us",
                                77, "free_kib", 1);
    agent_root_set(folder);
    AUTO_JSON *none = probe_facts();
    assert_int_equal(json_array_size(none), 0);
    assert_int_equal(path_mkdir_p(dir, 0700, NULL), 0);
    assert_int_equal(state_file_write(file, kept, NULL), 1);
    AUTO_JSON *facts = probe_facts();
    agent_root_set("");
    assert_int_equal(json_array_size(facts), 1);
    assert_int_equal(json_get_int(json_array_get(facts, 0), "fsync_p99_us", 0), 77);
    assert_true(json_get_int(json_array_get(facts, 0), "free_kib", 0) > 1);
}

static void odd_params_are_refused(void **state)
{
    (void) state;
    json_t *result = NULL;
    assert_int_equal(call("{}", &result), -EINVAL);
    assert_int_equal(call("{\"paths\":\"/\"}", &result), -EINVAL);
    assert_int_equal(call("{\"paths\":[7]}", &result), -EINVAL);
    assert_int_equal(call("{\"paths\":[\"x\"]}", &result), -EINVAL);
    assert_int_equal(call("{\"paths\":[\"/../x\"]}", &result), -EINVAL);
    assert_int_equal(call("{\"paths\":[\"/\"],\"seconds\":3600}", &result), -EINVAL);
    assert_int_equal(call("{\"paths\":[\"/\"],\"seconds\":0}", &result), -EINVAL);
    assert_null(result);
}

static int make(void **state)
{
    (void) state;
    return mkdtemp(folder) ? 0 : -1;
}

static int take_away(void **state)
{
    (void) state;
    return path_remove_tree(folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles),
        cmocka_unit_test(measures_and_leaves_nothing),
        cmocka_unit_test(ends_when_told_to),
        cmocka_unit_test(says_that_it_cannot_write),
        cmocka_unit_test(one_file_system_is_measured_once),
        cmocka_unit_test(room_is_of_now),
        cmocka_unit_test(odd_params_are_refused),
    };
    return cmocka_run_group_tests(tests, make, take_away);
}
