#include "coordinator/params.h"

#include "coordinator/addons.h"
#include "coordinator/api.h"
#include "coordinator/storage.h"
#include "kubeadm/config.h"
#include "lib/grammar.h"
#include "lib/protocol.h"
#include "lib/secret.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <string.h>

#define MINUTE_MS (60 * 1000)
#define LABELS_AT_ONCE (PROTOCOL_JSON_MAX - 4096) /* bytes; the rest is for what is around them */
#define LABEL_MS 1000                             /* two calls of kubectl a node */
#define VXLAN_OVERHEAD 50                         /* bytes: Ethernet, IPv4, UDP and VXLAN headers */
#define KUBEADM_TIMEOUT_MS (40 * MINUTE_MS)       /* above the agent's own limit */
#define KUBEADM_REPOSITORY "registry.k8s.io"

void task_release(struct task *t)
{
    json_decref(t->params);
    strv_release(&t->blobs);
    *t = TASK_INIT;
}

static const char *tag_of(const struct component *image)
{
    const char *colon = image ? strrchr(image->ref, ':') : NULL;
    return colon ? colon + 1 : NULL;
}

/* What the renderer needs of the cluster. */
struct rendering {
    struct cluster_config cluster;
    struct node_config node;
    char *discovery;
    struct strv taints, cert_names;
};

static void rendering_release(struct rendering *r)
{
    free(r->discovery);
    strv_release(&r->taints);
    strv_release(&r->cert_names);
}
#define AUTO_RENDERING CLEANUP(rendering_release) struct rendering

bool params_takes_pods(const struct host_run *h)
{
    if (h->host->roles & ROLE_WORKER)
        return true;
    const struct inventory *inv = h->run->inv;
    for (size_t i = 0; i < inv->host_count; i++)
        if (inv->hosts[i].state == STATE_PRESENT && (inv->hosts[i].roles & ROLE_WORKER))
            return false;
    return true;
}

static void render_node(const struct host_run *h, struct rendering *r)
{
    const struct facts *f = &h->facts;
    for (size_t i = 0; i < h->host->taint_count; i++) {
        const struct taint *t = &h->host->taints[i];
        strv_addf(&r->taints, "%s=%s:%s", t->key, t->value, t->effect);
    }
    r->node = (struct node_config){
        .name = f->node_name,
        .node_ip = f->node_ip,
        .cgroup_version = json_get_int(f->json, "cgroup", 2) == 1 ? 1 : 2,
        .swap_kept = false,
        .resolv_conf = facts_string(f, "resolv", "path", NULL),
        .no_default_route = json_is_null(json_object_get(f->json, "default_route")),
        .can_set_oom = facts_bool(f, "capabilities", "sys_resource", true),
        .control_plane = h->host->roles & ROLE_CONTROL_PLANE,
        .worker = params_takes_pods(h),
        .taints = (const char *const *) r->taints.items,
    };
}

static int render(const struct host_run *h, struct rendering *r, struct error *err)
{
    struct run *run = h->run;
    const struct bundle *b = run->bundle;
    const struct component *pause = bundle_find_image(b, KUBEADM_REPOSITORY "/pause");
    if (!pause)
        return error_set(err, -ENOENT, "the bundle has no image %s/pause", KUBEADM_REPOSITORY);
    api_cert_names(run, &r->cert_names);
    r->cluster = (struct cluster_config){
        .name = run->inv->cluster_name,
        .kubernetes_version = b->kubernetes,
        .endpoint = api_for_nodes(run->inv),
        .pod_cidr = run->inv->pod_cidr,
        .service_cidr = run->inv->service_cidr,
        .dns_domain = run->inv->dns_domain,
        .etcd_tag = tag_of(bundle_find_image(b, KUBEADM_REPOSITORY "/etcd")),
        .coredns_tag = tag_of(bundle_find_image(b, KUBEADM_REPOSITORY "/coredns/coredns")),
        .pause_image = pause->ref,
        .cert_sans = (const char *const *) r->cert_names.items,
    };
    render_node(h, r);
    return 0;
}

json_t *params_files(const struct host_files *files)
{
    json_t *array = json_array();
    for (size_t i = 0; i < files->count; i++) {
        char mode[8];
        snprintf(mode, sizeof(mode), "%04o", files->items[i].mode & 0777u);
        json_array_append_new(array, json_pack("{s:s,s:s,s:s}", "path", files->items[i].path,
                                               "content", files->items[i].content, "mode", mode));
    }
    return array;
}

int params_host(const struct host_run *h, struct task *out, struct error *err)
{
    AUTO_HOST_FILES files = HOST_FILES_INIT;
    int r = kubeadm_host_files(&files, err);
    if (r < 0)
        return r;
    json_t *sysctls = json_object(), *modules = json_array();
    for (const struct kubeadm_sysctl *s = kubeadm_sysctls; s->key; s++)
        json_object_set_new(sysctls, s->key, json_string(s->value));
    for (const char *const *m = kubeadm_modules; *m; m++)
        json_array_append_new(modules, json_string(*m));
    *out = (struct task){.step = "host", .timeout_ms = 2 * MINUTE_MS};
    out->params = json_pack("{s:o,s:o,s:s,s:b,s:o}", "sysctls", sysctls, "modules", modules, "swap",
                            "off", "bpf", strcmp(addons_network(h->run), NETWORK_CANAL) == 0,
                            "files", params_files(&files));
    return 0;
}

/* What not every cluster has use for is not sent. */
static bool is_wanted(const struct host_run *h, const struct component *files)
{
    if (files->kind != COMPONENT_FILES || !(files->roles & h->host->roles))
        return false;
    return strcmp(files->name, "keepalived") != 0 || h->run->inv->virtual_ip;
}

int params_unpack(const struct host_run *h, struct task *out, struct error *err)
{
    (void) err;
    const struct bundle *b = h->run->bundle;
    json_t *archives = json_array();
    *out = (struct task){.step = "unpack", .timeout_ms = 10 * MINUTE_MS};
    for (size_t i = 0; i < b->component_count; i++) {
        const struct component *c = &b->components[i];
        if (!is_wanted(h, c))
            continue;
        json_array_append_new(
            archives, json_pack("{s:s,s:s,s:s}", "name", c->name, "digest", c->blob, "into", "/"));
        strv_add(&out->blobs, c->blob);
    }
    out->params = json_pack("{s:o}", "archives", archives);
    return 0;
}

static int unit_task(const char *step, const char *unit, const struct host_files *files,
                     struct task *out)
{
    *out = (struct task){.step = step, .timeout_ms = 3 * MINUTE_MS};
    out->params = json_pack("{s:o,s:s}", "files", params_files(files), "unit", unit);
    return 0;
}

int params_runtime(const struct host_run *h, struct task *out, struct error *err)
{
    AUTO_RENDERING r = {0};
    AUTO_HOST_FILES files = HOST_FILES_INIT;
    int code = render(h, &r, err);
    if (code == 0)
        code = kubeadm_runtime_files(&r.cluster, &r.node, &files, err);
    return code < 0 ? code : unit_task("runtime", KUBEADM_CONTAINERD_UNIT, &files, out);
}

/* Also those that do not answer now: they shall not lose their volumes. */
static json_t *nfs_clients(const struct run *run)
{
    json_t *clients = json_array();
    for (size_t i = 0; i < run->inv->host_count; i++) {
        const struct host_run *h = &run->hosts[i];
        const char *address = facts_node_ip(&h->facts, h->host);
        if (h->host->state == STATE_PRESENT && address)
            json_array_append_new(clients, json_string(address));
    }
    return clients;
}

int params_nfs(const struct host_run *h, struct task *out, struct error *err)
{
    (void) err;
    *out = (struct task){.step = "nfs", .params = json_object(), .timeout_ms = 5 * MINUTE_MS};
    if (storage_nfs_server(h->run->inv) != (ssize_t) h->index)
        return 0;
    AUTO_FREE char *mount = storage_nfs_mount(h->host);
    json_object_set_new(out->params, "export", json_string(h->host->nfs_export));
    json_object_set_new(out->params, "clients", nfs_clients(h->run));
    if (mount)
        json_object_set_new(out->params, "mount", json_string(mount));
    return 0;
}

int params_kubelet(const struct host_run *h, struct task *out, struct error *err)
{
    AUTO_RENDERING r = {0};
    AUTO_HOST_FILES files = HOST_FILES_INIT;
    int code = render(h, &r, err);
    if (code == 0)
        code = kubeadm_kubelet_files(&r.cluster, &r.node, &files, err);
    return code < 0 ? code : unit_task("kubelet", KUBEADM_KUBELET_UNIT, &files, out);
}

static bool in_set(const struct component *image, enum image_set set)
{
    bool kubeadms = strncmp(image->ref, KUBEADM_REPOSITORY "/", strlen(KUBEADM_REPOSITORY "/")) ==
                    0;
    return kubeadms == (set == IMAGES_OF_KUBEADM);
}

/* What pods need, wherever they may run. */
static bool is_image_for(const struct component *c, const struct host_run *h)
{
    unsigned roles = h->host->roles | (params_takes_pods(h) ? ROLE_WORKER : 0);
    return c->kind == COMPONENT_IMAGE && (c->roles & roles);
}

int params_import(const struct host_run *h, enum image_set set, struct task *out, struct error *err)
{
    (void) err;
    const struct bundle *b = h->run->bundle;
    json_t *images = json_array();
    *out = (struct task){.step = "import",
                         .suffix = set == IMAGES_OF_KUBEADM ? "kubeadm" : "addons",
                         .timeout_ms = 15 * MINUTE_MS};
    for (size_t i = 0; i < b->component_count; i++) {
        const struct component *c = &b->components[i];
        if (!is_image_for(c, h) || !in_set(c, set) || !addons_wants(h->run, c))
            continue;
        json_array_append_new(images, json_pack("{s:s,s:s,s:O,s:b}", "ref", c->ref, "manifest",
                                                c->manifest, "blobs", c->blobs, "pinned", 1));
        strv_add(&out->blobs, c->manifest);
        size_t k;
        json_t *digest;
        json_array_foreach(c->blobs, k, digest)
            strv_add(&out->blobs, json_string_value(digest));
    }
    out->params = json_pack("{s:o}", "images", images);
    return 0;
}

static int config_task(const struct host_run *h, const char *step, const char *config,
                       struct task *out)
{
    *out = (struct task){.step = step, .timeout_ms = KUBEADM_TIMEOUT_MS};
    out->params = json_pack("{s:s,s:s}", "config", config, "node", h->facts.node_name);
    return 0;
}

int params_init(const struct host_run *h, const char *token, struct task *out, struct error *err)
{
    AUTO_RENDERING r = {0};
    AUTO_FREE char *config = NULL;
    int code = render(h, &r, err);
    if (code == 0)
        code = kubeadm_render_init(&r.cluster, &r.node, token, &config, err);
    return code < 0 ? code : config_task(h, "init", config, out);
}

/* The leader itself: what every host has of its own may stand in front of one that is dead. */
static char *discovery_endpoint(struct run *run)
{
    const char *leader = run_control_plane(run)->facts.node_ip;
    return xasprintf("%s:%d", leader ? leader : "", KUBEADM_API_PORT);
}

int params_join(const struct host_run *h, struct task *out, struct error *err)
{
    AUTO_RENDERING r = {0};
    AUTO_FREE char *config = NULL;
    struct run *run = h->run;
    bool control = h->host->roles & ROLE_CONTROL_PLANE;
    int code = render(h, &r, err);
    if (code < 0)
        return code;
    r.cluster.discovery = r.discovery = discovery_endpoint(run);
    char *token = run_token(run);
    code = kubeadm_render_join(&r.cluster, &r.node, token, run->ca_hash,
                               control ? run->certificate_key : NULL, &config, err);
    secret_free(&token);
    if (code < 0)
        return code;
    (void) config_task(h, "join", config, out);
    json_object_set_new(out->params, "control_plane", json_boolean(control));
    json_object_set_new(out->params, "attempt", json_string(run->id));
    return 0;
}

int params_certs(const struct host_run *h, struct task *out, struct error *err)
{
    AUTO_RENDERING r = {0};
    AUTO_FREE char *config = NULL;
    int code = render(h, &r, err);
    if (code == 0)
        code = kubeadm_render_certs(&r.cluster, &r.node, h->run->certificate_key, &config, err);
    if (code < 0)
        return code;
    *out = (struct task){.step = "certs", .timeout_ms = 2 * MINUTE_MS};
    out->params = json_pack("{s:s}", "config", config);
    return 0;
}

int params_members(struct run *run, struct task *out, struct error *err)
{
    (void) err;
    json_t *joining = json_array();
    for (size_t i = 0; i < run->inv->host_count; i++) {
        struct host_run *h = &run->hosts[i];
        /* Its facts are of the beginning: who has joined since is a member for good. */
        if (h != run_control_plane(run) && (h->host->roles & ROLE_CONTROL_PLANE) &&
            h->host->state == STATE_PRESENT && h->facts.json && !h->facts.role &&
            !latch_is_open(&h->joined))
            json_array_append_new(joining, json_pack("{s:s,s:s}", "node", h->facts.node_name,
                                                     "address", h->facts.node_ip));
    }
    *out = (struct task){.step = "members", .timeout_ms = 2 * MINUTE_MS};
    out->params = json_pack("{s:o}", "joining", joining);
    return 0;
}

/* What hosts.yaml says, else the smallest MTU among the hosts that answered; network addons take
 * off what they add. */
static int least_mtu(const struct run *run)
{
    int least = run->inv->mtu;
    if (least > 0)
        return least;
    for (size_t i = 0; i < run->inv->host_count; i++) {
        const struct facts *f = &run->hosts[i].facts;
        if (f->json && (least == 0 || f->mtu < least))
            least = f->mtu;
    }
    return least;
}

int params_addon(const struct host_run *h, const struct component *addon, struct task *out,
                 struct error *err)
{
    (void) err;
    const struct inventory *inv = h->run->inv;
    int least = least_mtu(h->run);
    char mtu[16], pod_mtu[16];
    snprintf(mtu, sizeof(mtu), "%d", least);
    snprintf(pod_mtu, sizeof(pod_mtu), "%d", least - VXLAN_OVERHEAD);
    AUTO_FREE char *host = xstrdup(api_for_nodes(inv));
    AUTO_FREE char *url = xasprintf("https://%s", host);
    char *port = strrchr(host, ':');
    *port++ = '\0';
    *out = (struct task){.step = "addon", .suffix = addon->name, .timeout_ms = 5 * MINUTE_MS};
    out->params = json_pack("{s:s,s:s,s:{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}}", "name",
                            addon->name, "archive", addon->blob, "values", "pod-cidr",
                            inv->pod_cidr, "service-cidr", inv->service_cidr, "dns-domain",
                            inv->dns_domain, "mtu", mtu, "pod-mtu", pod_mtu, "iptables-backend",
                            "Auto", "api-host", host, "api-port", port, "api-url", url);
    addons_image_values(h->run->bundle, addon, json_object_get(out->params, "values"));
    ssize_t server = storage_nfs_server(inv);
    const char *nfs = server >= 0 ? facts_node_ip(&h->run->hosts[server].facts, &inv->hosts[server])
                                  : NULL;
    if (server >= 0 && !nfs)
        return error_set(err, -EHOSTUNREACH, "the address of the NFS server %s is not known",
                         host_label(&inv->hosts[server]));
    storage_addon(inv, addon->name, nfs, out->params);
    strv_add(&out->blobs, addon->blob);
    return 0;
}

static json_t *node_labels(const struct host_run *h)
{
    json_t *labels = json_object(), *taints = json_array();
    for (size_t i = 0; i < h->host->label_count; i++)
        json_object_set_new(labels, h->host->labels[i].key, json_string(h->host->labels[i].value));
    storage_labels(h->host, labels);
    for (size_t i = 0; i < h->host->taint_count; i++) {
        const struct taint *t = &h->host->taints[i];
        AUTO_FREE char *text = xasprintf("%s=%s:%s", t->key, t->value, t->effect);
        json_array_append_new(taints, json_string(text));
    }
    return json_pack("{s:s,s:o,s:o}", "name", h->facts.node_name, "labels", labels, "taints",
                     taints);
}

int params_label(const struct run *run, size_t *next, struct task *out, struct error *err)
{
    (void) err;
    json_t *nodes = json_array();
    for (size_t room = LABELS_AT_ONCE; *next < run->inv->host_count; ++*next) {
        const struct host_run *h = &run->hosts[*next];
        if (!h->facts.node_name || run_failed(h) || h->host->state != STATE_PRESENT)
            continue;
        AUTO_JSON *node = node_labels(h);
        size_t size = json_dumpb(node, NULL, 0, JSON_COMPACT) + 1;
        if (size > room && json_array_size(nodes) > 0)
            break;
        json_array_append(nodes, node);
        room -= size < room ? size : room;
    }
    int each = (int) json_array_size(nodes) * LABEL_MS;
    *out = (struct task){.step = "label", .timeout_ms = 2 * MINUTE_MS + each};
    out->params = json_pack("{s:o}", "nodes", nodes);
    return 0;
}
