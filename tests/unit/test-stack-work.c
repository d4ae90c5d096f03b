/* A profile made ready, with a kubectl of the test's own in PATH: it prints the folder's files. */
#include "coordinator/stack-work.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define KUSTOMIZE "#!/bin/sh\n[ \"$1\" = kustomize ] && cat \"$2/object.yaml\" \"$2/values.yaml\"\n"
#define OBJECT \
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {template: {spec: " \
    "{containers: [{image: a.io/x:1}]}}}\n---\n"
#define VALUES \
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: values\n  annotations:\n" \
    "    config.kubernetes.io/local-config: \"true\"\ndata: {n: 1}\n"

static void put(const char *dir, const char *path, const char *text, mode_t mode)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *full = path_join(dir, path);
    AUTO_FREE char *folder = path_dirname(full);
    assert_int_equal(path_mkdir_p(folder, 0755, &err), 0);
    assert_int_equal(file_write_atomic(full, text, strlen(text), mode, &err), 0);
}

static void build(const char *dir)
{
    AUTO_FREE char *path = xasprintf("%s/bin:/usr/bin:/bin", dir);
    setenv("PATH", path, 1);
    setenv("XDG_CACHE_HOME", dir, 1);
    put(dir, "bin/kubectl", KUSTOMIZE, 0755);
    put(dir, "p/own.yaml", "summary: s\ncomponents: [{name: c, values: {n: 2}}]\n", 0644);
    put(dir, "p/components/c/component.yaml", "name: c\nversion: v1\nsummary: s\n", 0644);
    put(dir, "p/components/c/kustomization.yaml", "resources: []\n", 0644);
    put(dir, "p/components/c/object.yaml", OBJECT, 0644);
    put(dir, "p/components/c/values.yaml", VALUES, 0644);
}

static size_t count_entries(const char *path)
{
    size_t n = 0;
    DIR *dir = opendir(path);
    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n;
}

static int open_own(const char *dir, const struct bundle *b, struct stack_work *out,
                    struct error *err)
{
    AUTO_FREE char *profile = path_join(dir, "p/own.yaml");
    const struct stack_choice choice = {.bundle = b, .profile = profile};
    return stack_work_open(&choice, out, err);
}

static void a_folder_of_ones_own_is_rendered_with_its_values(void **state)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *cache = path_join(*state, "bigtop-bootstrap");
    build(*state);
    struct stack_work w = STACK_WORK_INIT;
    if (open_own(*state, NULL, &w, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(json_array_size(w.rendered[0].objects), 2);
    const json_t *data = json_object_get(json_array_get(w.rendered[0].objects, 1), "data");
    assert_int_equal(json_get_int(data, "n", 0), 2);
    assert_string_equal(w.rendered[0].images.items[0], "a.io/x:1");
    struct stat st;
    assert_int_equal(stat(w.scratch, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    stack_work_release(&w);
    assert_int_equal(count_entries(cache), 2); /* nothing of it is left */
}

static void images_have_to_be_in_the_bundle(void **state)
{
    struct error err = ERROR_INIT;
    build(*state);
    AUTO_STACK_WORK w = STACK_WORK_INIT;
    struct component list[] = {{.kind = COMPONENT_IMAGE, .name = "x", .ref = "a.io/x:2"}};
    struct bundle b = {.components = list, .component_count = 1, .architecture = "none"};
    assert_int_equal(open_own(*state, &b, &w, &err), -ENOENT);
    assert_error_has(err, "component c needs images that the bundle lacks: a.io/x:1");
    assert_null(w.rendered);
    list[0].ref = "a.io/x:1";
    assert_int_equal(open_own(*state, &b, &w, &err), 0);
}

static void a_profile_that_is_nowhere(void **state)
{
    struct error err = ERROR_INIT;
    build(*state);
    AUTO_STACK_WORK w = STACK_WORK_INIT;
    struct stack_choice choice = {.profile = "minimal"};
    assert_int_equal(stack_work_open(&choice, &w, &err), -ENOENT);
    assert_error_has(err, "there is no profile minimal: no bundle is named");
    choice.profile = "/nowhere/minimal.yaml";
    assert_int_equal(stack_work_open(&choice, &w, &err), -ENOENT);
    assert_error_has(err, "/nowhere/minimal.yaml");
}

static void what_kubectl_says_is_told(void **state)
{
    struct error err = ERROR_INIT;
    build(*state);
    AUTO_STACK_WORK w = STACK_WORK_INIT;
    put(*state, "bin/kubectl", "#!/bin/sh\necho 'no such field' >&2; exit 1\n", 0755);
    assert_true(open_own(*state, NULL, &w, &err) < 0);
    assert_error_has(err, "component c: ");
    assert_error_has(err, "no such field");
    AUTO_FREE char *program = path_join(*state, "bin/kubectl");
    assert_int_equal(unlink(program), 0);
    setenv("PATH", *state, 1);
    assert_int_equal(open_own(*state, NULL, &w, &err), -ENOENT);
    assert_error_has(err, "there is no kubectl");
}

/* What helm makes of a chart goes through kustomize: its folder's file of objects. */
static void a_chart_takes_helm(void **state)
{
    struct error err = ERROR_INIT;
    build(*state);
    put(*state, "p/components/c/component.yaml", "name: c\nversion: v1\nsummary: s\nchart: c.tgz\n",
        0644);
    put(*state, "p/components/c/c.tgz", "", 0644);
    put(*state, "p/components/c/values.yaml", "n: 1\n", 0644);
    put(*state, "bin/kubectl", "#!/bin/sh\n[ \"$1\" = kustomize ] && cat \"$2/chart.yaml\"\n",
        0755);
    AUTO_STACK_WORK w = STACK_WORK_INIT;
    AUTO_FREE char *path = path_join(*state, "bin");
    AUTO_FREE char *usual = xstrdup(getenv("PATH"));
    setenv("PATH", path, 1);
    assert_int_equal(open_own(*state, NULL, &w, &err), -ENOENT);
    assert_error_has(err, "component c is a Helm chart: there is no helm");
    setenv("PATH", usual, 1);
    put(*state, "bin/helm", "#!/bin/sh\ngrep -q '\"n\": 2' \"$5\" && cat \"${5%/*}/object.yaml\"\n",
        0755);
    if (open_own(*state, NULL, &w, &err) < 0)
        fail_msg("%s", err.text);
    AUTO_JSON *list = json_parse(w.rendered[0].text, strlen(w.rendered[0].text), "text", &err);
    assert_string_equal(json_get_string(list, "kind", ""), "List");
    assert_string_equal(w.rendered[0].images.items[0], "a.io/x:1");
}

static void names_and_paths(void **state)
{
    (void) state;
    assert_false(stack_is_file("minimal"));
    assert_true(stack_is_file("minimal.yaml"));
    assert_true(stack_is_file("./minimal"));
    assert_false(stack_is_file(".yaml"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(a_folder_of_ones_own_is_rendered_with_its_values),
        cmocka_folder_test(images_have_to_be_in_the_bundle),
        cmocka_folder_test(a_profile_that_is_nowhere),
        cmocka_folder_test(what_kubectl_says_is_told),
        cmocka_folder_test(a_chart_takes_helm),
        cmocka_unit_test(names_and_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
