#include "coordinator/api.h"
#include "coordinator/params.h"
#include "kubeadm/balancer.h"

#include <errno.h>

#define MINUTE_MS (60 * 1000)

/* The control planes of hosts.yaml, whether they are nodes already or not: one that does not answer
 * is passed over. */
struct servers {
    struct balancer_server items[BALANCER_SERVERS_MAX];
    struct strv names;
    size_t count, self; /* self: count when the host is none of them */
};

static void servers_release(struct servers *s)
{
    strv_release(&s->names);
}

static void add_server(struct servers *s, const struct host_run *h)
{
    const char *address = facts_node_ip(&h->facts, h->host);
    const char *name = h->facts.node_name ? h->facts.node_name : h->host->name;
    if (!address || s->count == BALANCER_SERVERS_MAX)
        return;
    if (name)
        strv_add(&s->names, name);
    else
        strv_addf(&s->names, "host-%zu", h->index);
    s->items[s->count++].address = address;
}

static void find_servers(const struct host_run *self, struct servers *s)
{
    const struct run *run = self->run;
    s->self = BALANCER_SERVERS_MAX;
    for (size_t i = 0; i < run->inv->host_count; i++) {
        const struct host_run *h = &run->hosts[i];
        if (h->host->state != STATE_PRESENT || !(h->host->roles & ROLE_CONTROL_PLANE))
            continue;
        if (h == self)
            s->self = s->count;
        add_server(s, h);
    }
    for (size_t i = 0; i < s->count; i++)
        s->items[i].name = s->names.items[i];
}

/* An older bundle may be without. */
static int need_component(const struct bundle *b, const char *name, struct error *err)
{
    if (bundle_find(b, name))
        return 0;
    error_set(err, -ENOENT, "the bundle has no %s, which leads to the Kubernetes API", name);
    return error_remedy(err, "take a bundle that was built by this release");
}

static void add_service(json_t *services, const char *unit, const struct host_files *files)
{
    json_array_append_new(services,
                          json_pack("{s:s,s:o}", "unit", unit, "files", params_files(files)));
}

static int add_balancer(const struct host_run *h, const struct servers *s, json_t *services,
                        json_t *unwanted, struct error *err)
{
    AUTO_HOST_FILES files = HOST_FILES_INIT;
    if (!api_is_balanced(h->run->inv)) {
        json_array_append_new(unwanted, json_string(BALANCER_UNIT));
        return 0;
    }
    int r = need_component(h->run->bundle, "haproxy", err);
    r = r < 0 ? r : balancer_files(s->items, s->count, &files, err);
    if (r == 0)
        add_service(services, BALANCER_UNIT, &files);
    return r;
}

static int add_virtual_ip(const struct host_run *h, const struct servers *s, json_t *services,
                          json_t *unwanted, struct error *err)
{
    AUTO_HOST_FILES files = HOST_FILES_INIT;
    const char *address = h->run->inv->virtual_ip;
    if (!address || s->self >= s->count) {
        json_array_append_new(unwanted, json_string(VIRTUAL_IP_UNIT));
        return 0;
    }
    int r = need_component(h->run->bundle, "keepalived", err);
    if (r == 0)
        r = virtual_ip_files(address, h->facts.interface, s->items, s->count, s->self, &files, err);
    if (r == 0)
        add_service(services, VIRTUAL_IP_UNIT, &files);
    return r;
}

int params_balancer(const struct host_run *h, struct task *out, struct error *err)
{
    CLEANUP(servers_release) struct servers s = {.count = 0};
    json_t *services = json_array(), *unwanted = json_array();
    find_servers(h, &s);
    *out = (struct task){.step = "balancer", .timeout_ms = 3 * MINUTE_MS};
    out->params = json_pack("{s:o,s:o}", "services", services, "unwanted", unwanted);
    int r = add_balancer(h, &s, services, unwanted, err);
    return r < 0 ? r : add_virtual_ip(h, &s, services, unwanted, err);
}
