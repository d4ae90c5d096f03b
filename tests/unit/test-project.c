#include "coordinator/project.h"

#include "tests/unit/hosts-fixture.h"

static const char hosts[] =
    "hosts: [10.0.0.11]\n"
    "projects:\n"
    "  - {name: risk, owners: [ada], scientists: [joe, eve], reach: [fraud, bigdata/minio:9000, "
    "monitoring], quota: {cpu: 8, memory: 64Mi, storage: 1Gi, pods: 5}}\n"
    "  - {name: fraud, owners: [joe]}\n";

struct fixture {
    struct inventory inv;
    json_t *risk, *fraud;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    if (try_hosts(hosts, &f->inv, NULL) < 0)
        return -1;
    f->risk = project_objects(&f->inv, &f->inv.projects[0]);
    f->fraud = project_objects(&f->inv, &f->inv.projects[1]);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    json_decref(f->risk);
    json_decref(f->fraud);
    inventory_release(&f->inv);
    free(f);
    return 0;
}

static const json_t *find(const json_t *list, const char *kind, const char *name)
{
    size_t i;
    json_t *o;
    json_array_foreach(json_object_get(list, "items"), i, o)
        if (strcmp(json_get_string(o, "kind", ""), kind) == 0 &&
            strcmp(json_get_string(json_object_get(o, "metadata"), "name", ""), name) == 0)
            return o;
    fail_msg("no %s %s", kind, name);
    return NULL;
}

static void assert_json(const json_t *value, const char *text)
{
    AUTO_JSON *wanted = json_parse(text, strlen(text), "the test", NULL);
    assert_non_null(wanted);
    if (json_equal(value, wanted))
        return;
    AUTO_FREE char *is = json_canonical(value);
    fail_msg("%s, not %s", is, text);
}

static void assert_spec(const json_t *list, const char *kind, const char *name, const char *text)
{
    assert_json(json_object_get(find(list, kind, name), "spec"), text);
}

static void test_namespace(void **state)
{
    struct fixture *f = *state;
    assert_ptr_equal(json_array_get(json_object_get(f->risk, "items"), 0),
                     find(f->risk, "Namespace", "risk"));
    assert_json(find(f->risk, "Namespace", "risk"),
                "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"risk\","
                "\"labels\":{\"app.kubernetes.io/managed-by\":\"bigtop-bootstrap\","
                "\"bigtop.apache.org/project\":\"risk\","
                "\"pod-security.kubernetes.io/enforce\":\"baseline\"}}}");
}

static void test_limits(void **state)
{
    struct fixture *f = *state;
    assert_spec(f->risk, "ResourceQuota", "project",
                "{\"hard\":{\"services.nodeports\":\"0\",\"services.loadbalancers\":\"0\","
                "\"requests.cpu\":\"8\",\"requests.memory\":\"64Mi\",\"limits.memory\":\"64Mi\","
                "\"requests.storage\":\"1Gi\",\"pods\":\"5\"}}");
    assert_spec(f->fraud, "ResourceQuota", "project",
                "{\"hard\":{\"services.nodeports\":\"0\",\"services.loadbalancers\":\"0\"}}");
    /* One container that says nothing fits into a small quota. */
    assert_spec(f->risk, "LimitRange", "project",
                "{\"limits\":[{\"type\":\"Container\",\"defaultRequest\":{\"cpu\":\"100m\","
                "\"memory\":\"64Mi\"},\"default\":{\"memory\":\"64Mi\"}}]}");
    assert_spec(f->fraud, "LimitRange", "project",
                "{\"limits\":[{\"type\":\"Container\",\"defaultRequest\":{\"cpu\":\"100m\","
                "\"memory\":\"128Mi\"},\"default\":{\"memory\":\"512Mi\"}}]}");
    assert_spec(f->fraud, "ResourceQuota", "project-priority",
                "{\"hard\":{\"pods\":\"0\"},\"scopeSelector\":{\"matchExpressions\":[{"
                "\"scopeName\":\"PriorityClass\",\"operator\":\"In\",\"values\":["
                "\"system-cluster-critical\",\"system-node-critical\"]}]}}");
}

static void test_policies(void **state)
{
    struct fixture *f = *state;
    assert_spec(f->risk, "NetworkPolicy", "project-deny",
                "{\"podSelector\":{},\"policyTypes\":[\"Ingress\",\"Egress\"]}");
    assert_spec(f->risk, "NetworkPolicy", "project-inside",
                "{\"podSelector\":{},\"policyTypes\":[\"Ingress\",\"Egress\"],"
                "\"ingress\":[{\"from\":[{\"podSelector\":{}}]}],"
                "\"egress\":[{\"to\":[{\"podSelector\":{}}]}]}");
    assert_spec(f->risk, "NetworkPolicy", "project-dns",
                "{\"podSelector\":{},\"policyTypes\":[\"Egress\"],\"egress\":[{\"to\":[{"
                "\"namespaceSelector\":{\"matchLabels\":{\"kubernetes.io/metadata.name\":"
                "\"kube-system\"}},\"podSelector\":{\"matchLabels\":{\"k8s-app\":\"kube-dns\"}}}],"
                "\"ports\":[{\"port\":53,\"protocol\":\"UDP\"},{\"port\":53,\"protocol\":\"TCP\"}"
                "]}]}");
    assert_spec(
        f->fraud, "NetworkPolicy", "project-stack",
        "{\"podSelector\":{},\"policyTypes\":[\"Egress\"],\"egress\":["
        "{\"to\":[{\"namespaceSelector\":{\"matchLabels\":{\"kubernetes.io/metadata.name\":"
        "\"bigdata\"}},\"podSelector\":{\"matchLabels\":{\"app.kubernetes.io/name\":\"minio\"}}}],"
        "\"ports\":[{\"port\":9000,\"protocol\":\"TCP\"}]},"
        "{\"to\":[{\"namespaceSelector\":{\"matchLabels\":{\"kubernetes.io/metadata.name\":"
        "\"bigdata\"}},\"podSelector\":{\"matchLabels\":{\"app.kubernetes.io/name\":\"kafka\"}}}],"
        "\"ports\":[{\"port\":9092,\"protocol\":\"TCP\"}]}]}");
    assert_spec(
        f->risk, "NetworkPolicy", "project-reach",
        "{\"podSelector\":{},\"policyTypes\":[\"Egress\"],\"egress\":["
        "{\"to\":[{\"namespaceSelector\":{\"matchLabels\":{\"kubernetes.io/metadata.name\":"
        "\"fraud\"}},\"podSelector\":{}}],\"ports\":[]},"
        "{\"to\":[{\"namespaceSelector\":{\"matchLabels\":{\"kubernetes.io/metadata.name\":"
        "\"bigdata\"}},\"podSelector\":{\"matchLabels\":{\"app.kubernetes.io/name\":\"minio\"}}}],"
        "\"ports\":[{\"port\":9000,\"protocol\":\"TCP\"},{\"port\":9000,\"protocol\":\"UDP\"}]},"
        "{\"to\":[{\"namespaceSelector\":{\"matchLabels\":{\"kubernetes.io/metadata.name\":"
        "\"monitoring\"}},\"podSelector\":{}}],\"ports\":[]}]}");
}

static size_t count_of(const json_t *list, const char *kind)
{
    size_t i, n = 0;
    json_t *o;
    json_array_foreach(json_object_get(list, "items"), i, o)
        n += strcmp(json_get_string(o, "kind", ""), kind) == 0;
    return n;
}

/* Where the other side is closed it is opened there, for these pods and this port alone. */
static void test_let_in(void **state)
{
    struct fixture *f = *state;
    const json_t *o = find(f->risk, "NetworkPolicy", "project.risk.minio.9000");
    assert_string_equal(json_get_string(json_object_get(o, "metadata"), "namespace", ""),
                        "bigdata");
    assert_json(json_object_get(o, "spec"),
                "{\"podSelector\":{\"matchLabels\":{\"app.kubernetes.io/name\":\"minio\"}},"
                "\"policyTypes\":[\"Ingress\"],\"ingress\":[{\"from\":[{\"namespaceSelector\":{"
                "\"matchLabels\":{\"kubernetes.io/metadata.name\":\"risk\"}}}],\"ports\":["
                "{\"port\":9000,\"protocol\":\"TCP\"},{\"port\":9000,\"protocol\":\"UDP\"}]}]}");
    o = find(f->risk, "NetworkPolicy", "project.risk");
    assert_string_equal(json_get_string(json_object_get(o, "metadata"), "namespace", ""), "fraud");
    assert_true(project_enters_stack(&f->inv.projects[0]));
    assert_false(project_enters_stack(&f->inv.projects[1]));
    /* None in monitoring, which would shut out all others there. */
    assert_int_equal(count_of(f->risk, "NetworkPolicy"), 7);
    assert_int_equal(count_of(f->fraud, "NetworkPolicy"), 4);
}

static bool may(const json_t *list, const char *role, const char *group, const char *resource,
                const char *verb)
{
    size_t i;
    json_t *rule;
    json_array_foreach(json_object_get(find(list, "Role", role), "rules"), i, rule)
        if (json_has_text(json_object_get(rule, "apiGroups"), group) &&
            json_has_text(json_object_get(rule, "resources"), resource) &&
            json_has_text(json_object_get(rule, "verbs"), verb))
            return true;
    return false;
}

static void test_roles(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *group, *resource, *verb;
        bool owner, scientist;
    } cases[] = {
        {"", "pods", "create", true, true},
        {"batch", "jobs", "create", true, true},
        {"", "pods/log", "get", true, true},
        {"", "pods/portforward", "create", true, true},
        {"", "pods/exec", "create", true, false},
        {"", "secrets", "get", true, false},
        {"", "secrets", "list", true, false},
        {"", "serviceaccounts/token", "create", true, false},
        {"", "persistentvolumeclaims", "create", true, true},
        {"", "persistentvolumeclaims", "delete", true, false},
        {"rbac.authorization.k8s.io", "rolebindings", "create", true, false},
        {"rbac.authorization.k8s.io", "roles", "get", true, false},
        {"", "resourcequotas", "get", true, true},
        {"", "resourcequotas", "update", false, false},
        {"", "resourcequotas", "patch", false, false},
        {"", "resourcequotas", "delete", false, false},
        {"", "limitranges", "patch", false, false},
        {"networking.k8s.io", "networkpolicies", "get", true, true},
        {"networking.k8s.io", "networkpolicies", "create", false, false},
        {"networking.k8s.io", "networkpolicies", "deletecollection", false, false},
        {"", "endpoints", "create", false, false},
        {"", "namespaces", "patch", false, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        bool owner = may(f->risk, "project-owner", cases[i].group, cases[i].resource,
                         cases[i].verb);
        bool scientist = may(f->risk, "project-scientist", cases[i].group, cases[i].resource,
                             cases[i].verb);
        if (owner != cases[i].owner || scientist != cases[i].scientist)
            fail_msg("%s %s: owner %d, scientist %d", cases[i].verb, cases[i].resource, owner,
                     scientist);
    }
    size_t i;
    json_t *rule;
    json_array_foreach(json_object_get(find(f->risk, "Role", "project-owner"), "rules"), i, rule) {
        assert_false(json_has_text(json_object_get(rule, "verbs"), "*"));
        assert_false(json_has_text(json_object_get(rule, "verbs"), "escalate"));
        assert_false(json_has_text(json_object_get(rule, "verbs"), "bind"));
        assert_false(json_has_text(json_object_get(rule, "verbs"), "impersonate"));
        assert_false(json_has_text(json_object_get(rule, "resources"), "*"));
    }
}

static void test_bindings(void **state)
{
    struct fixture *f = *state;
    assert_json(json_object_get(find(f->risk, "RoleBinding", "project-scientist"), "subjects"),
                "[{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"User\",\"name\":\"joe\"},"
                "{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"User\",\"name\":\"eve\"}]");
    assert_json(json_object_get(find(f->risk, "RoleBinding", "project-owner"), "roleRef"),
                "{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"Role\",\"name\":"
                "\"project-owner\"}");
    /* Nobody: none that were there before stay. */
    assert_json(json_object_get(find(f->fraud, "RoleBinding", "project-scientist"), "subjects"),
                "[]");
    assert_int_equal(project_role_of(&f->inv.projects[0], "joe"), PROJECT_SCIENTIST);
    assert_int_equal(project_role_of(&f->inv.projects[1], "joe"), PROJECT_OWNER);
    assert_int_equal(project_role_of(&f->inv.projects[1], "ada"), PROJECT_STRANGER);
    assert_null(project_find(&f->inv, "ris"));
    assert_ptr_equal(project_find(&f->inv, "fraud"), &f->inv.projects[1]);
}

static void test_all_are_marked(void **state)
{
    struct fixture *f = *state;
    size_t i;
    json_t *o;
    json_array_foreach(json_object_get(f->risk, "items"), i, o) {
        const json_t *metadata = json_object_get(o, "metadata");
        assert_string_equal(json_get_string(json_object_get(metadata, "labels"), PROJECT_LABEL, ""),
                            "risk");
        if (i > 0)
            assert_non_null(json_get_string(metadata, "namespace", NULL));
    }
}

static void test_surplus(void **state)
{
    struct fixture *f = *state;
    assert_null(project_surplus(&f->inv.projects[0], f->risk, f->risk));
    AUTO_JSON *there = json_deep_copy(f->risk);
    json_t *o = json_array_get(json_object_get(there, "items"),
                               json_array_size(json_object_get(there, "items")) - 1);
    json_object_set_new(json_object_get(o, "metadata"), "name", json_string("old"));
    AUTO_JSON *surplus = project_surplus(&f->inv.projects[0], f->risk, there);
    assert_json(surplus, "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{\"apiVersion\":"
                         "\"rbac.authorization.k8s.io/v1\",\"kind\":\"RoleBinding\",\"metadata\":{"
                         "\"name\":\"old\",\"namespace\":\"risk\"}}]}");
    /* The same name in another namespace is another object. */
    json_object_set_new(json_object_get(o, "metadata"), "name", json_string("project-scientist"));
    json_object_set_new(json_object_get(o, "metadata"), "namespace", json_string("fraud"));
    AUTO_JSON *elsewhere = project_surplus(&f->inv.projects[0], f->risk, there);
    assert_non_null(elsewhere);
    /* Another project's is not for us to judge. */
    json_object_set_new(json_object_get(json_object_get(o, "metadata"), "labels"), PROJECT_LABEL,
                        json_string("fraud"));
    assert_null(project_surplus(&f->inv.projects[0], f->risk, there));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_namespace, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_policies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_let_in, setup, teardown),
        cmocka_unit_test_setup_teardown(test_roles, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bindings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_are_marked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_surplus, setup, teardown),
    };
    return cmocka_run_group_tests_name("project", tests, NULL, NULL);
}
