#include "images/source.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

static void put(const char *dir, const char *name, const char *text)
{
    AUTO_FREE char *path = path_join(dir, name);
    AUTO_FREE char *parent = path_dirname(path);
    assert_int_equal(path_mkdir_p(parent, 0755, NULL), 0);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, NULL), 0);
}

/* What its result is kept by. */
static json_t *inputs_of(const char *dir)
{
    static const char text[] = "type: go\nmodule: m\nprograms: {p: bigtop.local/m}\n";
    struct recipe recipe = {
        .dir = (char *) dir, .architecture = "amd64", .toolchain = "go1", .toolchain_sum = "h1:x"};
    const struct source_context ctx = {.recipe = &recipe};
    struct error err = ERROR_INIT;
    void *spec = xcalloc(1, source_go.spec_size);
    json_t *in = json_object();
    if (yaml_parse(text, strlen(text), "r.yaml", &recipe.file, &err) < 0 ||
        source_go.load(&recipe, recipe.file.root, spec, &err) < 0 ||
        source_go.inputs(&ctx, spec, in, &err) < 0)
        fail_msg("%s", err.text);
    source_go.release(spec);
    free(spec);
    yaml_release(&recipe.file);
    return in;
}

static void changes_with(const char *dir, const char *name, const char *text, bool is_input)
{
    AUTO_JSON *before = inputs_of(dir);
    put(dir, name, text);
    AUTO_JSON *after = inputs_of(dir);
    if (json_equal(before, after) == is_input)
        fail_msg("%s %s", name, is_input ? "is no input" : "is an input");
}

static void all_that_is_compiled_is_an_input(void **state)
{
    put(*state, "m/go.mod", "module bigtop.local/m\n");
    put(*state, "m/go.sum", "");
    changes_with(*state, "m/go.mod", "module bigtop.local/m\n\ngo 1.25\n", true);
    changes_with(*state, "m/go.sum", "a v1 h1:a=\n", true);
    changes_with(*state, "m/main.go", "package main\n", true);
    changes_with(*state, "m/main.go", "package main // differs\n", true);
    changes_with(*state, "m/part/part.go", "package part\n", true);
    changes_with(*state, "m/README", "nothing of it\n", false);
    changes_with(*state, "m/part/go.mod~", "nor this\n", false);
    changes_with(*state, "other.go", "package other\n", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_that_is_compiled_is_an_input, folder_setup,
                                        folder_teardown),
    };
    return cmocka_run_group_tests_name("source-go", tests, NULL, NULL);
}
