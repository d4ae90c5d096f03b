/* Which services each host gets, for two control planes and a worker. */
#include "coordinator/agent-blob.h"
#include "coordinator/params.h"
#include "tests/unit/unit.h"

#include <errno.h>

/* No host is ever connected to: no agent to send. */
const unsigned char agent_blob_start[1] = {0}, agent_blob_end[1] = {0};
const char agent_blob_sha256[1] = "";

struct world {
    struct inventory inv;
    struct host hosts[3];
    struct component components[2];
    struct bundle bundle;
    struct run run;
};

static void build(struct world *w)
{
    *w = (struct world){
        .hosts = {{.name = (char *) "n1",
                   .address = (char *) "10.0.0.1",
                   .roles = ROLE_CONTROL_PLANE},
                  {.address = (char *) "10.0.0.2", .roles = ROLE_CONTROL_PLANE},
                  {.name = (char *) "n3", .address = (char *) "10.0.0.3", .roles = ROLE_WORKER}},
        .inv = {.host_count = 3},
        .components = {{.name = "haproxy"}, {.name = "keepalived"}},
        .bundle = {.component_count = 2},
    };
    w->inv.hosts = w->hosts;
    w->bundle.components = w->components;
    assert_int_equal(run_init(&w->run, &w->inv, &w->bundle, NULL, NULL), 0);
    for (size_t i = 0; i < 3; i += 2)
        w->run.hosts[i].facts.interface = xstrdup("eth0");
}

/* "UNIT UNIT": those that run; *config: the first file of the first. */
static char *services(struct world *w, size_t host, struct task *t, const char **config)
{
    STRV(names);
    size_t i;
    json_t *service;
    struct error err = ERROR_INIT;
    if (params_balancer(&w->run.hosts[host], t, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(t->step, "balancer");
    json_array_foreach(json_object_get(t->params, "services"), i, service) {
        strv_add(&names, json_get_string(service, "unit", "?"));
        const json_t *file = json_array_get(json_object_get(service, "files"), 0);
        *config = json_get_string(file, "content", "");
    }
    assert_int_equal(names.count + json_array_size(json_object_get(t->params, "unwanted")), 2);
    return strv_join(&names, " ");
}

static void every_node_has_the_same_balancer(void **state)
{
    (void) state;
    struct world w;
    build(&w);
    AUTO_TASK one = TASK_INIT, other = TASK_INIT;
    const char *config = "", *same = "";
    AUTO_FREE char *first = services(&w, 0, &one, &config);
    AUTO_FREE char *worker = services(&w, 2, &other, &same);
    assert_string_equal(first, "bigtop-balancer.service");
    assert_string_equal(worker, first);
    assert_string_equal(config, same);
    assert_non_null(strstr(config, "server n1 10.0.0.1:6443"));
    assert_non_null(strstr(config, "server host-1 10.0.0.2:6443")); /* never seen, but named */
    assert_null(strstr(config, "10.0.0.3"));
    run_release(&w.run);
}

static void who_leaves_is_no_server(void **state)
{
    (void) state;
    struct world w;
    build(&w);
    w.hosts[1].state = STATE_ABSENT;
    AUTO_TASK t = TASK_INIT;
    const char *config = "";
    AUTO_FREE char *units = services(&w, 2, &t, &config);
    assert_string_equal(units, "bigtop-balancer.service");
    assert_null(strstr(config, "10.0.0.2"));
    run_release(&w.run);
}

static void virtual_ip_on_control_planes(void **state)
{
    (void) state;
    struct world w;
    build(&w);
    w.inv.virtual_ip = (char *) "10.0.0.9";
    AUTO_TASK one = TASK_INIT, other = TASK_INIT;
    const char *config = "", *unused = "";
    AUTO_FREE char *first = services(&w, 0, &one, &config);
    AUTO_FREE char *worker = services(&w, 2, &other, &unused);
    assert_string_equal(first, "bigtop-balancer.service bigtop-virtual-ip.service");
    assert_string_equal(worker, "bigtop-balancer.service");
    assert_non_null(strstr(config, "10.0.0.9/32 dev eth0"));
    assert_non_null(strstr(config, "unicast_src_ip 10.0.0.1"));
    run_release(&w.run);
}

static void a_balancer_outside_is_enough(void **state)
{
    (void) state;
    struct world w;
    build(&w);
    w.inv.endpoint = (char *) "api.example:443";
    AUTO_TASK t = TASK_INIT;
    const char *config = "";
    AUTO_FREE char *units = services(&w, 0, &t, &config);
    assert_string_equal(units, "");
    run_release(&w.run);
}

static void says_when_no_address_is_known(void **state)
{
    (void) state;
    struct world w;
    struct error err = ERROR_INIT;
    build(&w);
    w.hosts[0].address = w.hosts[1].address = (char *) "name.example";
    AUTO_TASK t = TASK_INIT;
    assert_int_equal(params_balancer(&w.run.hosts[2], &t, &err), -EINVAL);
    assert_error_has(err, "0 control planes");
    run_release(&w.run);
}

static void says_when_the_bundle_is_too_old(void **state)
{
    (void) state;
    struct world w;
    build(&w);
    w.inv.virtual_ip = (char *) "10.0.0.9";
    for (size_t left = 2; left-- > 0;) {
        struct error err = ERROR_INIT;
        AUTO_TASK t = TASK_INIT;
        w.bundle.component_count = left;
        assert_int_equal(params_balancer(&w.run.hosts[0], &t, &err), -ENOENT);
        assert_error_has(err, left ? "no keepalived" : "no haproxy");
        assert_int_not_equal(err.remedy[0], '\0');
    }
    run_release(&w.run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_node_has_the_same_balancer),
        cmocka_unit_test(who_leaves_is_no_server),
        cmocka_unit_test(virtual_ip_on_control_planes),
        cmocka_unit_test(a_balancer_outside_is_enough),
        cmocka_unit_test(says_when_no_address_is_known),
        cmocka_unit_test(says_when_the_bundle_is_too_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
