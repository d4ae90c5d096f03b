#include "images/chunk-set.h"
#include "tests/unit/chunk-count.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define SIZE 1000

static void assert_json(json_t *found, const char *expected)
{
    AUTO_FREE char *text = json_canonical(found);
    json_decref(found);
    assert_string_equal(text, expected);
}

static int parse(struct chunk_set *s, const char *text, uint64_t *added)
{
    struct error err = ERROR_INIT;
    AUTO_JSON *ranges = json_parse(text, strlen(text), "test", &err);
    assert_non_null(ranges);
    return chunk_set_parse(s, ranges, added, &err);
}

static void test_members(void **state)
{
    (void) state;
    CLEANUP(chunk_set_release) struct chunk_set s;
    chunk_set_init(&s, SIZE);
    assert_true(chunk_set_empty(&s));
    static const uint32_t numbers[] = {0, 63, 64, 65, 128, SIZE - 1};
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        chunk_set_add(&s, numbers[i]);
    assert_int_equal(chunk_set_count(&s), ARRAY_SIZE(numbers));
    assert_true(chunk_set_has(&s, 64));
    assert_false(chunk_set_has(&s, 66));
    chunk_set_remove(&s, 64);
    assert_false(chunk_set_has(&s, 64));
    assert_true(chunk_set_has(&s, 65));
    assert_false(chunk_set_empty(&s));
}

static void test_first(void **state)
{
    (void) state;
    CLEANUP(chunk_set_release) struct chunk_set a, b, without;
    chunk_set_init(&a, SIZE);
    chunk_set_init(&b, SIZE);
    chunk_set_init(&without, SIZE);
    assert_int_equal(parse(&a, "[[10,500]]", NULL), 0);
    assert_int_equal(parse(&b, "[[0,3],[90,1],[200,300]]", NULL), 0);
    assert_int_equal(chunk_set_first(&a, &b, NULL, (struct chunk_range){0, SIZE}), 90);
    assert_int_equal(chunk_set_first(&a, &b, NULL, (struct chunk_range){91, 100}), 191);
    assert_int_equal(chunk_set_first(&a, &b, NULL, (struct chunk_range){91, 110}), 200);
    assert_int_equal(chunk_set_first(&a, &b, NULL, (struct chunk_range){0, 90}), 90);
    assert_int_equal(parse(&without, "[[90,1],[200,11]]", NULL), 0);
    assert_int_equal(chunk_set_first(&a, &b, &without, (struct chunk_range){0, SIZE}), 211);
    assert_int_equal(chunk_set_first(&a, &b, NULL, (struct chunk_range){510, 490}), SIZE);
    assert_int_equal(chunk_set_first(&a, &b, NULL, (struct chunk_range){7, 0}), 7);
}

static void test_there_and_back(void **state)
{
    (void) state;
    uint64_t added = 0;
    CLEANUP(chunk_set_release) struct chunk_set s;
    chunk_set_init(&s, SIZE);
    assert_int_equal(parse(&s, "[[998,2],[5,1],[6,60],[200,1]]", &added), 0);
    assert_int_equal(added, 64);
    assert_json(chunk_set_take(&s, 2), "[[5,61],[200,1]]");
    assert_int_equal(chunk_set_count(&s), 2);
    assert_json(chunk_set_take(&s, 2), "[[998,2]]");
    assert_json(chunk_set_take(&s, 2), "[]");
    assert_true(chunk_set_empty(&s));
}

static void test_union_and_difference(void **state)
{
    (void) state;
    CLEANUP(chunk_set_release) struct chunk_set a, b;
    chunk_set_init(&a, SIZE);
    chunk_set_init(&b, SIZE);
    assert_int_equal(parse(&a, "[[0,2]]", NULL), 0);
    assert_int_equal(parse(&b, "[[1,2],[999,1]]", NULL), 0);
    chunk_set_add_all(&a, &b);
    chunk_set_remove(&b, 2);
    assert_int_equal(chunk_set_count(&a), 4);
    chunk_set_remove_all(&a, &b);
    assert_json(chunk_set_take(&a, 9), "[[0,1],[2,1]]");
}

static void test_malformed(void **state)
{
    (void) state;
    static const char *const bad[] = {"{}",
                                      "[1]",
                                      "[[1]]",
                                      "[[1,2,3]]",
                                      "[[-1,1]]",
                                      "[[0,0]]",
                                      "[[0,1001]]",
                                      "[[999,2]]",
                                      "[[1000,1]]",
                                      "[[\"1\",1]]",
                                      "[[1.5,1]]",
                                      "[[0,-1]]",
                                      "[[5,9223372036854775807]]",
                                      "[[9223372036854775807,1]]",
                                      "[[0,1],[2]]",
                                      "[{}]",
                                      "[[0,4294967296]]"};
    CLEANUP(chunk_set_release) struct chunk_set s;
    chunk_set_init(&s, SIZE);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(parse(&s, bad[i], NULL), -EPROTO);
    assert_true(chunk_set_empty(&s));
}

static void test_nothing_to_number(void **state)
{
    (void) state;
    CLEANUP(chunk_set_release) struct chunk_set s;
    chunk_set_init(&s, 0);
    assert_true(chunk_set_empty(&s));
    assert_json(chunk_set_take(&s, 1), "[]");
    assert_int_equal(parse(&s, "[[0,1]]", NULL), -EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),        cmocka_unit_test(test_first),
        cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_union_and_difference),
        cmocka_unit_test(test_malformed),      cmocka_unit_test(test_nothing_to_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
