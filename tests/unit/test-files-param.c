#include "agent/files-param.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/stat.h>

static json_t *one_file(const char *path, const char *content, const char *mode)
{
    return json_pack("{s:[{s:s, s:s, s:s}]}", "files", "path", path, "content", content, "mode",
                     mode);
}

static void writes_once_and_then_agrees(void **state)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *book = path_join(*state, "ledger");
    AUTO_FREE char *path = path_join(*state, "sub/dir/file");
    AUTO_LEDGER *ledger = NULL;
    assert_int_equal(ledger_open(book, &ledger, &err), 0);
    struct step_context ctx = {.ledger = ledger};
    AUTO_JSON *params = one_file(path, "hello\n", "0640");
    STRV(differences);
    assert_int_equal(files_param_check(params, &differences, &err), 0);
    assert_int_equal(differences.count, 1);
    assert_int_equal(files_param_apply(&ctx, params, &err), 1);
    assert_int_equal(file_is(path, "hello\n", 6, 0640), 1);
    assert_int_equal(files_param_check(params, &differences, &err), 1);
    struct stat before, after;
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(files_param_apply(&ctx, params, &err), 0);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_true(ledger_has_path(ledger, path));
}

static void a_changed_mode_is_a_difference(void **state)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *path = path_join(*state, "file");
    assert_int_equal(file_write_atomic(path, "x", 1, 0666, &err), 0);
    AUTO_JSON *params = one_file(path, "x", "0600");
    STRV(differences);
    assert_int_equal(files_param_check(params, &differences, &err), 0);
    assert_int_equal(differences.count, 1);
}

static void refuses_bad_input(void **state)
{
    (void) state;
    static const char *const bad[][2] = {
        {"relative", "0644"}, {"/a/../b", "0644"}, {"/a\nb", "0644"}, {"/a", "4755"},
        {"/a", "0o644"},      {"/a", "9"},         {"/a", ""},        {"/a", "00644"},
    };
    STRV(differences);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct error err = ERROR_INIT;
        AUTO_JSON *params = one_file(bad[i][0], "", bad[i][1]);
        assert_int_equal(files_param_check(params, &differences, &err), -EINVAL);
        assert_true(err.text[0] != '\0');
    }
    struct error err = ERROR_INIT;
    AUTO_JSON *no_content = json_pack("{s:[{s:s}]}", "files", "path", "/a");
    assert_true(files_param_check(no_content, &differences, &err) < 0);
    AUTO_JSON *no_array = json_pack("{s:s}", "files", "all");
    assert_true(files_param_check(no_array, &differences, &err) < 0);
    assert_int_equal(differences.count, 0);
}

static void no_files_is_fine(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    AUTO_JSON *params = json_object();
    STRV(differences);
    assert_int_equal(files_param_check(params, &differences, &err), 1);
}

static void the_digest_sees_every_part(void **state)
{
    (void) state;
    char base[DIGEST_SIZE], other[DIGEST_SIZE];
    AUTO_JSON *a = one_file("/a", "x", "0644");
    AUTO_JSON *again = one_file("/a", "x", "0644");
    AUTO_JSON *mode = one_file("/a", "x", "0600");
    AUTO_JSON *content = one_file("/a", "y", "0644");
    files_param_digest(a, base);
    files_param_digest(again, other);
    assert_string_equal(base, other);
    files_param_digest(mode, other);
    assert_string_not_equal(base, other);
    files_param_digest(content, other);
    assert_string_not_equal(base, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(writes_once_and_then_agrees),
        cmocka_folder_test(a_changed_mode_is_a_difference),
        cmocka_unit_test(refuses_bad_input),
        cmocka_unit_test(no_files_is_fine),
        cmocka_unit_test(the_digest_sees_every_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
