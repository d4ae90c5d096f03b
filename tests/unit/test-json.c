#include "lib/fd.h"
#include "lib/json.h"
#include "tests/unit/unit.h"

#include <errno.h>

static json_t *parse(const char *text, struct error *err)
{
    return json_parse(text, strlen(text), "test", err);
}

static void refuses_what_is_not_json(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "",     "{",        "{\"a\":1,}",    "[1 2]", "{\"a\":1,\"a\":2}",
        "{} x", "\"\xff\"", "[\"\\u0000\"]", "nul",   "{'a':1}",
        "[01]"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct error err = ERROR_INIT;
        AUTO_JSON *j = parse(bad[i], &err);
        if (j)
            fail_msg("%s was accepted", bad[i]);
        assert_int_equal(err.code, -EINVAL);
        assert_memory_equal(err.text, "test:", 5);
    }
}

static void refuses_deep_nesting(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    STRBUF(text, 1 << 20);
    for (int i = 0; i < 200000; i++)
        strbuf_addc(&text, '[');
    AUTO_JSON *j = json_parse(text.data, text.len, "deep", &err);
    assert_null(j);
}

static void gets_with_fallback(void **state)
{
    (void) state;
    AUTO_JSON *j = parse("{\"s\":\"x\",\"i\":-5,\"b\":true,\"n\":null}", NULL);
    assert_string_equal(json_get_string(j, "s", "f"), "x");
    assert_string_equal(json_get_string(j, "i", "f"), "f");
    assert_string_equal(json_get_string(j, "none", "f"), "f");
    assert_null(json_get_string(NULL, "s", NULL));
    assert_int_equal(json_get_int(j, "i", 1), -5);
    assert_int_equal(json_get_int(j, "s", 1), 1);
    assert_int_equal(json_get_int(j, "n", 1), 1);
    assert_true(json_get_bool(j, "b", false));
    assert_true(json_get_bool(j, "i", true));
    assert_false(json_get_bool(j, "none", false));
}

static void needs_name_the_member_and_the_types(void **state)
{
    (void) state;
    AUTO_JSON *j = parse("{\"s\":\"x\",\"i\":5,\"a\":[],\"o\":{},\"r\":1.5}", NULL);
    struct error err = ERROR_INIT;
    const char *s = NULL;
    int64_t i = 0;
    json_t *member = NULL;
    assert_int_equal(json_need_string(j, "s", &s, &err), 0);
    assert_int_equal(json_need_int(j, "i", &i, &err), 0);
    assert_int_equal(json_need_array(j, "a", &member, &err), 0);
    assert_int_equal(json_need_object(j, "o", &member, &err), 0);
    assert_string_equal(s, "x");
    assert_int_equal(i, 5);
    assert_int_equal(json_need_string(j, "i", &s, &err), -EINVAL);
    assert_string_equal(err.text, "\"i\" must be a string, found an integer");
    assert_int_equal(json_need_int(j, "r", &i, &err), -EINVAL);
    assert_string_equal(err.text, "\"r\" must be an integer, found a number");
    assert_int_equal(json_need_array(j, "none", &member, &err), -EINVAL);
    assert_string_equal(err.text, "\"none\" must be an array, found nothing");
    assert_int_equal(json_need_object(j, "a", &member, &err), -EINVAL);
    assert_int_equal(i, 5);
}

static void arrays_of_strings(void **state)
{
    (void) state;
    STRV(words);
    AUTO_JSON *none = json_texts(&words);
    strv_add(&words, "a");
    strv_add(&words, "b c");
    AUTO_JSON *two = json_texts(&words);
    AUTO_JSON *mixed = parse("[1, null, [\"a\"], \"b\"]", NULL);
    AUTO_FREE char *text = json_canonical(two);
    assert_string_equal(text, "[\"a\",\"b c\"]");
    assert_int_equal(json_array_size(none), 0);
    assert_true(json_is_array(none));
    assert_true(json_has_text(two, "b c"));
    assert_false(json_has_text(two, "b"));
    assert_true(json_has_text(mixed, "b"));
    assert_false(json_has_text(mixed, "a"));
    assert_false(json_has_text(NULL, "a"));
}

static void adds_what_is_not_there(void **state)
{
    (void) state;
    AUTO_JSON *array = json_pack("[{s:i}]", "a", 1);
    AUTO_JSON *same = json_pack("{s:i}", "a", 1);
    AUTO_JSON *other = json_pack("{s:i}", "a", 2);
    AUTO_JSON *third = json_pack("{s:i}", "a", 3);
    json_add_distinct(array, same, 2);
    assert_int_equal(json_array_size(array), 1);
    json_add_distinct(array, other, 2);
    json_add_distinct(array, third, 2);
    assert_int_equal(json_array_size(array), 2);
    assert_int_equal(other->refcount, 2);
}

static void canonical_does_not_depend_on_order(void **state)
{
    (void) state;
    AUTO_JSON *a = parse("{ \"b\": [1, true, null],\n \"a\": \"\\u00fc/\" }", NULL);
    AUTO_JSON *b = parse("{\"a\":\"\xc3\xbc/\",\"b\":[1,true,null]}", NULL);
    AUTO_FREE char *x = json_canonical(a);
    AUTO_FREE char *y = json_canonical(b);
    assert_string_equal(x, y);
    assert_string_equal(x, "{\"a\":\"\xc3\xbc/\",\"b\":[1,true,null]}");
    AUTO_FREE char *pretty = json_pretty(a);
    assert_string_equal(pretty, "{\n  \"b\": [\n    1,\n    true,\n    null\n  ],\n"
                                "  \"a\": \"\xc3\xbc/\"\n}\n");
}

static void reads_files_up_to_a_maximum(void **state)
{
    AUTO_FREE char *path = path_join(*state, "x.json");
    struct error err = ERROR_INIT;
    assert_int_equal(file_write_atomic(path, "{\"a\":1}", 7, 0600, NULL), 0);
    AUTO_JSON *j = json_parse_file(path, 7, &err);
    assert_int_equal(json_get_int(j, "a", 0), 1);
    AUTO_JSON *small = json_parse_file(path, 6, &err);
    assert_null(small);
    assert_int_equal(err.code, -E2BIG);
    AUTO_JSON *missing = json_parse_file("/nonexistent", 6, &err);
    assert_null(missing);
    assert_int_equal(err.code, -ENOENT);
}

static void has_all_that_is_wanted(void **state)
{
    (void) state;
    AUTO_JSON *obj = parse_json("{'a': 'x', 'b': 'y'}");
    AUTO_JSON *less = parse_json("{'b': 'y'}");
    AUTO_JSON *other = parse_json("{'a': 'x', 'b': 'z'}");
    assert_true(json_has_all(obj, obj));
    assert_true(json_has_all(obj, less));
    assert_true(json_has_all(obj, NULL));
    assert_true(json_has_all(NULL, NULL));
    assert_false(json_has_all(less, obj));
    assert_false(json_has_all(obj, other));
    assert_false(json_has_all(NULL, less));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_not_json),
        cmocka_unit_test(refuses_deep_nesting),
        cmocka_unit_test(gets_with_fallback),
        cmocka_unit_test(needs_name_the_member_and_the_types),
        cmocka_unit_test(arrays_of_strings),
        cmocka_unit_test(adds_what_is_not_there),
        cmocka_unit_test(canonical_does_not_depend_on_order),
        cmocka_folder_test(reads_files_up_to_a_maximum),
        cmocka_unit_test(has_all_that_is_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
