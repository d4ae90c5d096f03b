#include "images/lock.h"
#include "lib/digest.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX(c) c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
#define A "sha256:" HEX("aa")
#define B "sha256:" HEX("bb")

static char *lock_path(void **state)
{
    return path_join(*state, "r.yaml" LOCK_SUFFIX);
}

static struct lock *must_open(const char *path, bool update)
{
    struct lock *l = NULL;
    struct error err = ERROR_INIT;
    if (lock_open(path, update, &l, &err) < 0)
        fail_msg("%s", err.text);
    return l;
}

static void must_save(struct lock *l)
{
    struct error err = ERROR_INIT;
    if (lock_save(l, &err) < 0)
        fail_msg("%s", err.text);
}

static void keeps_what_was_pinned(void **state)
{
    AUTO_FREE char *path = lock_path(state);
    AUTO_LOCK *l = must_open(path, false);
    AUTO_JSON *set = json_pack("{s:s, s:s}", "g:b:1", B, "g:a:1", A);
    assert_null(lock_get(l, LOCK_OCI, "x:1"));
    assert_null(lock_get_set(l, LOCK_MAVEN, "g:a:1"));
    assert_int_equal(lock_pin(l, LOCK_URL, "https://x/", B, NULL), 0);
    assert_int_equal(lock_pin(l, LOCK_OCI, "x:1", A, NULL), 0);
    assert_int_equal(lock_pin_set(l, LOCK_MAVEN, "g:a:1", set, NULL), 0);
    must_save(l);
    AUTO_LOCK *again = must_open(path, false);
    assert_string_equal(lock_get(again, LOCK_OCI, "x:1"), A);
    assert_string_equal(lock_get(again, LOCK_URL, "https://x/"), B);
    assert_null(lock_get(again, LOCK_URL, "x:1"));
    assert_true(json_equal(lock_get_set(again, LOCK_MAVEN, "g:a:1"), set));
    STRBUF(text, 4096);
    assert_int_equal(file_read(path, &text, NULL), 0);
    assert_string_equal(text.data, "{\n"
                                   "  \"lock\": 1,\n"
                                   "  \"maven\": {\n"
                                   "    \"g:a:1\": {\n"
                                   "      \"g:a:1\": \"" A "\",\n"
                                   "      \"g:b:1\": \"" B "\"\n"
                                   "    }\n"
                                   "  },\n"
                                   "  \"oci\": {\n"
                                   "    \"x:1\": \"" A "\"\n"
                                   "  },\n"
                                   "  \"url\": {\n"
                                   "    \"https://x/\": \"" B "\"\n"
                                   "  }\n"
                                   "}\n");
}

static void refuses_another_digest(void **state)
{
    AUTO_FREE char *path = lock_path(state);
    AUTO_LOCK *l = must_open(path, false);
    struct error err = ERROR_INIT;
    assert_int_equal(lock_pin(l, LOCK_OCI, "x:1", A, NULL), 0);
    assert_int_equal(lock_pin(l, LOCK_OCI, "x:1", A, NULL), 0);
    assert_int_equal(lock_pin(l, LOCK_OCI, "x:1", B, &err), -EBADMSG);
    assert_error_has(err, "x:1 is " B);
    assert_error_has(err, "says " A);
    assert_non_null(strstr(err.remedy, "--update-lock"));
    assert_string_equal(lock_get(l, LOCK_OCI, "x:1"), A);
    assert_int_equal(lock_pin(l, LOCK_OCI, "y:1", "sha256:short", &err), -EBADMSG);
    assert_null(lock_get(l, LOCK_OCI, "y:1"));
}

static void refuses_another_set(void **state)
{
    AUTO_FREE char *path = lock_path(state);
    AUTO_LOCK *l = must_open(path, false);
    AUTO_JSON *set = json_pack("{s:s, s:s}", "a", A, "b", B);
    const struct {
        json_t *set;
        const char *text;
    } cases[] = {
        {json_pack("{s:s, s:s}", "a", A, "b", A), "b is " A},
        {json_pack("{s:s}", "a", A), "b is no longer part of it"},
        {json_pack("{s:s, s:s, s:s}", "a", A, "b", B, "c", A), "c is " A},
        {json_pack("{s:s}", "a", "sha256:1"), "not a set of sha256 digests"},
        {json_pack("{s:i}", "a", 1), "not a set of sha256 digests"},
        {json_object(), "not a set of sha256 digests"},
    };
    assert_int_equal(lock_pin_set(l, LOCK_PYPI, "r", set, NULL), 0);
    assert_int_equal(lock_pin_set(l, LOCK_PYPI, "r", set, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err = ERROR_INIT;
        assert_int_equal(lock_pin_set(l, LOCK_PYPI, "r", cases[i].set, &err), -EBADMSG);
        assert_error_has(err, cases[i].text);
        assert_error_has(err, "r: ");
        json_decref(cases[i].set);
    }
    assert_true(json_equal(lock_get_set(l, LOCK_PYPI, "r"), set));
}

static void update_starts_anew(void **state)
{
    AUTO_FREE char *path = lock_path(state);
    AUTO_LOCK *l = must_open(path, false);
    lock_pin(l, LOCK_OCI, "x:1", A, NULL);
    lock_pin(l, LOCK_OCI, "gone:1", A, NULL);
    must_save(l);
    AUTO_LOCK *update = must_open(path, true);
    assert_null(lock_get(update, LOCK_OCI, "x:1"));
    assert_int_equal(lock_pin(update, LOCK_OCI, "x:1", B, NULL), 0);
    must_save(update);
    AUTO_LOCK *again = must_open(path, false);
    assert_string_equal(lock_get(again, LOCK_OCI, "x:1"), B);
    assert_null(lock_get(again, LOCK_OCI, "gone:1"));
}

/* Nothing is written for a recipe that pins nothing, or nothing new: its folder may be read-only.
 */
static void writes_only_changes(void **state)
{
    AUTO_FREE char *path = lock_path(state);
    AUTO_LOCK *l = must_open(path, false);
    must_save(l);
    assert_int_equal(access(path, F_OK), -1);
    lock_pin(l, LOCK_OCI, "x:1", A, NULL);
    must_save(l);
    struct stat before, after;
    assert_int_equal(stat(path, &before), 0);
    AUTO_LOCK *again = must_open(path, false);
    lock_pin(again, LOCK_OCI, "x:1", A, NULL);
    must_save(again);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
}

static void refuses_bad_files(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", "end of file"},
        {"[]", "is not an object"},
        {"{}", "is not an object"},
        {"{\"lock\": 2}", "\"lock\" is not 1"},
        {"{\"lock\": \"1\"}", "\"lock\" is not 1"},
        {"{\"lock\": 1, \"npm\": {}}", "unknown key \"npm\""},
        {"{\"lock\": 1, \"oci\": []}", "\"oci\" is not an object"},
        {"{\"lock\": 1, \"oci\": {\"x\": \"sha256:1\"}}",
         "\"x\" of \"oci\" is not a sha256 digest"},
        {"{\"lock\": 1, \"oci\": {\"x\": {\"y\": \"" A "\"}}}", "\"x\" of \"oci\""},
        {"{\"lock\": 1, \"oci\": {\"x\": \"" A "\", \"x\": \"" B "\"}}", "duplicate"},
        {"{\"lock\": 1, \"maven\": {\"x\": \"" A "\"}}", "\"x\" of \"maven\" is not a set"},
        {"{\"lock\": 1, \"maven\": {\"x\": {}}}", "\"x\" of \"maven\" is not a set"},
        {"{\"lock\": 1, \"maven\": {\"x\": {\"\": \"" A "\"}}}", "\"x\" of \"maven\""},
    };
    AUTO_FREE char *path = lock_path(state);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err = ERROR_INIT;
        struct lock *l = NULL;
        file_write_atomic(path, cases[i].text, strlen(cases[i].text), 0644, NULL);
        assert_int_equal(lock_open(path, i % 2, &l, &err), -EINVAL);
        assert_null(l);
        assert_error_has(err, cases[i].expected);
        assert_error_has(err, "r.yaml.lock");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(keeps_what_was_pinned), cmocka_folder_test(refuses_another_digest),
        cmocka_folder_test(refuses_another_set),   cmocka_folder_test(update_starts_anew),
        cmocka_folder_test(writes_only_changes),   cmocka_folder_test(refuses_bad_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
