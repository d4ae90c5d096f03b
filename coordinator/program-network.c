/* The network is called good once pods on different nodes have reached each other: phase "network",
 * on the control plane. What was tried with this network before is not tried again. */
#include "coordinator/addons.h"
#include "coordinator/network-pairs.h"
#include "coordinator/program.h"
#include "lib/digest.h"

#include <string.h>

#define MINUTE_MS (60 * 1000)
#define IMAGE "bigtop.apache.org/netcheck"

/* Nodes of ours, control planes first. */
struct members {
    const struct host_run **items;
    size_t count, planes;
};

static void members_release(struct members *m)
{
    free(m->items);
}
#define AUTO_MEMBERS CLEANUP(members_release) struct members

static void take(const struct run *run, bool planes, struct members *m)
{
    for (size_t i = 0; i < run->inv->host_count; i++) {
        const struct host_run *h = &run->hosts[i];
        bool is_plane = h->host->roles & ROLE_CONTROL_PLANE;
        bool is_node = !run->read_only || h->facts.role;
        if (h->host->state == STATE_PRESENT && h->facts.node_name && is_node && !run_failed(h) &&
            is_plane == planes)
            m->items[m->count++] = h;
    }
}

static void take_members(const struct run *run, struct members *m)
{
    m->items = xcalloc(run->inv->host_count, sizeof(*m->items));
    take(run, true, m);
    m->planes = m->count;
    take(run, false, m);
}

/* What the network addon was applied with: another one, or with another value, is tried again. */
static int network_digest(const struct host_run *h, char out[DIGEST_SIZE], struct error *err)
{
    AUTO_TASK addon = TASK_INIT;
    const struct component *c = addons_find(h->run->bundle, addons_network(h->run));
    int r = c ? params_addon(h, c, &addon, err) : 0;
    if (r < 0)
        return r;
    AUTO_FREE char *text = addon.params ? json_canonical(addon.params) : xstrdup("");
    digest_buffer(text, strlen(text), out);
    return 0;
}

/* Where the network addon's pods live. */
static json_t *namespaces(const struct run *run)
{
    const struct component *c = addons_find(run->bundle, addons_network(run));
    json_t *list = c ? json_incref(c->namespaces) : NULL;
    return list ? list : json_array();
}

static json_t *slice_params(const struct host_run *h, const struct members *m,
                            const struct network_slice *s, int number, const char *image,
                            const char *network)
{
    const struct inventory *inv = h->run->inv;
    json_t *nodes = json_array();
    for (size_t i = 0; i < network_slice_size(s); i++)
        json_array_append_new(nodes,
                              json_string(m->items[network_slice_node(s, i)]->facts.node_name));
    return json_pack("{s:s, s:s, s:s, s:I, s:b, s:o, s:o, s:o}", "image", image, "domain",
                     inv->dns_domain, "network", network, "slice", (json_int_t) number, "policy",
                     strcmp(addons_network(h->run), NETWORK_CANAL) == 0, "nodes", nodes,
                     "namespaces", namespaces(h->run), "pairs", network_pairs(s));
}

static int try_slices(struct host_run *h, const struct members *m, const char *image,
                      struct error *err)
{
    char network[DIGEST_SIZE], suffix[24];
    int number = 0; /* not where it begins: a host that is down must not make it another slice */
    int r = network_digest(h, network, err);
    for (size_t first = m->planes; r >= 0;) {
        struct network_slice s = network_slice(m->count, m->planes, first);
        AUTO_TASK t = {.step = "netcheck", .suffix = suffix, .timeout_ms = 15 * MINUTE_MS};
        snprintf(suffix, sizeof(suffix), "%d", number);
        t.params = slice_params(h, m, &s, number++, image, network);
        r = program_ensure(h, &t, NULL, err);
        if (s.next == 0)
            break;
        first = s.next;
    }
    return r < 0 ? r : 0;
}

static bool somebody_changed(const struct run *run)
{
    for (size_t i = 0; i < run->inv->host_count; i++)
        if (run->hosts[i].changed)
            return true;
    return false;
}

int phase_network(struct host_run *h, struct error *err)
{
    struct run *run = h->run;
    const struct component *image = bundle_find_image(run->bundle, IMAGE);
    AUTO_MEMBERS m = {0};
    if (!image && somebody_changed(run))
        view_warn(run->view, h->host,
                  "whether pods on different hosts reach each other was not tried: the bundle has "
                  "no image " IMAGE "; build it anew for that");
    if (!image)
        return 0;
    if (run->read_only && program_somebody_is_new(run)) {
        strv_add(&h->differences, "netcheck: try the pod network");
        return 0;
    }
    take_members(run, &m);
    return m.count > 0 ? try_slices(h, &m, image->ref, err) : 0;
}
