/* What of a small bundle a cluster gets. */
#include "coordinator/addons.h"
#include "coordinator/agent-blob.h"
#include "coordinator/stack-work.h"
#include "tests/unit/unit.h"

#include <errno.h>

/* No host is ever connected to: no agent to send. */
const unsigned char agent_blob_start[1] = {0}, agent_blob_end[1] = {0};
const char agent_blob_sha256[1] = "";

enum { CANAL, FLANNEL, LOCAL, NODE_IMAGE, CNI_IMAGE, FLANNEL_IMAGE, OTHER_IMAGE, COUNT };

struct world {
    char *storage[2]; /* NULL-terminated */
    struct inventory inv;
    struct host hosts[2];
    struct component components[COUNT];
    struct bundle bundle;
    struct run run;
};

#define ADDON(N, I) \
    { \
        .kind = COMPONENT_ADDON, .name = N, .images = I \
    }
#define IMAGE(N, R) \
    { \
        .kind = COMPONENT_IMAGE, .name = N, .ref = R \
    }

/* Images from `count` on are not there. */
static void build(struct world *w, const char *network, size_t count)
{
    *w = (struct world){
        .hosts = {{.name = (char *) "n1"}, {.name = (char *) "n2"}},
        .storage = {(char *) "local-path"},
        .inv = {.network = (char *) network, .storage = {w->storage, 1}, .host_count = 2},
        .bundle = {.component_count = count},
    };
    struct component list[] = {
        [CANAL] = ADDON("canal", json_pack("{s:s,s:s}", "image-cni", "docker.io/calico/cni",
                                           "image-node", "docker.io/calico/node")),
        [FLANNEL] = ADDON("flannel", json_pack("{s:s}", "image-flannel", "ghcr.io/f/flannel")),
        [LOCAL] = ADDON("local-path", NULL),
        [NODE_IMAGE] = IMAGE("node", "docker.io/calico/node:v3.30.3"),
        [CNI_IMAGE] = IMAGE("cni", "docker.io/calico/cni:v3.30.3"),
        [FLANNEL_IMAGE] = IMAGE("flanneld", "ghcr.io/f/flannel:v1"),
        [OTHER_IMAGE] = IMAGE("nodelike", "docker.io/calico/node-driver:v1"),
    };
    memcpy(w->components, list, sizeof(list));
    w->inv.hosts = w->hosts;
    w->bundle.components = w->components;
    struct error err = ERROR_INIT;
    assert_int_equal(run_init(&w->run, &w->inv, &w->bundle, NULL, &err), 0);
}

static void tear_down(struct world *w)
{
    json_decref(w->components[CANAL].images);
    json_decref(w->components[FLANNEL].images);
    run_release(&w->run);
}

static void the_default_goes_by_the_images(void **state)
{
    (void) state;
    struct world w;
    build(&w, NULL, COUNT);
    assert_string_equal(addons_network(&w.run), "canal");
    tear_down(&w);
    build(&w, NULL, CNI_IMAGE); /* one of two */
    assert_string_equal(addons_network(&w.run), "flannel");
    tear_down(&w);
    build(&w, "flannel", COUNT);
    assert_string_equal(addons_network(&w.run), "flannel");
    tear_down(&w);
}

static void a_live_network_comes_before_the_default(void **state)
{
    (void) state;
    struct world w;
    build(&w, NULL, COUNT);
    w.run.hosts[1].facts.json = json_pack("{s:{s:s}}", "node", "network", "flannel");
    assert_string_equal(addons_network(&w.run), "flannel");
    tear_down(&w);
    build(&w, "canal", COUNT); /* preflight refuses that */
    w.run.hosts[1].facts.json = json_pack("{s:{s:s}}", "node", "network", "flannel");
    assert_string_equal(addons_network(&w.run), "canal");
    tear_down(&w);
}

static void only_what_is_used_is_wanted(void **state)
{
    (void) state;
    struct world w;
    static const bool with_canal[COUNT] = {true, false, true, true, true, false, true};
    static const bool with_flannel[COUNT] = {false, true, true, false, false, true, true};
    for (int canal = 0; canal < 2; canal++) {
        build(&w, canal ? "canal" : "flannel", COUNT);
        for (size_t i = 0; i < COUNT; i++)
            if (addons_wants(&w.run, &w.components[i]) != (canal ? with_canal : with_flannel)[i])
                fail_msg("%s with %s", w.components[i].name, w.inv.network);
        tear_down(&w);
    }
}

/* An image of a stack goes nowhere unless the profile renders it; what it shares with the rest of
 * the cluster goes as ever. */
static void images_of_a_stack_go_by_the_profile(void **state)
{
    (void) state;
    struct world w;
    AUTO_JSON *own = json_pack("[s, s]", "docker.io/calico/node-driver", "a.io/x");
    struct stack_rendered rendered = {0};
    const struct stack_work work = {.stack = {.count = 1}, .rendered = &rendered};
    build(&w, "flannel", COUNT);
    w.components[LOCAL] = (struct component){.kind = COMPONENT_STACK, .images = own};
    assert_false(addons_wants(&w.run, &w.components[OTHER_IMAGE]));
    w.run.stack = &work;
    assert_false(addons_wants(&w.run, &w.components[OTHER_IMAGE]));
    strv_add(&rendered.images, "docker.io/calico/node-driver:v1");
    assert_true(addons_wants(&w.run, &w.components[OTHER_IMAGE]));
    assert_false(addons_wants(&w.run, &w.components[CNI_IMAGE]));
    strv_add(&rendered.images, "docker.io/calico/cni:v3.30.3");
    assert_true(addons_wants(&w.run, &w.components[CNI_IMAGE]));
    assert_true(addons_wants(&w.run, &w.components[FLANNEL_IMAGE]));
    strv_release(&rendered.images);
    tear_down(&w);
}

static void says_what_is_missing(void **state)
{
    (void) state;
    struct world w;
    struct error err = ERROR_INIT;
    build(&w, "canal", CNI_IMAGE);
    assert_int_equal(addons_check(&w.inv, &w.bundle, &err), -ENOENT);
    assert_error_has(err, "`network: canal`, and the bundle lacks its images docker.io/calico/cni");
    assert_null(strstr(err.text, "calico/node"));
    assert_non_null(strstr(err.remedy, "images/recipes/canal.yaml"));
    w.inv.network = NULL;
    assert_int_equal(addons_check(&w.inv, &w.bundle, &err), 0);
    w.inv.storage.items[0] = (char *) "nfs";
    assert_int_equal(addons_check(&w.inv, &w.bundle, &err), -ENOENT);
    assert_error_has(err, "`storage: nfs`, and the bundle has no such addon");
    tear_down(&w);
}

static void tells_the_addon_its_images(void **state)
{
    (void) state;
    struct world w;
    AUTO_JSON *values = json_pack("{s:s}", "mtu", "1500");
    build(&w, "canal", COUNT);
    addons_image_values(&w.bundle, &w.components[CANAL], values);
    assert_int_equal(json_object_size(values), 3);
    assert_string_equal(json_get_string(values, "image-node", ""), "docker.io/calico/node:v3.30.3");
    assert_string_equal(json_get_string(values, "image-cni", ""), "docker.io/calico/cni:v3.30.3");
    tear_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_goes_by_the_images),
        cmocka_unit_test(a_live_network_comes_before_the_default),
        cmocka_unit_test(only_what_is_used_is_wanted),
        cmocka_unit_test(images_of_a_stack_go_by_the_profile),
        cmocka_unit_test(says_what_is_missing),
        cmocka_unit_test(tells_the_addon_its_images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
