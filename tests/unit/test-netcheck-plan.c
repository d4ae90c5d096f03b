#include "agent/netcheck.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define DIGEST "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TEXTS \
    "\"image\":\"a.org/netcheck:1\",\"domain\":\"cluster.local\",\"network\":\"" DIGEST "\""

static void refuses_malformed_parameters(void **state)
{
    (void) state;
    static const char *const bad[][2] = {
        {"{}", "image"},
        {"{" TEXTS "}", "nodes"},
        {"{" TEXTS ",\"nodes\":[],\"pairs\":[]}", "from 1 to"},
        {"{" TEXTS ",\"nodes\":[1],\"pairs\":[]}", "name is malformed"},
        {"{" TEXTS ",\"nodes\":[\"-n\"],\"pairs\":[]}", "name is malformed"},
        {"{" TEXTS ",\"nodes\":[\"a\",\"b\"]}", "pairs"},
        {"{" TEXTS ",\"nodes\":[\"a\",\"b\"],\"pairs\":[[0,2]]}", "pair is malformed"},
        {"{" TEXTS ",\"nodes\":[\"a\",\"b\"],\"pairs\":[[0,-1]]}", "pair is malformed"},
        {"{" TEXTS ",\"nodes\":[\"a\",\"b\"],\"pairs\":[[1,1]]}", "pair is malformed"},
        {"{" TEXTS ",\"nodes\":[\"a\",\"b\"],\"pairs\":[[0]]}", "pair is malformed"},
        {"{" TEXTS ",\"nodes\":[\"a\",\"b\"],\"pairs\":[[\"a\",\"b\"]]}", "pair is malformed"},
        {"{" TEXTS ",\"nodes\":[\"a\"],\"namespaces\":[\"-n\"]}", "namespace is malformed"},
        {"{\"image\":\"x y\",\"domain\":\"a\",\"network\":\"" DIGEST "\"}", "is malformed"},
        {"{\"image\":\"a.org/b:1\",\"domain\":\"a b\",\"network\":\"" DIGEST "\"}", "is malformed"},
        {"{\"image\":\"a.org/b:1\",\"domain\":\"a\",\"network\":\"x\"}", "is malformed"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        AUTO_JSON *params = parse_json(bad[i][0]);
        AUTO_NETCHECK_PLAN p = {0};
        struct error err = ERROR_INIT;
        assert_true(netcheck_plan_read(params, &p, &err) < 0);
        assert_error_has(err, bad[i][1]);
    }
}

/* More pairs from one node than its pod can be asked for. */
static void refuses_too_many_pairs_of_a_node(void **state)
{
    (void) state;
    AUTO_JSON *params = parse_json("{" TEXTS ",\"nodes\":[\"a\",\"b\"],\"pairs\":[]}");
    for (int i = 0; i <= NETCHECK_TARGETS_MAX; i++)
        json_array_append_new(json_object_get(params, "pairs"), json_pack("[i,i]", 0, 1));
    AUTO_NETCHECK_PLAN p = {0};
    struct error err = ERROR_INIT;
    assert_int_equal(netcheck_plan_read(params, &p, &err), -EINVAL);
}

static void pairs_are_grouped_by_origin(void **state)
{
    (void) state;
    AUTO_JSON *params = parse_json("{" TEXTS ",\"nodes\":[\"a\",\"b\",\"c\"],"
                                   "\"pairs\":[[2,0],[0,2],[1,0],[0,1]]}");
    AUTO_NETCHECK_PLAN p = {0};
    assert_int_equal(netcheck_plan_read(params, &p, NULL), 0);
    assert_int_equal(netcheck_run_length(&p, 0), 2);
    assert_int_equal(p.pairs[0].to, 1);
    assert_int_equal(netcheck_run_length(&p, 2), 1);
    assert_int_equal(netcheck_run_length(&p, 4), 0);
    AUTO_NETCHECK_PLAN ring = {0};
    netcheck_plan_ring(&p, &ring);
    assert_int_equal(ring.pair_count, 3);
    assert_int_equal(ring.pairs[2].to, 0);
}

static void a_single_node_has_two_pods(void **state)
{
    (void) state;
    AUTO_JSON *params = parse_json("{" TEXTS ",\"nodes\":[\"a\"],\"pairs\":[]}");
    AUTO_NETCHECK_PLAN p = {0};
    assert_int_equal(netcheck_plan_read(params, &p, NULL), 0);
    assert_int_equal(p.count, 2);
    assert_int_equal(p.pair_count, 2);
    assert_string_equal(p.nodes[1], "a");
}

static const json_t *item(const json_t *list, const char *kind, size_t which)
{
    size_t i;
    json_t *found;
    json_array_foreach(json_object_get(list, "items"), i, found) {
        if (strcmp(json_get_string(found, "kind", ""), kind) == 0 && which-- == 0)
            return found;
    }
    return NULL;
}

static const json_t *at(const json_t *j, const char *path)
{
    STRV(keys);
    strv_split(&keys, path, '/');
    for (size_t i = 0; i < keys.count; i++)
        j = json_is_array(j) ? json_array_get(j, strtoul(keys.items[i], NULL, 10))
                             : json_object_get(j, keys.items[i]);
    return j;
}

static void assert_text(const json_t *j, const char *path, const char *text)
{
    assert_non_null(json_string_value(at(j, path)));
    assert_string_equal(json_string_value(at(j, path)), text);
}

/* What the "restricted" standard asks for, and that no taint or registry matters. */
static void pods_are_restricted_and_bound(void **state)
{
    (void) state;
    AUTO_JSON *params = parse_json("{" TEXTS ",\"nodes\":[\"a\",\"b\"],\"pairs\":[[0,1]]}");
    AUTO_NETCHECK_PLAN p = {0};
    assert_int_equal(netcheck_plan_read(params, &p, NULL), 0);
    AUTO_JSON *list = netcheck_manifest(&p);
    assert_text(item(list, "Namespace", 0), "metadata/name", NETCHECK_NAMESPACE);
    assert_text(item(list, "Service", 0), "spec/selector/pod", "p0");
    const json_t *pod = item(list, "Pod", 1);
    assert_text(pod, "metadata/namespace", NETCHECK_NAMESPACE);
    assert_text(pod, "metadata/labels/pod", "p1");
    assert_text(pod, "spec/nodeName", "b");
    assert_text(pod, "spec/tolerations/0/operator", "Exists");
    assert_null(at(pod, "spec/tolerations/0/key"));
    assert_true(json_is_true(at(pod, "spec/securityContext/runAsNonRoot")));
    assert_text(pod, "spec/securityContext/seccompProfile/type", "RuntimeDefault");
    assert_true(json_is_false(at(pod, "spec/automountServiceAccountToken")));
    assert_text(pod, "spec/containers/0/imagePullPolicy", "Never");
    assert_true(json_is_false(at(pod, "spec/containers/0/securityContext/"
                                      "allowPrivilegeEscalation")));
    assert_text(pod, "spec/containers/0/securityContext/capabilities/drop/0", "ALL");
    assert_null(item(list, "Pod", 2));
}

static void the_policy_denies_all_ingress(void **state)
{
    (void) state;
    AUTO_JSON *policy = netcheck_policy_manifest();
    assert_text(policy, "metadata/namespace", NETCHECK_NAMESPACE);
    assert_int_equal(json_object_size(at(policy, "spec/podSelector")), 0);
    assert_text(policy, "spec/policyTypes/0", "Ingress");
    assert_null(at(policy, "spec/ingress"));
}

static json_t *nodes(const char *a, const char *b)
{
    return json_pack("{s:[{s:{s:s,s:s}},{s:{s:s,s:s}}]}", "items", "metadata", "name", "a", "uid",
                     a, "metadata", "name", "b", "uid", b);
}

/* Fewer nodes are covered; another network, or a node made anew, is not. */
static void remembers_nodes_and_network(void **state)
{
    (void) state;
    AUTO_JSON *params = parse_json("{" TEXTS ",\"nodes\":[\"a\",\"b\"],\"pairs\":[]}");
    AUTO_JSON *fewer = parse_json("{" TEXTS ",\"nodes\":[\"b\"],\"pairs\":[]}");
    AUTO_NETCHECK_PLAN p = {0};
    AUTO_NETCHECK_PLAN small = {0};
    assert_int_equal(netcheck_plan_read(params, &p, NULL), 0);
    assert_int_equal(netcheck_plan_read(fewer, &small, NULL), 0);
    AUTO_JSON *now = nodes("1", "2");
    AUTO_JSON *later = nodes("1", "3");
    AUTO_JSON *both = NULL, *one = NULL, *anew = NULL;
    assert_int_equal(netcheck_record(&p, now, &both, NULL), 0);
    assert_int_equal(netcheck_record(&small, now, &one, NULL), 0);
    assert_int_equal(netcheck_record(&p, later, &anew, NULL), 0);
    assert_true(netcheck_is_covered(both, both));
    assert_true(netcheck_is_covered(both, one));
    assert_false(netcheck_is_covered(one, both));
    assert_false(netcheck_is_covered(both, anew));
    AUTO_JSON *other = json_deep_copy(both);
    json_object_set_new(other, "network", json_string("sha256:b"));
    assert_false(netcheck_is_covered(both, other));
    p.nodes[0] = "gone";
    AUTO_JSON *none = NULL;
    assert_int_equal(netcheck_record(&p, now, &none, NULL), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_malformed_parameters),
        cmocka_unit_test(refuses_too_many_pairs_of_a_node),
        cmocka_unit_test(pairs_are_grouped_by_origin),
        cmocka_unit_test(a_single_node_has_two_pods),
        cmocka_unit_test(pods_are_restricted_and_bound),
        cmocka_unit_test(the_policy_denies_all_ingress),
        cmocka_unit_test(remembers_nodes_and_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
