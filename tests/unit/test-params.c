/* What each step is told, for a small bundle and two hosts. */
#include "coordinator/agent-blob.h"
#include "coordinator/params.h"
#include "coordinator/program.h"
#include "lib/protocol.h"

#include "kubeadm/token.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define EIGHT(x) x x x x x x x x
static const char digest_a[] = "sha256:" EIGHT("aaaaaaaa");
static const char digest_b[] = "sha256:" EIGHT("bbbbbbbb");
static const char digest_c[] = "sha256:" EIGHT("cccccccc");

#define CONTROL 1u
#define WORKER 2u

/* No host is ever connected to: no agent to send. */
const unsigned char agent_blob_start[1] = {0}, agent_blob_end[1] = {0};
const char agent_blob_sha256[1] = "";

struct world {
    struct inventory inv;
    struct host hosts[2];
    struct bundle bundle;
    struct component components[6];
    json_t *blobs;
    struct run run;
};

static void give_facts(struct world *w, size_t i, const char *ip, const char *name, int mtu)
{
    struct facts *f = &w->run.hosts[i].facts;
    f->json = json_pack("{s:i,s:{s:s},s:{s:b}}", "cgroup", 2, "resolv", "path", "/etc/resolv.conf",
                        "capabilities", "sys_resource", 1);
    f->node_name = xstrdup(name);
    f->node_ip = xstrdup(ip);
    f->mtu = mtu;
}

static void build(struct world *w)
{
    static char *no_storage[] = {(char *) "none", NULL};
    *w = (struct world){
        .hosts = {{.name = (char *) "n1", .roles = ROLE_CONTROL_PLANE},
                  {.name = (char *) "n2", .roles = ROLE_WORKER}},
        .inv = {.path = (char *) "hosts.yaml",
                .cluster_name = (char *) "lab",
                .pod_cidr = (char *) "10.244.0.0/16",
                .service_cidr = (char *) "10.96.0.0/12",
                .dns_domain = (char *) "cluster.local",
                .network = (char *) "flannel",
                .storage = {no_storage, 1},
                .host_count = 2},
        .bundle = {.architecture = "amd64", .kubernetes = "v1.34.4", .component_count = 6},
    };
    w->inv.hosts = w->hosts;
    w->blobs = json_pack("[s,s]", digest_b, digest_c);
    struct component list[] = {
        {.kind = COMPONENT_FILES,
         .name = "kubernetes",
         .roles = CONTROL | WORKER,
         .blob = digest_a},
        {.kind = COMPONENT_FILES, .name = "kubectl", .roles = CONTROL, .blob = digest_b},
        {.kind = COMPONENT_IMAGE,
         .name = "pause",
         .roles = CONTROL | WORKER,
         .ref = "registry.k8s.io/pause:3.10.1",
         .manifest = digest_a,
         .blobs = w->blobs},
        {.kind = COMPONENT_IMAGE,
         .name = "flanneld",
         .roles = CONTROL | WORKER,
         .ref = "ghcr.io/flannel-io/flannel:v1",
         .manifest = digest_b,
         .blobs = w->blobs},
        {.kind = COMPONENT_ADDON, .name = "flannel", .roles = CONTROL, .blob = digest_c},
        {.kind = COMPONENT_ADDON, .name = "local-path", .roles = CONTROL, .blob = digest_c},
    };
    memcpy(w->components, list, sizeof(list));
    w->bundle.components = w->components;
    struct error err = ERROR_INIT;
    assert_int_equal(run_init(&w->run, &w->inv, &w->bundle, NULL, &err), 0);
    give_facts(w, 0, "10.0.0.1", "n1", 1500);
    give_facts(w, 1, "10.0.0.2", "n2", 1400);
}

static void tear_down(struct world *w)
{
    run_release(&w->run);
    json_decref(w->blobs);
}

static size_t count(const struct task *t, const char *list)
{
    return json_array_size(json_object_get(t->params, list));
}

static void test_unpack_goes_by_role(void **state)
{
    (void) state;
    struct world w;
    build(&w);
    for (size_t i = 0; i < 2; i++) {
        AUTO_TASK t = TASK_INIT;
        assert_int_equal(params_unpack(&w.run.hosts[i], &t, NULL), 0);
        assert_int_equal(count(&t, "archives"), i == 0 ? 2 : 1);
        assert_int_equal(t.blobs.count, i == 0 ? 2 : 1);
    }
    tear_down(&w);
}

static void test_keepalived_comes_with_a_virtual_ip(void **state)
{
    (void) state;
    struct world w;
    build(&w);
    w.components[1].name = "keepalived";
    AUTO_TASK without = TASK_INIT, with = TASK_INIT;
    assert_int_equal(params_unpack(&w.run.hosts[0], &without, NULL), 0);
    assert_int_equal(count(&without, "archives"), 1);
    w.inv.virtual_ip = (char *) "10.0.0.9";
    assert_int_equal(params_unpack(&w.run.hosts[0], &with, NULL), 0);
    assert_int_equal(count(&with, "archives"), 2);
    tear_down(&w);
}

static void test_images_in_two_sets(void **state)
{
    (void) state;
    struct world w;
    build(&w);
    static const char *const refs[] = {"registry.k8s.io/pause:3.10.1",
                                       "ghcr.io/flannel-io/flannel:v1"};
    for (int set = IMAGES_OF_KUBEADM; set <= IMAGES_OF_ADDONS; set++) {
        AUTO_TASK t = TASK_INIT;
        assert_int_equal(params_import(&w.run.hosts[1], (enum image_set) set, &t, NULL), 0);
        assert_int_equal(count(&t, "images"), 1);
        const json_t *image = json_array_get(json_object_get(t.params, "images"), 0);
        assert_string_equal(json_get_string(image, "ref", ""), refs[set]);
        assert_true(json_get_bool(image, "pinned", false));
        assert_int_equal(t.blobs.count, 3); /* the manifest and two blobs */
    }
    tear_down(&w);
}

/* Where there are no workers, control planes take pods, and need what those are made of. */
static void test_images_follow_the_pods(void **state)
{
    (void) state;
    struct world w;
    build(&w);
    w.components[3].roles = WORKER;
    for (int alone = 0; alone < 2; alone++) {
        AUTO_TASK t = TASK_INIT;
        w.inv.host_count = alone ? 1 : 2;
        assert_int_equal(params_import(&w.run.hosts[0], IMAGES_OF_ADDONS, &t, NULL), 0);
        assert_int_equal(count(&t, "images"), alone);
    }
    w.inv.host_count = 2;
    tear_down(&w);
}

static void test_init_and_join(void **state)
{
    (void) state;
    struct world w;
    struct error err = ERROR_INIT;
    char token[KUBEADM_TOKEN_LEN + 1];
    build(&w);
    kubeadm_token_new(token);
    AUTO_TASK init = TASK_INIT;
    assert_int_equal(params_init(&w.run.hosts[0], token, &init, &err), 0);
    const char *config = json_get_string(init.params, "config", "");
    assert_non_null(strstr(config, token));
    assert_non_null(strstr(config, "controlPlaneEndpoint: \"127.0.0.1:7443\""));
    assert_non_null(strstr(config, "- \"10.0.0.1\""));
    w.run.token = xstrdup(token);
    w.run.ca_hash = xstrdup(digest_a);
    AUTO_TASK join = TASK_INIT;
    assert_int_equal(params_join(&w.run.hosts[1], &join, &err), 0);
    config = json_get_string(join.params, "config", "");
    assert_non_null(strstr(config, digest_a));
    assert_null(strstr(config, "unsafeSkipCAVerification"));
    tear_down(&w);
}

#define KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* The key opens all of the cluster's certificates: hosts that are to be control planes get it. */
static void test_who_gets_the_certificate_key(void **state)
{
    (void) state;
    struct world w;
    struct error err = ERROR_INIT;
    build(&w);
    w.run.token = xstrdup("abcdef.0123456789abcdef");
    w.run.ca_hash = xstrdup(digest_a);
    w.run.certificate_key = xstrdup(KEY);
    for (int control = 0; control < 2; control++) {
        AUTO_TASK join = TASK_INIT;
        w.hosts[1].roles = control ? ROLE_CONTROL_PLANE : ROLE_WORKER;
        if (params_join(&w.run.hosts[1], &join, &err) < 0)
            fail_msg("%s", err.text);
        AUTO_FREE char *all = json_canonical(join.params);
        assert_int_equal(strstr(all, KEY) != NULL, control);
        assert_int_equal(json_get_bool(join.params, "control_plane", false), control);
        assert_non_null(strstr(all, "apiServerEndpoint: \\\"10.0.0.1:6443"));
    }
    AUTO_TASK certs = TASK_INIT;
    assert_int_equal(params_certs(&w.run.hosts[0], &certs, &err), 0);
    assert_non_null(strstr(json_get_string(certs.params, "config", ""), KEY));
    tear_down(&w);
}

/* Never the leader itself, whose member is all that there is at first. */
static void test_members_that_join(void **state)
{
    (void) state;
    struct world w;
    build(&w);
    w.hosts[1].roles = ROLE_CONTROL_PLANE;
    AUTO_TASK t = TASK_INIT;
    assert_int_equal(params_members(&w.run, &t, NULL), 0);
    assert_int_equal(count(&t, "joining"), 1);
    const json_t *host = json_array_get(json_object_get(t.params, "joining"), 0);
    assert_string_equal(json_get_string(host, "node", ""), "n2");
    assert_string_equal(json_get_string(host, "address", ""), "10.0.0.2");
    latch_open(&w.run.hosts[1].joined); /* in this run */
    AUTO_TASK joined = TASK_INIT;
    assert_int_equal(params_members(&w.run, &joined, NULL), 0);
    assert_int_equal(count(&joined, "joining"), 0);
    w.run.hosts[1].facts.role = "control-plane";
    AUTO_TASK none = TASK_INIT;
    assert_int_equal(params_members(&w.run, &none, NULL), 0);
    assert_int_equal(count(&none, "joining"), 0);
    tear_down(&w);
}

static void test_never_joins_without_ca_hash(void **state)
{
    (void) state;
    struct world w;
    struct error err = ERROR_INIT;
    build(&w);
    w.run.token = xstrdup("abcdef.0123456789abcdef");
    AUTO_TASK join = TASK_INIT;
    w.run.ca_hash = xstrdup("");
    assert_int_equal(params_join(&w.run.hosts[1], &join, &err), -EINVAL);
    assert_null(join.params);
    tear_down(&w);
}

static void test_addon_gets_smallest_mtu(void **state)
{
    (void) state;
    struct world w;
    struct error err = ERROR_INIT;
    build(&w);
    AUTO_TASK t = TASK_INIT;
    assert_int_equal(params_addon(&w.run.hosts[0], &w.components[4], &t, &err), 0);
    const json_t *values = json_object_get(t.params, "values");
    assert_string_equal(json_get_string(values, "mtu", ""), "1400");
    assert_string_equal(json_get_string(values, "pod-mtu", ""), "1350");
    assert_string_equal(json_get_string(values, "pod-cidr", ""), "10.244.0.0/16");
    assert_string_equal(json_get_string(values, "api-host", ""), "127.0.0.1");
    assert_string_equal(json_get_string(values, "api-url", ""), "https://127.0.0.1:7443");
    tear_down(&w);
}

static void test_labels_leave_out_failed_hosts(void **state)
{
    (void) state;
    struct world w;
    build(&w);
    struct label rack = {(char *) "rack", (char *) "a"};
    struct taint gpu = {(char *) "gpu", (char *) "yes", (char *) "NoSchedule"};
    w.hosts[0].labels = &rack;
    w.hosts[0].label_count = 1;
    w.hosts[0].taints = &gpu;
    w.hosts[0].taint_count = 1;
    w.run.hosts[1].error.code = -EIO;
    AUTO_TASK t = TASK_INIT;
    size_t next = 0;
    assert_int_equal(params_label(&w.run, &next, &t, NULL), 0);
    assert_int_equal(next, w.inv.host_count);
    assert_int_equal(count(&t, "nodes"), 1);
    AUTO_FREE char *text = json_canonical(t.params);
    assert_string_equal(text, "{\"nodes\":[{\"labels\":{\"rack\":\"a\"},\"name\":\"n1\","
                              "\"taints\":[\"gpu=yes:NoSchedule\"]}]}");
    tear_down(&w);
}

static void test_labels_come_in_messages_that_fit(void **state)
{
    enum { LABELS = 400 };
    static char keys[LABELS][64];
    static struct label labels[LABELS];
    struct world w;
    (void) state;
    build(&w);
    for (size_t i = 0; i < LABELS; i++) {
        snprintf(keys[i], sizeof(keys[i]), "example.org/a-label-of-a-usual-length-%zu", i);
        labels[i] = (struct label){keys[i], keys[i]};
    }
    for (size_t i = 0; i < 2; i++) {
        w.hosts[i].labels = labels;
        w.hosts[i].label_count = LABELS;
    }
    for (size_t next = 0, i = 0; i < 2; i++) {
        AUTO_TASK t = TASK_INIT;
        STRBUF(frame, PROTOCOL_HEADER + PROTOCOL_JSON_MAX);
        assert_int_equal(params_label(&w.run, &next, &t, NULL), 0);
        assert_int_equal(next, i + 1);
        assert_int_equal(count(&t, "nodes"), 1);
        assert_int_equal(frame_encode_json(&frame, t.params, NULL), 0);
    }
    tear_down(&w);
}

/* Neither ctr nor the API server is there to be asked: there is not even a session here. */
static void test_plan_of_a_fresh_host(void **state)
{
    (void) state;
    struct world w;
    struct error err = ERROR_INIT;
    build(&w);
    struct host_run *h = &w.run.hosts[0];
    w.run.read_only = true;
    assert_int_equal(phase_images(h, &err), 0);
    assert_int_equal(phase_addons(h, &err), 0);
    assert_int_equal(h->differences.count, 2);
    assert_string_equal(h->differences.items[0], "import: import registry.k8s.io/pause:3.10.1");
    assert_string_equal(h->differences.items[1], "addon: apply flannel");
    tear_down(&w);
}

static void test_bundle_without_pause(void **state)
{
    (void) state;
    struct world w;
    struct error err = ERROR_INIT;
    build(&w);
    w.components[2].ref = "example.org/pause:1";
    AUTO_TASK t = TASK_INIT;
    assert_int_equal(params_runtime(&w.run.hosts[0], &t, &err), -ENOENT);
    assert_non_null(strstr(err.text, "registry.k8s.io/pause"));
    tear_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unpack_goes_by_role),
        cmocka_unit_test(test_keepalived_comes_with_a_virtual_ip),
        cmocka_unit_test(test_images_in_two_sets),
        cmocka_unit_test(test_images_follow_the_pods),
        cmocka_unit_test(test_init_and_join),
        cmocka_unit_test(test_who_gets_the_certificate_key),
        cmocka_unit_test(test_members_that_join),
        cmocka_unit_test(test_never_joins_without_ca_hash),
        cmocka_unit_test(test_addon_gets_smallest_mtu),
        cmocka_unit_test(test_labels_leave_out_failed_hosts),
        cmocka_unit_test(test_labels_come_in_messages_that_fit),
        cmocka_unit_test(test_plan_of_a_fresh_host),
        cmocka_unit_test(test_bundle_without_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
