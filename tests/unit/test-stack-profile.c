#include "coordinator/stack-profile.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <glob.h>

#define HEAD(name) "name: " name "\nversion: 1.0.0\nsummary: s\n"
#define VALUES(data) \
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: values\n  annotations:\n" \
    "    config.kubernetes.io/local-config: \"true\"\ndata: " data "\n"
#define PROFILE(list) "summary: s\ncomponents: " list "\n"

static void put(const char *dir, const char *path, const char *text)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *full = path_join(dir, path);
    AUTO_FREE char *folder = path_dirname(full);
    assert_int_equal(path_mkdir_p(folder, 0755, &err), 0);
    assert_int_equal(file_write_atomic(full, text, strlen(text), 0644, &err), 0);
}

static void component(const char *dir, const char *name, const char *text)
{
    AUTO_FREE char *description = xasprintf("components/%s/component.yaml", name);
    AUTO_FREE char *kustomization = xasprintf("components/%s/kustomization.yaml", name);
    put(dir, description, text);
    put(dir, kustomization, "resources: []\n");
}

static int load(const char *dir, const char *profile, struct stack *out, struct error *err)
{
    STRV(folders);
    strv_addf(&folders, "%s/mine", dir);
    strv_addf(&folders, "%s/components", dir);
    put(dir, "small.yaml", profile);
    AUTO_FREE char *file = path_join(dir, "small.yaml");
    return stack_load(file, &folders, out, err);
}

static void reads_a_profile(void **state)
{
    AUTO_STACK s = STACK_INIT;
    struct error err = ERROR_INIT;
    component(*state, "zk", HEAD("zk"));
    component(*state, "kafka",
              HEAD("kafka") "after: [zk]\nafter_if_there: [minio, zk]\nready_seconds: 400\n"
                            "secrets: {kafka-admin: [password, key]}\n"
                            "tests:\n- name: 10,000 records, a broker killed\n  seconds: 60\n"
                            "  steps: [{job: test/a.yaml}, {kill: kafka-1}]\n");
    put(*state, "components/kafka/test/a.yaml", "x");
    put(*state, "components/kafka/values.yaml",
        VALUES("{replicas: 1, memory: 1Gi, port: \"80\", tls: false}"));
    int r = load(*state,
                 PROFILE("[{name: kafka, values: {replicas: 3, port: 81, tls: true}}, "
                         "{name: zk}]"),
                 &s, &err);
    if (r < 0)
        fail_msg("%s", err.text);
    assert_string_equal(s.name, "small");
    assert_int_equal(s.count, 2);
    const struct stack_component *k = &s.components[0];
    assert_string_equal(k->version, "1.0.0");
    assert_int_equal(k->ready_seconds, 400);
    assert_int_equal(s.components[1].ready_seconds, STACK_READY_SECONDS);
    assert_int_equal(k->after_count, 2);
    assert_int_equal(k->after[0], 1);
    AUTO_FREE char *values = json_canonical(k->values);
    assert_string_equal(values, "{\"memory\":\"1Gi\",\"port\":\"81\",\"replicas\":3,\"tls\":true}");
    assert_string_equal(k->secrets[0].name, "kafka-admin");
    assert_int_equal(k->secrets[0].keys.count, 2);
    assert_string_equal(k->tests[0].name, "10,000 records, a broker killed");
    assert_int_equal(k->tests[0].steps[1].kind, STACK_STEP_KILL);
    assert_string_equal(k->tests[0].steps[1].what, "kafka-1");
}

static void the_first_folder_that_has_it_wins(void **state)
{
    AUTO_STACK s = STACK_INIT;
    struct error err = ERROR_INIT;
    component(*state, "zk", HEAD("zk"));
    put(*state, "mine/zk/component.yaml", "name: zk\nversion: mine\nsummary: s\n");
    put(*state, "mine/zk/kustomization.yaml", "resources: []\n");
    assert_int_equal(load(*state, PROFILE("[{name: zk}]"), &s, &err), 0);
    assert_string_equal(s.components[0].version, "mine");
}

static void refuse(const char *dir, const char *profile, const char *says)
{
    AUTO_STACK s = STACK_INIT;
    struct error err = ERROR_INIT;
    assert_true(load(dir, profile, &s, &err) < 0);
    if (!strstr(err.text, says))
        fail_msg("%s\nand not: %s", err.text, says);
    assert_null(s.components);
}

static void a_cycle_is_named_in_order(void **state)
{
    component(*state, "a", HEAD("a") "after: [b]\n");
    component(*state, "b", HEAD("b") "after_if_there: [c]\n");
    component(*state, "c", HEAD("c") "after: [a]\n");
    component(*state, "d", HEAD("d") "after: [a]\n");
    component(*state, "e", HEAD("e") "after: [e]\n");
    refuse(*state, PROFILE("[{name: d}, {name: a}, {name: b}, {name: c}]"),
           "wait for each other: a after b after c after a");
    refuse(*state, PROFILE("[{name: e}]"), "e after e");
    AUTO_STACK s = STACK_INIT;
    struct error err = ERROR_INIT;
    assert_int_equal(load(*state, PROFILE("[{name: a}, {name: b}]"), &s, &err), 0);
}

static void refuses_a_wrong_profile(void **state)
{
    component(*state, "zk", HEAD("zk"));
    put(*state, "components/zk/values.yaml", VALUES("{replicas: 1, tls: true}"));
    component(*state, "late", HEAD("late") "after: [zk]\n");
    static const struct {
        const char *profile, *says;
    } cases[] = {
        {"", "nothing here"},
        {"summary: s\n", "\"components\" is missing"},
        {PROFILE("[]"), "small.yaml:2:13: 0 components"},
        {PROFILE("[{name: hbase}]"), "small.yaml:2:21: there is no component hbase"},
        {PROFILE("[{name: ../zk}]"), "word"},
        {PROFILE("[{name: zk}, {name: zk}]"), "zk is there twice"},
        {PROFILE("[{name: zk, colour: red}]"), "unknown key \"colour\""},
        {PROFILE("[{name: zk, values: {replica: 3}}]"), "zk has no value \"replica\""},
        {PROFILE("[{name: zk, values: {replicas: x}}]"), "expected a number"},
        {PROFILE("[{name: zk, values: {tls: 1}}]"), "expected true or false"},
        {PROFILE("[{name: zk, values: {tls: [1]}}]"), "expected a plain value"},
        {PROFILE("[{name: late}]"), "late comes after zk, and the profile does not have that"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        refuse(*state, cases[i].profile, cases[i].says);
}

static void refuses_a_wrong_component(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {HEAD("other"), "expected zk as its folder is"},
        {"name: zk\nversion: 1.0\nsummary: s\n", "put it in quotes"},
        {"name: zk\nversion: v\n", "\"summary\" is missing"},
        {HEAD("zk") "ready_seconds: 0\n", "expected a decimal number from 1"},
        {HEAD("zk") "nodes: 3\n", "unknown key \"nodes\""},
        {HEAD("zk") "tests: []\n", "\"tests\" is empty"},
        {HEAD("zk") "tests: [{name: t, steps: []}]\n", "\"steps\" is empty"},
        {HEAD("zk") "tests: [{name: t, steps: [{job: x.yaml}]}]\n", "no file x.yaml"},
        {HEAD("zk") "tests: [{name: t, steps: [{job: ../zk/component.yaml}]}]\n", "relative path"},
        {HEAD("zk") "tests: [{name: t, steps: [{kill: \"-a\"}]}]\n", "no name of a pod"},
        {HEAD("zk") "tests: [{name: t, steps: [{kill: a, job: b}]}]\n", "either job or kill"},
        {HEAD("zk") "tests: [{name: t, steps: [{}]}]\n", "either job or kill"},
        {HEAD("zk") "tests: [{name: t, steps: [{run: x}]}]\n", "unknown key \"run\""},
        {HEAD("zk") "secrets: {A: [x]}\n", "no name of a Secret"},
        {HEAD("zk") "secrets: {a: []}\n", "\"a\" is empty"},
        {HEAD("zk") "secrets: {a: [\"x/y\"]}\n", "a key of a Secret"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        component(*state, "zk", cases[i].text);
        refuse(*state, PROFILE("[{name: zk}]"), cases[i].says);
    }
}

static void refuses_what_is_no_component(void **state)
{
    struct error err = ERROR_INIT;
    component(*state, "zk", HEAD("zk"));
    put(*state, "components/zk/values.yaml", "kind: ConfigMap\nmetadata: {name: x}\ndata: {}\n");
    refuse(*state, PROFILE("[{name: zk}]"), "expected a ConfigMap called values");
    put(*state, "components/zk/values.yaml", VALUES("{a: [1]}"));
    refuse(*state, PROFILE("[{name: zk}]"), "expected a plain value");
    AUTO_FREE char *folder = path_join(*state, "components/zk");
    assert_int_equal(path_remove_tree(folder, &err), 0);
    put(*state, "components/zk/component.yaml", HEAD("zk"));
    refuse(*state, PROFILE("[{name: zk}]"), "there is no kustomization.yaml");
}

/* What ships is read in each test run: every profile, with its components and their tests. */
static void reads_our_profiles(void **state)
{
    (void) state;
    CLEANUP(globfree) glob_t files = {0};
    STRV(folders);
    strv_add(&folders, "profiles/components");
    assert_int_equal(glob("profiles/*.yaml", 0, NULL, &files), 0);
    assert_true(files.gl_pathc >= 5);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        AUTO_STACK s = STACK_INIT;
        struct error err = ERROR_INIT;
        if (stack_load(files.gl_pathv[i], &folders, &s, &err) < 0)
            fail_msg("%s", err.text);
        for (size_t k = 0; k < s.count; k++)
            if (s.components[k].test_count == 0 && strcmp(s.components[k].name, "hive-metastore"))
                fail_msg("%s has no test", s.components[k].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(reads_a_profile),
        cmocka_folder_test(the_first_folder_that_has_it_wins),
        cmocka_folder_test(a_cycle_is_named_in_order),
        cmocka_folder_test(refuses_a_wrong_profile),
        cmocka_folder_test(refuses_a_wrong_component),
        cmocka_folder_test(refuses_what_is_no_component),
        cmocka_unit_test(reads_our_profiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
