/* Whether nodes have what rendered objects ask for. */
#include "coordinator/stack-needs.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define GI (1024LL * 1024 * 1024)
#define POD(requests) \
    "'metadata':{'labels':{'app':'x'}},'spec':{'containers':[{'resources':{'requests':" requests \
    "}}]}"
#define APART(key) \
    "'metadata':{'labels':{'app':'x'}},'spec':{'affinity':{'podAntiAffinity':{" \
    "'requiredDuringSchedulingIgnoredDuringExecution':[{'topologyKey':'" key \
    "','labelSelector':{'matchLabels':{'app':'x'}}}]}},'containers':[{'resources':{'requests':" \
    "{'memory':'1Gi','cpu':'500m'}}}]}"
#define OBJECT(kind, rest, template) \
    "{'kind':'" kind "','metadata':{'name':'x'},'spec':{'selector':{'matchLabels':{'app':'x'}}," \
    "'template':{" template "}" rest "}}"

static int64_t milli(const char *text)
{
    AUTO_JSON *value = json_string(text);
    return stack_quantity_milli(value);
}

static void quantities(void **state)
{
    (void) state;
    assert_int_equal(milli("1"), 1000);
    assert_int_equal(milli("500m"), 500);
    assert_int_equal(milli("0.5"), 500);
    assert_int_equal(milli("1.5Gi"), 3LL * GI / 2 * 1000);
    assert_int_equal(milli("1G"), 1000000000000);
    assert_int_equal(milli("100u"), 0); /* what Kubernetes does not write */
    assert_int_equal(milli("lots"), 0);
    assert_int_equal(milli("-1"), 0);
    AUTO_JSON *two = json_integer(2);
    assert_int_equal(stack_quantity_milli(two), 2000);
    assert_int_equal(stack_quantity_milli(NULL), 0);
}

static void a_component_is_its_pods_together(void **state)
{
    (void) state;
    struct stack_need need;
    AUTO_JSON *objects = parse_json("[" OBJECT(
        "StatefulSet",
        ",'replicas':3,'volumeClaimTemplates':[{'spec':{'resources':{'requests':"
        "{'storage':'2Gi'}}}}]",
        POD("{'memory':'1Gi','cpu':'500m'}")) "," OBJECT("DaemonSet", "",
                                                         POD("{'memory':'1Gi'}")) ","
                                                                                  "{'kind':'"
                                                                                  "PersistentVolume"
                                                                                  "Claim','"
                                                                                  "metadata':{'"
                                                                                  "name':'c'},'"
                                                                                  "spec':{'"
                                                                                  "resources':{'"
                                                                                  "requests':"
                                                                                  "{'storage':'1Gi'"
                                                                                  "}}}},{'kind':'"
                                                                                  "ConfigMap','"
                                                                                  "metadata':{'"
                                                                                  "name':'m'}}]");
    stack_need_of(objects, 4, &need);
    assert_int_equal(need.pods, 7);
    assert_int_equal(need.memory, 7 * GI);
    assert_int_equal(need.cpu, 1500);
    assert_int_equal(need.storage, 7 * GI);
}

static void the_largest_of_a_pod_counts(void **state)
{
    (void) state;
    struct stack_need need;
    AUTO_JSON *objects = parse_json(
        "[" OBJECT("Deployment", "",
                   "'spec':{'initContainers':[{'resources':{'requests':{'memory':'5Gi'}}},"
                   "{'restartPolicy':'Always','resources':{'requests':{'memory':'1Gi'}}}],"
                   "'containers':[{'resources':{'limits':{'memory':'2Gi'}}},{}]}") "]");
    stack_need_of(objects, 1, &need);
    assert_int_equal(need.memory, 5 * GI);
}

/* nodes of so many GiB and 4 CPUs; the classes are known and there is a default one. */
static struct stack_nodes make_nodes(const int *gib, size_t count)
{
    struct stack_nodes nodes = {.classes_known = true, .default_class = true};
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *name = xasprintf("n%zu", i + 1);
        struct stack_node *n = stack_nodes_add(&nodes, name);
        n->memory = gib[i] * GI;
        n->cpu = 4000;
    }
    return nodes;
}
#define NODES(...) make_nodes((const int[]){__VA_ARGS__}, ARRAY_SIZE(((const int[]){__VA_ARGS__})))

static int fit(const char *objects, struct stack_nodes *nodes, struct error *err)
{
    AUTO_JSON *list = parse_json(objects);
    struct stack_component component = {.name = (char *) (uintptr_t) "kafka"};
    const struct stack s = {.components = &component, .count = 1};
    const struct stack_rendered r = {.objects = list};
    return stack_fit(&s, &r, nodes, err);
}

static void fits(const char *objects, struct stack_nodes nodes)
{
    struct error err = ERROR_INIT;
    int r = fit(objects, &nodes, &err);
    stack_nodes_release(&nodes);
    if (r < 0)
        fail_msg("%s", err.text);
}

static void lacks(const char *objects, struct stack_nodes nodes, const char *says)
{
    struct error err = ERROR_INIT;
    int r = fit(objects, &nodes, &err);
    stack_nodes_release(&nodes);
    assert_int_equal(r, -ENOSPC);
    if (!strstr(err.text, says))
        fail_msg("%s\nand not: %s", err.text, says);
}

static void pods_that_are_kept_apart_want_nodes(void **state)
{
    (void) state;
    const char *three = "[" OBJECT("StatefulSet", ",'replicas':3",
                                   APART("kubernetes.io/hostname")) "]";
    fits(three, NODES(1, 1, 1));
    lacks(three, NODES(1, 9),
          "kafka wants 3 nodes with 1.0 GiB and 0.50 CPU free; this cluster "
          "gives 2");
    lacks(three, NODES(0, 9, 9), "gives 2");
}

#define RULES(more) \
    "'metadata':{'labels':{'app':'x'}},'spec':{" more \
    ",'containers':[{'resources':{'requests':{'memory':'1Gi','cpu':'500m'}}}]}"
#define NODE_AFFINITY(expressions) \
    "'affinity':{'nodeAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':" \
    "{'nodeSelectorTerms':[{'matchExpressions':[" expressions "]}]}}}"
#define SPREAD(skew) \
    "'topologySpreadConstraints':[{'topologyKey':'rack','maxSkew':" skew \
    ",'whenUnsatisfiable':'DoNotSchedule','labelSelector':{'matchLabels':{'app':'x'}}}]"

/* Nodes in racks; "" for none. */
static struct stack_nodes in_racks(const char *const *racks, size_t count)
{
    static const int gib[8] = {2, 2, 2, 2, 2, 2, 2, 2};
    struct stack_nodes nodes = make_nodes(gib, count);
    for (size_t i = 0; i < count; i++)
        nodes.items[i].labels = *racks[i] ? json_pack("{s:s}", "rack", racks[i]) : json_object();
    return nodes;
}
#define RACKS(...) \
    in_racks((const char *const[]){__VA_ARGS__}, ARRAY_SIZE(((const char *const[]){__VA_ARGS__})))

static void required_node_affinity_counts(void **state)
{
    (void) state;
    static const struct {
        const char *expression;
        bool fits; /* two nodes with two places each: rack a, and none */
    } cases[] = {
        {"{'key':'rack','operator':'In','values':['a','b']}", true},
        {"{'key':'rack','operator':'In','values':['b']}", false},
        {"{'key':'rack','operator':'NotIn','values':['a']}", true},
        {"{'key':'rack','operator':'Exists'}", true},
        {"{'key':'row','operator':'Exists'}", false},
        {"{'key':'rack','operator':'DoesNotExist'}", true},
        {"{'key':'rack','operator':'Exists'},{'key':'rack','operator':'DoesNotExist'}", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *objects =
            xasprintf("[" OBJECT("Deployment", ",'replicas':2", RULES(NODE_AFFINITY("%s"))) "]",
                      cases[i].expression);
        if (cases[i].fits)
            fits(objects, RACKS("a", ""));
        else
            lacks(objects, RACKS("a", ""), "kafka wants 2 times");
    }
    /* Only those two places are there. */
    lacks("[" OBJECT("Deployment", ",'replicas':3",
                     RULES(NODE_AFFINITY("{'key':'rack','operator':'Exists'}"))) "]",
          RACKS("a", ""), "has room for 2");
}

static void spread_over_racks_counts(void **state)
{
    (void) state;
    const char *three = "[" OBJECT("StatefulSet", ",'replicas':3", RULES(SPREAD("1"))) "]";
    const char *four = "[" OBJECT("StatefulSet", ",'replicas':4", RULES(SPREAD("1"))) "]";
    const char *loose = "[" OBJECT("StatefulSet", ",'replicas':4", RULES(SPREAD("3"))) "]";
    fits(three, RACKS("a", "a", "b"));
    fits(four, RACKS("a", "a", "b"));
    lacks("[" OBJECT("StatefulSet", ",'replicas':5", RULES(SPREAD("1"))) "]", RACKS("a", "a", ""),
          "has room for 4"); /* what is in no rack takes none */
    /* The node of rack b is full after two: then a has to wait. */
    const char *six = "[" OBJECT("StatefulSet", ",'replicas':6", RULES(SPREAD("1"))) "]";
    lacks(six, RACKS("a", "a", "b"), "has room for 5");
    fits(loose, RACKS("a", "a", "b"));
}

static void every_anti_affinity_counts(void **state)
{
    (void) state;
    const char *two =
        "[" OBJECT("StatefulSet", ",'replicas':2",
                   RULES("'affinity':{'podAntiAffinity':{"
                         "'requiredDuringSchedulingIgnoredDuringExecution':["
                         "{'topologyKey':'kubernetes.io/hostname','labelSelector':"
                         "{'matchLabels':{'app':'x'}}},{'topologyKey':'rack','labelSelector':"
                         "{'matchLabels':{'app':'x'}}}]}}")) "]";
    fits(two, RACKS("a", "b"));
    lacks(two, RACKS("a", "a"), "kafka wants 2 places that differ in rack");
}

static void disks_that_are_known_count(void **state)
{
    (void) state;
    const char *objects = "[" OBJECT(
        "StatefulSet",
        ",'replicas':2,'volumeClaimTemplates':[{'spec':{'resources':{'requests':"
        "{'storage':'6Gi'}}}},{'spec':{'storageClassName':'fast','resources':{'requests':"
        "{'storage':'900Gi'}}}}]",
        POD("{'memory':'1Gi','cpu':'500m'}")) "]";
    struct stack_nodes nodes = NODES(2, 2);
    strv_add(&nodes.classes, "fast");
    nodes.items[0].storage = 5 * GI;
    nodes.items[1].storage = 11 * GI;
    lacks(objects, nodes,
          "2 times 1.0 GiB and 0.50 CPU free, and 6.0 GiB of disk; this cluster "
          "has room for 1");
    nodes = NODES(2, 2);
    strv_add(&nodes.classes, "fast");
    nodes.items[0].storage = 12 * GI;
    nodes.items[1].storage = 0;
    fits(objects, nodes);
}

static void racks_are_told_apart_by_label(void **state)
{
    (void) state;
    const char *two = "[" OBJECT("StatefulSet", ",'replicas':2", APART("rack")) "]";
    struct stack_nodes nodes = NODES(9, 9);
    nodes.items[0].labels = parse_json("{'rack':'a'}");
    nodes.items[1].labels = parse_json("{'rack':'a'}");
    lacks(two, nodes, "2 places that differ in rack");
    nodes = NODES(9, 9);
    nodes.items[0].labels = parse_json("{'rack':'a'}");
    nodes.items[1].labels = parse_json("{'rack':'b'}");
    fits(two, nodes);
}

static void memory_and_cpu_are_used_up(void **state)
{
    (void) state;
    const char *three = "[" OBJECT("Deployment", ",'replicas':3", POD("{'memory':'1Gi'}")) "]";
    fits(three, NODES(2, 1));
    lacks(three, NODES(1, 1),
          "kafka wants 3 times 1.0 GiB and 0.00 CPU free; this cluster has "
          "room for 2");
    lacks("[" OBJECT("Deployment", "", POD("{'cpu':'5'}")) "]", NODES(9, 9), "room for 0");
    /* what is large first, in whatever order it stands there */
    fits("[" OBJECT("Deployment", "", POD("{'memory':'1Gi'}")) "," OBJECT(
             "Deployment", "", POD("{'memory':'2Gi'}")) "]",
         NODES(2, 1));
    lacks("[" OBJECT("DaemonSet", "", POD("{'memory':'1Gi'}")) "," OBJECT(
              "Deployment", "", POD("{'memory':'2Gi'}")) "]",
          NODES(2, 2), "wants 1 times 2.0 GiB");
    fits("[]", NODES(1));
    lacks(three, make_nodes(NULL, 0), "room for 0");
}

static void taints_and_selectors_count(void **state)
{
    (void) state;
    const char *plain = "[" OBJECT("Deployment", "", POD("{}")) "]";
    const char *tolerant = "[" OBJECT("Deployment", "",
                                      "'spec':{'containers':[],'tolerations':["
                                      "{'key':'cp','operator':'Exists'}]}") "]";
    const char *picky = "[" OBJECT("Deployment", "",
                                   "'spec':{'containers':[],'nodeSelector':{'disk':'ssd'}}") "]";
    struct stack_nodes nodes = NODES(9);
    nodes.items[0].taints = parse_json("[{'key':'cp','effect':'NoSchedule'}]");
    lacks(plain, nodes, "room for 0");
    nodes = NODES(9);
    nodes.items[0].taints = parse_json("[{'key':'cp','effect':'NoSchedule'}]");
    fits(tolerant, nodes);
    nodes = NODES(9);
    nodes.items[0].taints = parse_json("[{'key':'cp','effect':'PreferNoSchedule'}]");
    fits(plain, nodes);
    lacks(picky, NODES(9), "room for 0");
    nodes = NODES(9);
    nodes.items[0].labels = parse_json("{'disk':'ssd'}");
    fits(picky, nodes);
}

static void claims_want_a_class(void **state)
{
    (void) state;
    const char *any = "[" OBJECT("StatefulSet", ",'volumeClaimTemplates':[{'spec':{}}]",
                                 POD("{}")) "]";
    const char *ssd = "[{'kind':'PersistentVolumeClaim','metadata':{'name':'c'},'spec':"
                      "{'storageClassName':'ssd'}}]";
    fits(any, NODES(1));
    lacks(ssd, NODES(1), "of the storage class ssd, which this cluster does not have");
    struct stack_nodes nodes = NODES(1);
    strv_add(&nodes.classes, "ssd");
    fits(ssd, nodes);
    nodes = NODES(1);
    nodes.default_class = false;
    lacks(any, nodes, "no default storage class");
}

static void a_live_cluster_is_read(void **state)
{
    (void) state;
    AUTO_JSON *nodes = parse_json(
        "{'items':[{'metadata':{'name':'n1','labels':{'a':'b'}},'spec':{'taints':[{'key':'k'}]},"
        "'status':{'allocatable':{'memory':'4Gi','cpu':'2'}}},"
        "{'metadata':{'name':'n2'},'spec':{'unschedulable':true},'status':{}}]}");
    AUTO_JSON *pods = parse_json(
        "{'items':[{'metadata':{'name':'own','namespace':'bigdata','labels':{'app':'x'}},"
        "'spec':{'nodeName':'n1','containers':[{'resources':{'requests':{'memory':'1Gi'}}}]}},"
        "{'metadata':{'name':'other','namespace':'default','labels':{'app':'x'}},"
        "'spec':{'nodeName':'n1','containers':[{'resources':{'requests':{'memory':'1Gi',"
        "'cpu':'250m'}}}]}},"
        "{'metadata':{'name':'past'},'status':{'phase':'Succeeded'},"
        "'spec':{'nodeName':'n1','containers':[{'resources':{'requests':{'memory':'1Gi'}}}]}}]}");
    AUTO_JSON *classes = parse_json(
        "{'items':[{'metadata':{'name':'local-path','annotations':"
        "{'storageclass.kubernetes.io/is-default-class':'true'}}},{'metadata':{'name':'nfs'}}]}");
    AUTO_JSON *objects = parse_json("[" OBJECT("Deployment", "", POD("{}")) "]");
    const struct stack_rendered r = {.objects = objects};
    struct stack_nodes out = STACK_NODES_INIT;
    stack_nodes_from_live(nodes, pods, classes, &r, 1, &out);
    assert_int_equal(out.count, 1);
    assert_int_equal(out.items[0].memory, 3 * GI);
    assert_int_equal(out.items[0].cpu, 1750);
    assert_int_equal(json_array_size(out.items[0].taints), 1);
    assert_true(out.default_class);
    assert_int_equal(out.classes.count, 2);
    stack_nodes_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantities),
        cmocka_unit_test(a_component_is_its_pods_together),
        cmocka_unit_test(the_largest_of_a_pod_counts),
        cmocka_unit_test(pods_that_are_kept_apart_want_nodes),
        cmocka_unit_test(required_node_affinity_counts),
        cmocka_unit_test(spread_over_racks_counts),
        cmocka_unit_test(every_anti_affinity_counts),
        cmocka_unit_test(disks_that_are_known_count),
        cmocka_unit_test(racks_are_told_apart_by_label),
        cmocka_unit_test(memory_and_cpu_are_used_up),
        cmocka_unit_test(taints_and_selectors_count),
        cmocka_unit_test(claims_want_a_class),
        cmocka_unit_test(a_live_cluster_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
