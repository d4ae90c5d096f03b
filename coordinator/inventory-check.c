#include "coordinator/inventory-keys.h"
#include "coordinator/storage.h"
#include "lib/grammar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NODE_PREFIX 24        /* kube-controller-manager's --node-cidr-mask-size for IPv4 */
#define POD_PREFIX_MIN 8      /* its cluster CIDR may be at most 16 bits wider than a node's */
#define SERVICE_PREFIX_MIN 12 /* kube-apiserver: at most 20 bits of services */
#define SERVICE_PREFIX_MAX 28 /* kubeadm: at least ten services */

/* Where a host's key was written, else the host. */
static const struct yaml_node *host_node(const struct inventory_reader *r, size_t i,
                                         const char *key)
{
    const struct yaml_node *host = yaml_get(r->file->root, "hosts")->items[i];
    const struct yaml_node *value = host->kind == YAML_MAPPING ? yaml_get(host, key) : NULL;
    return value ? value : host;
}

static const struct yaml_node *cluster_node(const struct inventory_reader *r, const char *key)
{
    const struct yaml_node *cluster = yaml_get(r->file->root, "cluster");
    const struct yaml_node *value = cluster ? yaml_get(cluster, key) : NULL;
    return value ? value : cluster;
}

/* "n1.rack2.example.com" → "n1"; an address has no name in it. */
static char *name_from_address(const char *address)
{
    if (grammar_ip(address))
        return NULL;
    AUTO_FREE char *name = xstrndup(address, strcspn(address, "."));
    return grammar_node_name(name) ? TAKE_PTR(name) : NULL;
}

static void fill_in(struct inventory_reader *r)
{
    for (size_t i = 0; i < r->inv->host_count; i++) {
        struct host *h = &r->inv->hosts[i];
        if (!h->name && h->address)
            h->name = name_from_address(h->address);
        if (!h->sudo_password && h->password)
            h->sudo_password = xstrdup(h->password);
    }
}

/* What two hosts must not share; fresh text, or NULL when this host has none. */
struct uniqueness {
    const char *key;
    char *(*text)(const struct host *h);
};

static char *address_of(const struct host *h)
{
    if (!h->address)
        return NULL;
    return strchr(h->address, ':') ? xasprintf("[%s]:%u", h->address, h->port)
                                   : xasprintf("%s:%u", h->address, h->port);
}

static char *name_of(const struct host *h)
{
    return h->name ? xstrdup(h->name) : NULL;
}

static char *serial_of(const struct host *h)
{
    return h->serial ? xstrdup(h->serial) : NULL;
}

static char *node_ip_of(const struct host *h)
{
    return h->node_ip ? xstrdup(h->node_ip) : NULL;
}

struct entry {
    char *text;
    size_t host;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order ? order : (x->host > y->host) - (x->host < y->host);
}

static int report_duplicate(const struct inventory_reader *r, const struct uniqueness *u,
                            const struct entry *entries, size_t count, struct error *err)
{
    const struct entry *first = NULL;
    for (size_t i = 1; i < count; i++)
        if (strcmp(entries[i - 1].text, entries[i].text) == 0 &&
            (!first || entries[i].host < first->host))
            first = &entries[i];
    if (!first)
        return 0;
    return yaml_error(r->file, host_node(r, first->host, u->key), err,
                      "%s %s is also that of the host in line %u, expected each once", u->key,
                      first->text, r->inv->hosts[first[-1].host].line);
}

/* Sorted, not every pair: a file may hold thousands of hosts. */
static int check_unique(const struct inventory_reader *r, const struct uniqueness *u,
                        struct error *err)
{
    AUTO_FREE struct entry *entries = xcalloc(r->inv->host_count, sizeof(*entries));
    size_t count = 0;
    for (size_t i = 0; i < r->inv->host_count; i++) {
        char *text = u->text(&r->inv->hosts[i]);
        if (text)
            entries[count++] = (struct entry){text, i};
    }
    qsort(entries, count, sizeof(*entries), compare_entries);
    int rc = report_duplicate(r, u, entries, count, err);
    for (size_t i = 0; i < count; i++)
        free(entries[i].text);
    return rc;
}

static int check_duplicates(struct inventory_reader *r, struct error *err)
{
    static const struct uniqueness unique[] = {
        {"address", address_of}, {"name", name_of}, {"node_ip", node_ip_of}, {"serial", serial_of}};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(unique); i++)
        rc = check_unique(r, &unique[i], err);
    return rc;
}

/* The first host is the control plane also when it is marked absent: else removing the line's host
 * would silently promote the next one. */
static void default_roles(struct inventory *inv)
{
    bool named = false;
    for (size_t i = 0; i < inv->host_count; i++)
        named |= (inv->hosts[i].roles & ROLE_CONTROL_PLANE) != 0;
    for (size_t i = 0; i < inv->host_count; i++)
        if (inv->hosts[i].roles == 0)
            inv->hosts[i].roles = i == 0 && !named ? ROLE_CONTROL_PLANE : ROLE_WORKER;
}

/* Whoever is left must be able to go on with the cluster: with the last one it would be gone. */
static int no_control_plane(const struct inventory_reader *r, size_t absent, size_t first,
                            struct error *err)
{
    if (absent == 0)
        return yaml_error(r->file, yaml_get(r->file->root, "hosts"), err,
                          "no host is a control plane, expected one with roles: [control-plane]");
    (void) yaml_error(r->file, host_node(r, first, "state"), err,
                      "%s absent, expected one to be present",
                      absent == 1 ? "the only control plane is" : "all control planes are");
    (void) error_remedy(err, "to take the whole cluster down: bigtop-bootstrap reset %s",
                        r->file->name);
    return -EINVAL;
}

static int check_roles(struct inventory_reader *r, struct error *err)
{
    default_roles(r->inv);
    size_t absent = 0, first = 0;
    for (size_t i = 0; i < r->inv->host_count; i++) {
        const struct host *h = &r->inv->hosts[i];
        if (!(h->roles & ROLE_CONTROL_PLANE))
            continue;
        if (h->state == STATE_PRESENT)
            return 0;
        first = absent++ == 0 ? i : first;
    }
    return no_control_plane(r, absent, first, err);
}

static int check_sudo(struct inventory_reader *r, struct error *err)
{
    for (size_t i = 0; i < r->inv->host_count; i++) {
        const struct host *h = &r->inv->hosts[i];
        if (h->sudo == SUDO_NONE && strcmp(h->user, "root") != 0)
            return yaml_error(r->file, host_node(r, i, "sudo"), err,
                              "sudo is none for user %s of %s, expected user root or sudo: auto",
                              h->user, host_label(h));
    }
    return 0;
}

struct network {
    const char *key, *text;
    uint32_t address;
    unsigned prefix;
};

static struct network network_of(const char *key, const char *text)
{
    struct network n = {.key = key, .text = text};
    (void) grammar_cidr4(text, &n.address, &n.prefix); /* checked when it was read */
    return n;
}

static bool contains(const struct network *n, const char *ip)
{
    uint32_t address = 0;
    return ip && grammar_ipv4_parse(ip, &address) &&
           cidr4_overlap(n->address, n->prefix, address, 32);
}

/* RFC 6890: this host, loopback, link local, multicast and reserved. */
static bool is_special(const struct network *n)
{
    static const char *const special[] = {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16",
                                          "224.0.0.0/3"};
    for (size_t i = 0; i < ARRAY_SIZE(special); i++) {
        struct network s = network_of("", special[i]);
        if (cidr4_overlap(n->address, n->prefix, s.address, s.prefix))
            return true;
    }
    return false;
}

static int check_outside(const struct inventory_reader *r, const struct network *n,
                         struct error *err)
{
    if (is_special(n))
        return yaml_error(r->file, cluster_node(r, n->key), err,
                          "%s %s holds loopback, link-local, multicast or reserved addresses, "
                          "expected a private network",
                          n->key, n->text);
    for (size_t i = 0; i < r->inv->host_count; i++) {
        const struct host *h = &r->inv->hosts[i];
        const char *key = contains(n, h->node_ip) ? "node_ip" : "address";
        if (!contains(n, h->node_ip) && !contains(n, h->address))
            continue;
        (void) yaml_error(r->file, host_node(r, i, key), err,
                          "%s %s lies inside %s %s, expected it outside", key,
                          strcmp(key, "node_ip") == 0 ? h->node_ip : h->address, n->key, n->text);
        (void) error_remedy(err, "set cluster: {%s: ...} to a network that nothing else uses",
                            n->key);
        return -EINVAL;
    }
    return 0;
}

static int check_size(const struct inventory_reader *r, const struct network *n, unsigned min,
                      unsigned max, struct error *err)
{
    if (n->prefix >= min && n->prefix <= max)
        return 0;
    return yaml_error(r->file, cluster_node(r, n->key), err,
                      "%s %s is too %s, expected a network from /%u to /%u", n->key, n->text,
                      n->prefix < min ? "large" : "small", min, max);
}

static int check_networks(struct inventory_reader *r, struct error *err)
{
    struct network pods = network_of("pod_cidr", r->inv->pod_cidr);
    struct network services = network_of("service_cidr", r->inv->service_cidr);
    int rc = check_size(r, &pods, POD_PREFIX_MIN, NODE_PREFIX, err);
    if (rc == 0)
        rc = check_size(r, &services, SERVICE_PREFIX_MIN, SERVICE_PREFIX_MAX, err);
    if (rc < 0)
        return rc;
    size_t room = (size_t) 1 << (NODE_PREFIX - pods.prefix);
    if (room < r->inv->host_count)
        return yaml_error(r->file, cluster_node(r, "pod_cidr"), err,
                          "pod_cidr %s has room for %zu host(s) with a /%d each, expected room for "
                          "%zu",
                          pods.text, room, NODE_PREFIX, r->inv->host_count);
    if (cidr4_overlap(pods.address, pods.prefix, services.address, services.prefix))
        return yaml_error(r->file, cluster_node(r, "pod_cidr"), err,
                          "pod_cidr %s overlaps service_cidr %s, expected separate networks",
                          pods.text, services.text);
    rc = check_outside(r, &pods, err);
    return rc < 0 ? rc : check_outside(r, &services, err);
}

/* Names of classes that are made besides those of disks. */
static int check_disk_classes(const struct inventory_reader *r, size_t i, struct error *err)
{
    static const char *const taken[] = {STORAGE_CLASS_LOCAL_PATH, STORAGE_CLASS_OPENEBS,
                                        STORAGE_CLASS_NFS};
    const struct host *h = &r->inv->hosts[i];
    for (size_t d = 0; d < h->disk_count; d++)
        for (size_t t = 0; t < ARRAY_SIZE(taken); t++)
            if (h->disks[d].class && strcmp(h->disks[d].class, taken[t]) == 0)
                return yaml_error(r->file, host_node(r, i, "disks"), err,
                                  "class %s of a disk of %s is the name of another storage class, "
                                  "expected one such as ssd",
                                  taken[t], host_label(h));
    return 0;
}

static int check_storage(struct inventory_reader *r, struct error *err)
{
    const struct host *server = NULL;
    bool wanted = strv_contains(&r->inv->storage, "nfs");
    for (size_t i = 0; i < r->inv->host_count; i++) {
        const struct host *h = &r->inv->hosts[i];
        int rc = check_disk_classes(r, i, err);
        if (rc < 0)
            return rc;
        if (!h->nfs_export || h->state == STATE_ABSENT)
            continue;
        if (server)
            return yaml_error(r->file, host_node(r, i, "nfs"), err,
                              "a second NFS server beside %s, expected one", host_label(server));
        if (!wanted)
            return yaml_error(r->file, host_node(r, i, "nfs"), err,
                              "%s has nfs, which storage does not name, expected storage: "
                              "[local-path, nfs]",
                              host_label(h));
        server = h;
    }
    if (wanted && !server)
        return yaml_error(r->file, yaml_get(r->file->root, "storage"), err,
                          "storage is nfs without a server, expected a host with nfs: {export: "
                          "/srv/nfs}");
    return 0;
}

static int check_virtual_ip(struct inventory_reader *r, struct error *err)
{
    const char *address = r->inv->virtual_ip;
    struct network own = {.prefix = 32};
    if (!address)
        return 0;
    (void) grammar_ipv4_parse(address, &own.address); /* checked when it was read */
    const struct yaml_node *at = cluster_node(r, "virtual_ip");
    if (is_special(&own))
        return yaml_error(r->file, at, err,
                          "virtual_ip %s is a loopback, link-local, multicast or reserved address, "
                          "expected one of the hosts' network",
                          address);
    const struct network networks[] = {network_of("pod_cidr", r->inv->pod_cidr),
                                       network_of("service_cidr", r->inv->service_cidr)};
    for (size_t i = 0; i < ARRAY_SIZE(networks); i++)
        if (contains(&networks[i], address))
            return yaml_error(r->file, at, err,
                              "virtual_ip %s lies inside %s %s, expected it outside", address,
                              networks[i].key, networks[i].text);
    for (size_t i = 0; i < r->inv->host_count; i++) {
        const struct host *h = &r->inv->hosts[i];
        if ((h->address && strcmp(h->address, address) == 0) ||
            (h->node_ip && strcmp(h->node_ip, address) == 0))
            return yaml_error(r->file, at, err,
                              "virtual_ip %s is the address of the host in line %u, expected one "
                              "that nothing has",
                              address, h->line);
    }
    return 0;
}

int inventory_check(struct inventory_reader *r, struct error *err)
{
    static int (*const checks[])(struct inventory_reader *, struct error *) = {
        check_duplicates, check_roles,      check_sudo,          check_networks,
        check_storage,    check_virtual_ip, inventory_check_rack};
    fill_in(r);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(checks); i++)
        rc = checks[i](r, err);
    return rc;
}
