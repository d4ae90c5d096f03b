#include "images/gomod.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <unistd.h>

#define NAME "example.org/m@v1.0.0"
/* Made with Python's hashlib, by the definition in golang.org/x/mod/sumdb/dirhash. */
#define SUM "h1:yBp/ZUwvhskLdbeGbl2U6ObGQzjxvHWIzTHvhIBUxo0="

static void put(const char *dir, const char *name, const char *text)
{
    AUTO_FREE char *path = path_join(dir, name);
    AUTO_FREE char *parent = path_dirname(path);
    assert_int_equal(path_mkdir_p(parent, 0755, NULL), 0);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, NULL), 0);
}

static void put_module(const char *dir)
{
    put(dir, "a/b", "22"); /* sorted by the whole path: after a-b and a.txt */
    put(dir, "a-b", "1");
    put(dir, "a.txt", "");
}

static void sums_a_module(void **state)
{
    AUTO_FREE char *sum = NULL;
    put_module(*state);
    assert_int_equal(gomod_dir_sum(*state, NAME, &sum, NULL), 0);
    assert_string_equal(sum, SUM);
}

static void sees_every_change(void **state)
{
    static const char *const changed[] = {"a-b", "a/b", "a/new"};
    for (size_t i = 0; i < ARRAY_SIZE(changed); i++) {
        AUTO_FREE char *sum = NULL;
        put_module(*state);
        put(*state, changed[i], "x");
        assert_int_equal(gomod_dir_sum(*state, NAME, &sum, NULL), 0);
        assert_string_not_equal(sum, SUM);
    }
}

static void refuses_links(void **state)
{
    AUTO_FREE char *sum = NULL;
    struct error err = ERROR_INIT;
    AUTO_FREE char *link = path_join(*state, "link");
    put_module(*state);
    assert_int_equal(symlink("a-b", link), 0);
    assert_int_equal(gomod_dir_sum(*state, NAME, &sum, &err), -EBADMSG);
    assert_null(sum);
    assert_error_has(err, "/link");
}

/* What is in the module cache is used only when it is what the recipe says; no network here. */
static void a_go_environment_is_its_own(void **state)
{
    STRV(env);
    struct recipe recipe = {.architecture = "arm64"};
    const struct source_context ctx = {.recipe = &recipe, .cache_dir = *state};
    assert_int_equal(setenv("GOFLAGS", "-mod=vendor", 1), 0);
    assert_int_equal(setenv("GOPROXY", "off", 1), 0);
    gomod_env(&ctx, "/x/bin/go", &env);
    assert_true(strv_contains(&env, "GOPROXY=off"));
    assert_true(strv_contains(&env, "GOARCH=arm64"));
    assert_true(strv_contains(&env, "GOTOOLCHAIN=local"));
    for (size_t i = 0; i < env.count; i++)
        assert_int_not_equal(strncmp(env.items[i], "GOFLAGS=", 8), 0);
}

static void refuses_a_changed_module(void **state)
{
    AUTO_FREE char *dir = NULL;
    struct error err = ERROR_INIT;
    struct recipe recipe = {
        .architecture = "amd64", .toolchain = "go0.0.0-none", .toolchain_sum = SUM};
    const struct source_context ctx = {.recipe = &recipe, .cache_dir = *state};
    assert_int_equal(setenv("GOPROXY", "off", 1), 0);
    assert_true(gomod_fetch(&ctx, NAME, SUM, &dir, &err) < 0);
    assert_null(dir);
    assert_true(err.text[0] != '\0' && err.remedy[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(sums_a_module),
        cmocka_folder_test(sees_every_change),
        cmocka_folder_test(refuses_links),
        cmocka_folder_test(a_go_environment_is_its_own),
        cmocka_folder_test(refuses_a_changed_module),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
