#include "coordinator/preflight.h"

#include "coordinator/preflight-disks.h"
#include "coordinator/storage.h"
#include "kubeadm/balancer.h"
#include "lib/architecture.h"
#include "lib/grammar.h"
#include "lib/strbuf.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void findings_release(struct findings *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free(f->items[i].text);
        free(f->items[i].remedy);
    }
    free(f->items);
    *f = FINDINGS_INIT;
}

void findings_add(struct findings *f, bool refusal, const char *remedy, const char *format, ...)
{
    STRBUF(text, ERROR_TEXT_MAX);
    va_list args;
    va_start(args, format);
    strbuf_vaddf(&text, format, args);
    va_end(args);
    STRBUF(safe, ERROR_TEXT_MAX);
    strbuf_add_printable(&safe, text.data, text.len);
    f->items = xrealloc(f->items, f->count + 1, sizeof(*f->items));
    f->items[f->count++] = (struct finding){
        .refusal = refusal, .text = strbuf_steal(&safe), .remedy = xstrdup(remedy)};
}

size_t findings_refusals(const struct findings *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->count; i++)
        n += f->items[i].refusal;
    return n;
}

struct check {
    const struct inventory *inv;
    const struct bundle *bundle;
    int64_t serial;
    const struct facts *all, *own;
    const struct host *host;
    size_t index;
    struct findings *out;
};

#define refuse(c, remedy, ...) findings_add((c)->out, true, remedy, __VA_ARGS__)
#define warn(c, remedy, ...) findings_add((c)->out, false, remedy, __VA_ARGS__)

static void check_architecture(const struct check *c)
{
    const char *arch = json_get_string(c->own->json, "arch", "?");
    const char *oci = architecture_of_machine(arch);
    if (strcmp(oci, c->bundle->architecture) != 0)
        refuse(c, "build a bundle for this architecture, or take the host out of hosts.yaml",
               "the host is %s, the bundle is for %s", oci, c->bundle->architecture);
}

#define REMEDY_ANEW "`bigtop-bootstrap reset` lets the host begin anew"

/* As the host will do itself (agent/trust.c), but before anything is changed anywhere. */
static void check_trust(const struct check *c)
{
    const struct bundle *b = c->bundle;
    const json_t *had = json_object_get(c->own->json, "bundle");
    if (!json_is_object(had))
        return;
    const char *damaged = json_get_string(had, "damaged", NULL);
    const char *product = json_get_string(had, "product", "?"), *id = b->signature.key_id;
    int64_t serial = json_get_int(had, "serial", 0);
    AUTO_FREE char *named = xasprintf("take a newer bundle, or name this one: --serial %" PRId64,
                                      b->serial);
    if (damaged)
        refuse(c, "find out who changed it; " REMEDY_ANEW, "%s", damaged);
    else if (strcmp(product, b->product) != 0)
        refuse(c, REMEDY_ANEW, "the bundle is of product %s, the host has %s", b->product, product);
    else if (json_array_size(json_object_get(had, "keys")) > 0 && !facts_trusts(c->own, id))
        refuse(c, "take a bundle of who signed the one before; " REMEDY_ANEW,
               *id ? "the bundle is signed by key %s, which the host does not trust"
                   : "the bundle is not signed, and the host has had a signed one%s",
               id);
    else if (b->serial < serial && b->serial != c->serial &&
             strcmp(b->digest, json_get_string(had, "manifest", "")) != 0)
        refuse(c, named, "the bundle has serial %" PRId64 ", the host has had %" PRId64, b->serial,
               serial);
}

static void check_memory(const struct check *c)
{
    bool control = c->host->roles & ROLE_CONTROL_PLANE;
    int64_t least = control ? PREFLIGHT_CONTROL_PLANE_KIB : PREFLIGHT_WORKER_KIB;
    int64_t have = json_get_int(c->own->json, "memory_kib", 0);
    if (have < least)
        refuse(c, "give the host more memory, or another role",
               "%" PRId64 " MiB of memory; a %s needs %" PRId64, have / 1024,
               control ? "control plane" : "worker", least / 1024);
}

static void check_disk(const struct check *c)
{
    const json_t *disk = json_object_get(json_object_get(c->own->json, "disks"), "/var/lib");
    int64_t free_kib = json_get_int(disk, "free_kib", 0),
            total = json_get_int(disk, "total_kib", 0);
    if (free_kib < PREFLIGHT_DISK_KIB)
        refuse(c, "free some room below /var/lib, or put it on a larger file system",
               "%" PRId64 " MiB free below /var/lib; %ld are needed", free_kib / 1024,
               PREFLIGHT_DISK_KIB / 1024);
    else if (total > 0 && free_kib * 100 / total < 15)
        warn(c, "below 15 % free, kubelet evicts pods and removes images",
             "only %" PRId64 " %% of the file system of /var/lib is free", free_kib * 100 / total);
}

static const struct needed_program {
    const char *name, *package;
} needed_programs[] = {
    /* kubeadm v1.34 cmd/kubeadm/app/preflight/checks.go: mandatory InPathChecks; kubelet: mount */
    {"ip", "iproute2"},
    {"mount", "mount"},
    {"losetup", "mount (util-linux)"},
    {"cp", "coreutils"},
    /* kubelet and the CNI portmap plugin */
    {"iptables", "iptables"},
};

static void check_programs(const struct check *c)
{
    const json_t *programs = json_object_get(c->own->json, "programs");
    for (size_t i = 0; i < ARRAY_SIZE(needed_programs); i++) {
        if (json_get_bool(programs, needed_programs[i].name, true))
            continue;
        AUTO_FREE char *remedy = xasprintf("install the package %s on the host",
                                           needed_programs[i].package);
        refuse(c, remedy, "the program `%s` is missing", needed_programs[i].name);
    }
}

static void need_module(const struct check *c, const char *name, const char *what_for)
{
    const json_t *modules = json_object_get(c->own->json, "modules");
    if (strcmp(json_get_string(modules, name, "missing"), "missing") == 0)
        refuse(c, "install the distribution's full kernel package (not a -cloud or -minimal one)",
               "the kernel has no %s%s, neither built in nor as a module", name, what_for);
}

static void check_modules(const struct check *c)
{
    static const char *const needed[] = {"overlay", "br_netfilter", "vxlan"};
    for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
        need_module(c, needed[i], "");
}

/* Also of nodes: they become clients, or the server, when hosts.yaml says so later. A server whose
 * line is gone is left alone: volumes may be in use. */
static void check_nfs(const struct check *c)
{
    ssize_t server = storage_nfs_server(c->inv);
    const char *served = json_get_string(c->own->json, "nfs_export", NULL);
    if (served && server != (ssize_t) c->index)
        warn(c, "move the claims away; `bigtop-bootstrap reset` of the host ends it",
             "it still serves %s by NFS, which hosts.yaml does not say any more", served);
    if (server < 0)
        return;
    need_module(c, "nfsv4", " (the client of NFS)");
    if (server == (ssize_t) c->index)
        need_module(c, "nfsd", " (the server of NFS)");
}

static bool is_listening(const struct facts *f, int port)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(f->json, "listening"), i, item) {
        if (json_get_int(item, "port", 0) == port &&
            strcmp(json_get_string(item, "protocol", ""), "tcp") == 0)
            return true;
    }
    return false;
}

static void check_ports(const struct check *c)
{
    if (facts_half_done(c->own))
        return;
    /* Kubernetes documentation, "Ports and Protocols"; a worker has the first
     * three */
    static const int ports[] = {10250, 10256, BALANCER_PORT, 6443, 2379, 2380, 10257, 10259};
    size_t count = c->host->roles & ROLE_CONTROL_PLANE ? ARRAY_SIZE(ports) : 3;
    for (size_t i = 0; i < count; i++)
        if (is_listening(c->own, ports[i]))
            refuse(c, "stop what listens there (`ss -ltnp` on the host shows it)",
                   "TCP port %d is in use", ports[i]);
}

static void check_foreign(const struct check *c)
{
    static const char *const units[] = {"containerd.service", "docker.service", "kubelet.service"};
    if (json_get_bool(c->own->json, "foreign_kubernetes", false))
        refuse(c, "`kubeadm reset` on that host gives it free, or take it out of hosts.yaml",
               "it belongs to a Kubernetes cluster that bigtop-bootstrap did not make");
    const json_t *all = json_object_get(c->own->json, "units");
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        const json_t *unit = json_object_get(all, units[i]);
        if (strcmp(json_get_string(unit, "active", "inactive"), "active") == 0 &&
            !json_get_bool(unit, "ours", false)) {
            AUTO_FREE char *remedy = xasprintf(
                "`systemctl disable --now %s` on the host, or take another host", units[i]);
            refuse(c, remedy, "%s runs already and is not ours", units[i]);
        }
    }
}

static void check_network(const struct check *c)
{
    uint32_t pod, service, node;
    unsigned pod_bits, service_bits;
    if (c->own->mtu < INVENTORY_MTU_MIN)
        refuse(c, "raise the MTU of that interface", "the MTU of %s is %d; VXLAN needs %d",
               c->own->interface, c->own->mtu, INVENTORY_MTU_MIN);
    else if (c->own->mtu < c->inv->mtu)
        refuse(c, "raise the MTU of that interface, or lower `mtu` under `cluster:` in hosts.yaml",
               "the MTU of %s is %d, hosts.yaml says %u", c->own->interface, c->own->mtu,
               (unsigned) c->inv->mtu);
    if (!grammar_ipv4_parse(c->own->node_ip, &node) ||
        !grammar_cidr4(c->inv->pod_cidr, &pod, &pod_bits) ||
        !grammar_cidr4(c->inv->service_cidr, &service, &service_bits))
        return;
    if (cidr4_overlap(node, 32, pod, pod_bits) || cidr4_overlap(node, 32, service, service_bits))
        refuse(c, "choose other `pod_cidr` and `service_cidr` under `cluster:` in hosts.yaml",
               "its address %s lies in the pods' %s or the services' %s", c->own->node_ip,
               c->inv->pod_cidr, c->inv->service_cidr);
}

int64_t preflight_clock(const struct inventory *inv, const struct facts *facts, size_t host,
                        const char **whom)
{
    *whom = "this machine's";
    for (size_t i = 0; i < inv->host_count; i++) {
        if (!(inv->hosts[i].roles & ROLE_CONTROL_PLANE) || !facts[i].json || i == host ||
            facts_lacks_clock(&facts[i]))
            continue;
        *whom = "the control plane's";
        return facts[i].clock_offset_ms;
    }
    return 0;
}

static void check_clock(const struct check *c)
{
    const char *whom;
    int64_t reference = preflight_clock(c->inv, c->all, c->index, &whom);
    if (facts_lacks_clock(c->own))
        return;
    int64_t skew = c->own->clock_offset_ms - reference, size = skew < 0 ? -skew : skew;
    const char *remedy = "set the clock (`timedatectl set-ntp true`, or `date -s`) on the host";
    if (size > PREFLIGHT_CLOCK_REFUSE_MS)
        refuse(c, remedy, "its clock is %" PRId64 " s %s %s", size / 1000,
               skew < 0 ? "behind" : "ahead of", whom);
    else if (size > PREFLIGHT_CLOCK_WARN_MS)
        warn(c, remedy, "its clock is %" PRId64 " ms %s %s", size, skew < 0 ? "behind" : "ahead of",
             whom);
}

static bool same_text(const char *a, const char *b)
{
    return a && b && *a && strcmp(a, b) == 0;
}

/* The MAC address that both have on a physical-looking interface, or NULL. */
static const char *shared_mac(const struct facts *a, const struct facts *b)
{
    size_t i, k;
    json_t *one, *two;
    json_array_foreach(json_object_get(a->json, "interfaces"), i, one) {
        if (!same_text(json_get_string(one, "name", NULL), a->interface))
            continue;
        json_array_foreach(json_object_get(b->json, "interfaces"), k, two) {
            if (same_text(json_get_string(two, "name", NULL), b->interface) &&
                same_text(json_get_string(one, "mac", NULL), json_get_string(two, "mac", NULL)))
                return json_get_string(one, "mac", NULL);
        }
    }
    return NULL;
}

static void check_against(const struct check *c, const struct facts *other, const char *name)
{
    const struct facts *own = c->own;
    if (same_text(own->node_name, other->node_name))
        refuse(c, "give each host its own `name:` in hosts.yaml, or its own host name",
               "its node name %s is also that of %s", own->node_name, name);
    if (same_text(own->node_ip, other->node_ip))
        refuse(c, "give each host its own address, and `node_ip:` where it has several",
               "its node address %s is also that of %s: the same host twice?", own->node_ip, name);
    if (same_text(json_get_string(own->json, "machine_id", NULL),
                  json_get_string(other->json, "machine_id", NULL)))
        refuse(
            c,
            "cloned disk? On one of them: `rm /etc/machine-id; systemd-machine-id-setup`, reboot",
            "its machine-id is also that of %s", name);
    if (same_text(json_get_string(own->json, "product_uuid", NULL),
                  json_get_string(other->json, "product_uuid", NULL)))
        refuse(c, "give each virtual machine its own UUID", "its product UUID is also that of %s",
               name);
    const char *mac = shared_mac(own, other);
    if (mac)
        refuse(c, "give each virtual machine's network card its own MAC address",
               "its MAC address %s is also that of %s", mac, name);
}

static void check_others(const struct check *c)
{
    for (size_t i = 0; i < c->inv->host_count; i++) {
        if (i == c->index || !c->all[i].json)
            continue;
        check_against(c, &c->all[i], host_label(&c->inv->hosts[i]));
        if (c->own->cluster && c->all[i].cluster && strcmp(c->own->cluster, c->all[i].cluster) != 0)
            refuse(c, "`bigtop-bootstrap reset` the one that is to move, then apply again",
                   "it is a node of another cluster than %s", host_label(&c->inv->hosts[i]));
    }
}

static void check_role(const struct check *c)
{
    bool control = c->host->roles & ROLE_CONTROL_PLANE;
    if (c->own->role && control != (strcmp(c->own->role, "control-plane") == 0))
        refuse(c, "set `roles:` back, or `bigtop-bootstrap reset` the host first",
               "it is a %s now and hosts.yaml wants a %s", c->own->role,
               control ? "control plane" : "worker");
}

/* A host that is no node yet must have room for what comes. */
static void check_room(const struct check *c)
{
    check_memory(c);
    check_disk(c);
    check_programs(c);
    check_modules(c);
    check_ports(c);
    check_foreign(c);
}

void preflight_check(const struct inventory *inv, const struct bundle *bundle, int64_t serial,
                     const struct facts *facts, size_t host, struct findings *out)
{
    const struct check c = {.inv = inv,
                            .bundle = bundle,
                            .serial = serial,
                            .all = facts,
                            .own = &facts[host],
                            .host = &inv->hosts[host],
                            .index = host,
                            .out = out};
    check_architecture(&c);
    check_trust(&c);
    check_role(&c);
    check_network(&c);
    check_clock(&c);
    check_others(&c);
    preflight_api(inv, facts, host, out);
    preflight_disks(c.host, c.own, out);
    check_nfs(&c);
    if (!c.own->role)
        check_room(&c);
}
