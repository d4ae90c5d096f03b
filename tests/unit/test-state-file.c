#include "lib/fd.h"
#include "lib/state-file.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/stat.h>

static char *write_state(void **state)
{
    char *path = path_join(*state, "state.json");
    AUTO_JSON *json = json_pack("{s:s, s:i, s:[s, s]}", "product", "bigtop", "serial", 7, "keys",
                                "a", "b");
    assert_int_equal(state_file_write(path, json, NULL), 1);
    assert_int_equal(state_file_write(path, json, NULL), 0);
    return path;
}

static void gives_back_what_was_written(void **state)
{
    AUTO_FREE char *path = write_state(state);
    AUTO_JSON *json = NULL;
    struct stat st;
    assert_int_equal(state_file_read(path, &json, NULL), 1);
    AUTO_FREE char *text = json_canonical(json);
    assert_string_equal(text, "{\"keys\":[\"a\",\"b\"],\"product\":\"bigtop\",\"serial\":7}");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void nothing_is_not_damage(void **state)
{
    AUTO_FREE char *path = path_join(*state, "state.json");
    json_t *json = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(state_file_read(path, &json, &err), 0);
    assert_null(json);
    assert_int_equal(err.code, 0);
}

static int read_altered(const char *path, const char *data, size_t len)
{
    AUTO_JSON *json = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(file_write_atomic(path, data, len, 0600, NULL), 0);
    int r = state_file_read(path, &json, &err);
    if (r < 0)
        assert_error_has(err, path);
    return r;
}

static void every_flipped_bit_is_noticed(void **state)
{
    AUTO_FREE char *path = write_state(state);
    STRBUF(text, STATE_FILE_MAX);
    assert_int_equal(file_read(path, &text, NULL), 0);
    for (size_t i = 0; i < text.len; i++) {
        char bit = (char) (1 << (i % 8));
        text.data[i] ^= bit;
        assert_int_equal(read_altered(path, text.data, text.len), -EBADMSG);
        text.data[i] ^= bit;
    }
    assert_int_equal(read_altered(path, text.data, text.len), 1);
}

static void every_other_length_is_noticed(void **state)
{
    AUTO_FREE char *path = write_state(state);
    STRBUF(text, STATE_FILE_MAX);
    assert_int_equal(file_read(path, &text, NULL), 0);
    for (size_t len = 0; len < text.len; len++)
        assert_int_equal(read_altered(path, text.data, len), -EBADMSG);
    strbuf_addc(&text, '\n');
    assert_int_equal(read_altered(path, text.data, text.len), -EBADMSG);
    while (!strbuf_full(&text))
        strbuf_addc(&text, ' ');
    text.data[text.len - 1] = '\n';
    assert_int_equal(read_altered(path, text.data, text.len), -EBADMSG);
}

/* The same object, told otherwise. */
static void another_form_is_noticed(void **state)
{
    AUTO_FREE char *path = write_state(state);
    AUTO_JSON *json = json_parse_file(path, STATE_FILE_MAX, NULL);
    AUTO_FREE char *pretty = json_pretty(json);
    assert_int_equal(read_altered(path, pretty, strlen(pretty)), -EBADMSG);
    assert_int_equal(read_altered(path, "[]\n", 3), -EBADMSG);
    assert_int_equal(read_altered(path, "{}\n", 3), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(gives_back_what_was_written),
        cmocka_folder_test(nothing_is_not_damage),
        cmocka_folder_test(every_flipped_bit_is_noticed),
        cmocka_folder_test(every_other_length_is_noticed),
        cmocka_folder_test(another_form_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
