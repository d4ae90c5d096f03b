/* What hosts said of themselves, as nodes for a profile. */
#include "coordinator/stack-hosts.h"

#include "coordinator/agent-blob.h"
#include "coordinator/stack-work.h"
#include "tests/unit/unit.h"

/* No host is ever connected to: no agent to send. */
const unsigned char agent_blob_start[1] = {0}, agent_blob_end[1] = {0};
const char agent_blob_sha256[1] = "";

#define GIB_KIB (1024 * 1024)

struct world {
    struct inventory inv;
    struct host hosts[3];
    struct host_run runs[3];
    struct run run;
    struct stack_component component;
    struct stack_rendered rendered;
    struct stack_work work;
};

static json_t *facts(int gib)
{
    return json_pack("{s:i, s:i}", "memory_kib", gib * GIB_KIB, "cpus", 4);
}

/* A control plane and two workers of 2 GiB; one pod of so many MiB on each of two nodes. */
static void build(struct world *w, int mib)
{
    AUTO_FREE char *memory = xasprintf("%dMi", mib);
    *w = (struct world){
        .hosts = {{.name = (char *) (uintptr_t) "n1", .roles = ROLE_CONTROL_PLANE},
                  {.name = (char *) (uintptr_t) "n2", .roles = ROLE_WORKER},
                  {.name = (char *) (uintptr_t) "n3", .roles = ROLE_WORKER}},
        .component = {.name = (char *) (uintptr_t) "kafka"},
    };
    w->inv = (struct inventory){.hosts = w->hosts, .host_count = 3};
    strv_add(&w->inv.storage, "local-path");
    for (size_t i = 0; i < 3; i++) {
        w->runs[i] = (struct host_run){.run = &w->run, .index = i, .host = &w->hosts[i]};
        w->runs[i].facts = (struct facts){.json = facts(2), .node_name = w->hosts[i].name};
    }
    w->rendered.objects = json_pack(
        "[{s:s, s:{s:s}, s:{s:i, s:{s:{s:{s:s}}, s:{s:{s:{s:[{s:s, s:{s:{s:s}}}]}}, s:[{s:{s:{"
        "s:s}}}]}}}}]",
        "kind", "StatefulSet", "metadata", "name", "kafka", "spec", "replicas", 2, "template",
        "metadata", "labels", "app", "kafka", "spec", "affinity", "podAntiAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution", "topologyKey", "kubernetes.io/hostname",
        "labelSelector", "matchLabels", "app", "kafka", "containers", "resources", "requests",
        "memory", memory);
    assert_non_null(w->rendered.objects);
    w->work = (struct stack_work){
        .stack = {.name = (char *) (uintptr_t) "small", .components = &w->component, .count = 1},
        .rendered = &w->rendered};
    w->run = (struct run){.inv = &w->inv, .hosts = w->runs, .stack = &w->work};
}

static void tear_down(struct world *w)
{
    for (size_t i = 0; i < 3; i++)
        json_decref(w->runs[i].facts.json);
    json_decref(w->rendered.objects);
    strv_release(&w->inv.storage);
}

/* Texts of what was found, or NULL; free() it. */
static char *check(const struct world *w, bool *refusal)
{
    struct findings found = FINDINGS_INIT;
    stack_hosts_check(&w->run, &found);
    char *text = found.count ? xstrdup(found.items[0].text) : NULL;
    if (found.count)
        *refusal = found.items[0].refusal;
    findings_release(&found);
    return text;
}

/* Volumes of the default class are below /var/lib of each node. */
static void disks_that_are_small_are_warned_of(void **state)
{
    (void) state;
    struct world w;
    bool refusal = true;
    build(&w, 1);
    json_object_set_new(json_object_get(json_array_get(w.rendered.objects, 0), "spec"),
                        "volumeClaimTemplates",
                        parse_json("[{'spec':{'resources':{'requests':{'storage':'8Gi'}}}}]"));
    for (size_t i = 0; i < 3; i++)
        json_object_set_new(
            w.runs[i].facts.json, "disks",
            json_pack("{s:{s:i}}", "/var/lib", "free_kib", (i == 1 ? 7 : 9) * GIB_KIB));
    AUTO_FREE char *text = check(&w, &refusal);
    assert_non_null(text);
    assert_false(refusal);
    assert_non_null(strstr(text, "profile small, when its volumes are full: kafka wants 2 nodes"));
    assert_non_null(strstr(text, "and 8.0 GiB of disk; this cluster gives 1"));
    json_object_set_new(w.runs[1].facts.json, "disks",
                        json_pack("{s:{s:i}}", "/var/lib", "free_kib", 8 * GIB_KIB));
    AUTO_FREE char *none = check(&w, &refusal);
    assert_null(none);
    strv_release(&w.inv.storage);
    strv_add(&w.inv.storage, "nfs"); /* which has its disk elsewhere */
    json_object_del(w.runs[1].facts.json, "disks");
    AUTO_FREE char *elsewhere = check(&w, &refusal);
    assert_null(elsewhere);
    tear_down(&w);
}

static void what_fits_is_no_finding(void **state)
{
    (void) state;
    struct world w;
    bool refusal;
    build(&w, 1024);
    assert_null(check(&w, &refusal));
    w.run.stack = NULL;
    assert_null(check(&w, &refusal));
    tear_down(&w);
}

static void what_the_nodes_need_themselves_is_not_free(void **state)
{
    (void) state;
    struct world w;
    bool refusal = false;
    build(&w, 2000);
    AUTO_FREE char *text = check(&w, &refusal);
    assert_non_null(text);
    assert_true(refusal);
    assert_non_null(strstr(text, "profile small: kafka wants 2 nodes with 2.0 GiB"));
    assert_non_null(strstr(text, "gives 0"));
    tear_down(&w);
}

static void control_planes_count_only_where_they_take_pods(void **state)
{
    (void) state;
    struct world w;
    bool refusal = false;
    build(&w, 1024);
    w.hosts[2].state = STATE_ABSENT;
    AUTO_FREE char *text = check(&w, &refusal);
    assert_non_null(strstr(text, "gives 1"));
    w.hosts[0].roles |= ROLE_WORKER;
    assert_null(check(&w, &refusal));
    tear_down(&w);
}

static void a_host_that_did_not_answer_may_have_room(void **state)
{
    (void) state;
    struct world w;
    bool refusal = true;
    build(&w, 1024);
    json_decref(w.runs[2].facts.json);
    w.runs[2].facts = (struct facts){0};
    AUTO_FREE char *text = check(&w, &refusal);
    assert_non_null(text);
    assert_false(refusal);
    tear_down(&w);
}

static void all_of_it_is_told(void **state)
{
    (void) state;
    struct world w;
    STRV(lines);
    build(&w, 1024);
    stack_hosts_tell(&w.run, &lines);
    assert_int_equal(lines.count, 2);
    assert_string_equal(lines.items[0],
                        "kafka: 2 pods, 2.0 GiB of memory, 0.00 CPU, 0.0 GiB of volumes");
    assert_non_null(strstr(lines.items[1], "profile small, all together: 2 pods"));
    tear_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(disks_that_are_small_are_warned_of),
        cmocka_unit_test(what_fits_is_no_finding),
        cmocka_unit_test(what_the_nodes_need_themselves_is_not_free),
        cmocka_unit_test(control_planes_count_only_where_they_take_pods),
        cmocka_unit_test(a_host_that_did_not_answer_may_have_room),
        cmocka_unit_test(all_of_it_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
