#include "coordinator/network-pairs.h"
#include "tests/unit/unit.h"

#define NODES_MAX 1024

/* tried[from][to] */
static bool tried[NODES_MAX][NODES_MAX];

/* Walks all slices; the number of pairs. */
static size_t walk(size_t nodes, size_t planes)
{
    size_t count = 0, first = planes;
    memset(tried, 0, sizeof(tried));
    for (;;) {
        struct network_slice s = network_slice(nodes, planes, first);
        AUTO_JSON *pairs = network_pairs(&s);
        assert_true(network_slice_size(&s) <= NETWORK_SLICE_MAX);
        size_t i;
        json_t *pair;
        json_array_foreach(pairs, i, pair) {
            size_t from = (size_t) json_integer_value(json_array_get(pair, 0));
            size_t to = (size_t) json_integer_value(json_array_get(pair, 1));
            assert_true(from != to && from < network_slice_size(&s) && to < network_slice_size(&s));
            tried[network_slice_node(&s, from)][network_slice_node(&s, to)] = true;
            count++;
        }
        if (s.next == 0)
            return count;
        assert_true(s.next > first);
        first = s.next;
    }
}

static void few_nodes_are_tried_each_with_each(void **state)
{
    (void) state;
    assert_int_equal(walk(1, 1), 0);
    assert_int_equal(walk(2, 1), 2);
    assert_int_equal(walk(NETWORK_ALL_MAX, 3), NETWORK_ALL_MAX * (NETWORK_ALL_MAX - 1));
    for (size_t a = 0; a < NETWORK_ALL_MAX; a++)
        for (size_t b = 0; b < NETWORK_ALL_MAX; b++)
            assert_true(tried[a][b] == (a != b));
}

/* Each to the next ones, and to and from the control planes; each pair once. */
static void many_nodes_are_a_ring(void **state)
{
    (void) state;
    const size_t nodes = 100, planes = 3;
    size_t expected = 0;
    assert_int_equal(walk(nodes, planes), walk(nodes, planes));
    for (size_t a = 0; a < nodes; a++) {
        for (size_t b = 0; b < nodes; b++) {
            size_t ahead = (b + nodes - a) % nodes;
            bool should = a != b && (ahead <= NETWORK_RING || a < planes || b < planes);
            assert_true(tried[a][b] == should);
            expected += should;
        }
    }
    assert_int_equal(walk(nodes, planes), expected);
}

static void slices_hang_together(void **state)
{
    (void) state;
    const size_t sizes[] = {NETWORK_SLICE_MAX, NETWORK_SLICE_MAX + 1, 500, 1000};
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        size_t n = sizes[i];
        size_t pairs = walk(n, 3);
        for (size_t a = 3; a < n; a++) {
            for (size_t plane = 0; plane < 3; plane++)
                assert_true(tried[a][plane] && tried[plane][a]);
            if (a + 1 < n)
                assert_true(tried[a][a + 1]);
        }
        assert_true(pairs < n * (NETWORK_RING + 8));
    }
}

/* The parameters of a slice fit into a message, with names as long as they may be. */
static void a_slice_fits_into_a_message(void **state)
{
    (void) state;
    struct network_slice s = network_slice(5000, 60, 60);
    AUTO_JSON *pairs = network_pairs(&s);
    AUTO_JSON *few = NULL;
    struct network_slice usual = network_slice(5000, 5, 5);
    few = network_pairs(&usual);
    assert_true(json_dumpb(few, NULL, 0, JSON_COMPACT) + NETWORK_SLICE_MAX * (253 + 3) < 60000);
    assert_true(network_slice_size(&s) == NETWORK_SLICE_MAX && json_array_size(pairs) > 0);
}

static void more_control_planes_than_fit_are_cut(void **state)
{
    (void) state;
    struct network_slice s = network_slice(600, 200, 200);
    assert_int_equal(s.planes, NETWORK_SLICE_MAX / 2);
    assert_int_equal(network_slice_node(&s, s.planes), 200);
    assert_true(s.next > 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_nodes_are_tried_each_with_each),
        cmocka_unit_test(many_nodes_are_a_ring),
        cmocka_unit_test(slices_hang_together),
        cmocka_unit_test(a_slice_fits_into_a_message),
        cmocka_unit_test(more_control_planes_than_fit_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
