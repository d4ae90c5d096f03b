#include "images/parts.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <unistd.h>

#define MIT "Permission is hereby granted, free of charge, to any person obtaining a copy"
#define ISC "Permission to use, copy, modify, and/or distribute this software for any"

static void put(const char *dir, const char *path, const char *text)
{
    AUTO_FREE char *full = path_join(dir, path);
    AUTO_FREE char *parent = path_dirname(full);
    assert_int_equal(path_mkdir_p(parent, 0755, NULL), 0);
    assert_int_equal(file_write_atomic(full, text, strlen(text), 0600, NULL), 0);
}

static bool has(const char *dir, const char *path)
{
    AUTO_FREE char *full = path_join(dir, path);
    return access(full, F_OK) == 0;
}

static void takes_texts(void **state)
{
    AUTO_FREE char *from = path_join(*state, "from");
    AUTO_FREE char *dir = path_join(*state, "texts");
    struct parts p = {.list = NULL, .dir = dir};
    STRV(ids);
    struct error err = ERROR_INIT;
    put(from, "LICENSE", MIT);
    put(from, "NOTICE", "Apache License Version 2.0");
    put(from, "license.go", "package x");
    put(from, "sub/LICENSE", ISC);
    put(from, "licenses/other.txt", ISC);
    put(from, "licenses/tool.py", ISC);
    AUTO_FREE char *link = path_join(from, "COPYING");
    assert_int_equal(symlink("/etc/passwd", link), 0);
    if (parts_take_texts(&p, from, "go/x@v1", 0, &ids, &err) < 0)
        fail_msg("%s", err.text);
    assert_true(has(dir, "go/x@v1/LICENSE"));
    assert_true(has(dir, "go/x@v1/NOTICE"));
    assert_true(has(dir, "go/x@v1/sub/LICENSE"));
    assert_true(has(dir, "go/x@v1/licenses/other.txt"));
    assert_false(has(dir, "go/x@v1/licenses/tool.py"));
    assert_false(has(dir, "go/x@v1/license.go"));
    assert_false(has(dir, "go/x@v1/COPYING"));
    assert_int_equal(ids.count, 1);
    assert_string_equal(ids.items[0], "MIT");
}

/* The uppermost terms are the part's own, as far down as it was said to look. */
static void judges_by_the_uppermost(void **state)
{
    AUTO_FREE char *from = path_join(*state, "from");
    AUTO_FREE char *dir = path_join(*state, "texts");
    struct parts p = {.list = NULL, .dir = dir};
    put(from, "a/LICENSE", MIT);
    put(from, "a/b/LICENSE", ISC);
    for (size_t depth = 0; depth < 3; depth++) {
        STRV(ids);
        assert_int_equal(parts_take_texts(&p, from, "x", depth, &ids, NULL), 0);
        assert_int_equal(ids.count, depth > 0);
        if (ids.count)
            assert_string_equal(ids.items[0], "MIT");
    }
}

static void refuses_ways_out(void **state)
{
    struct parts p = {.list = NULL, .dir = *state};
    static const char *const names[] = {"../x", "a/../../x", "a\nb", ""};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        assert_true(parts_take_text(&p, "t", names[i], "x", 1, NULL) < 0);
    assert_true(parts_take_text(&p, "../t", "x", "x", 1, NULL) < 0);
    assert_int_equal(parts_take_text(&p, "t", "a/x", "x", 1, NULL), 0);
}

static void lists_parts(void **state)
{
    (void) state;
    AUTO_JSON *list = json_array();
    struct parts p = {.list = list, .dir = "."};
    parts_add(&p, &(struct part){.name = "n", .version = "1", .licence = "MIT"});
    AUTO_JSON *expected = json_pack("[{s:s, s:s, s:s}]", "name", "n", "version", "1", "licence",
                                    "MIT");
    assert_true(json_equal(list, expected));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(takes_texts),
        cmocka_folder_test(judges_by_the_uppermost),
        cmocka_folder_test(refuses_ways_out),
        cmocka_unit_test(lists_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
