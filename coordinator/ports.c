#include "coordinator/ports.h"

#include "kubeadm/config.h"
#include "lib/grammar.h"
#include "lib/protocol.h"
#include "lib/strbuf.h"

#include <string.h>

#define FIREWALL_TIMEOUT_MS (5 * 60 * 1000)
#define ANYWHERE "0.0.0.0/0"
#define PORT_METRICS_FIRST 9100
#define PORT_METRICS_LAST 9104
#define ANY (ROLE_CONTROL_PLANE | ROLE_WORKER)

enum from { FROM_ANYWHERE, FROM_NODES, FROM_CONTROL_PLANES };
enum when { ALWAYS, WITH_PROFILE, WITH_VIRTUAL_IP, WITH_NFS };

/* Sources: Kubernetes documentation, "Ports and Protocols"; flannel's and Calico's "System
 * requirements"; RFC 5798 (VRRP); RFC 7530 (NFS version 4 needs no other port). */
static const struct port {
    const char *protocol;
    int first, last; /* 0: the protocol has none */
    unsigned on;     /* enum host_role bits */
    enum from from;
    enum when when;
} ports[] = {
    {"tcp", KUBEADM_API_PORT, KUBEADM_API_PORT, ROLE_CONTROL_PLANE, FROM_ANYWHERE, ALWAYS},
    {"tcp", PORT_ETCD, PORT_ETCD + 1, ROLE_CONTROL_PLANE, FROM_CONTROL_PLANES, ALWAYS},
    /* API servers, and what reads metrics, which runs anywhere: pods come with their node's
     * address. */
    {"tcp", PORT_KUBELET, PORT_KUBELET, ANY, FROM_NODES, ALWAYS},
    {"udp", PORT_VXLAN, PORT_VXLAN, ANY, FROM_NODES, ALWAYS},
    /* Something listens there only while a run lasts. */
    {"tcp", EXCHANGE_PORT, EXCHANGE_PORT, ANY, FROM_NODES, ALWAYS},
    /* profiles/components/node-exporter: what Prometheus, a pod, reads of nodes. */
    {"tcp", PORT_METRICS_FIRST, PORT_METRICS_LAST, ANY, FROM_NODES, WITH_PROFILE},
    {"vrrp", 0, 0, ROLE_CONTROL_PLANE, FROM_CONTROL_PLANES, WITH_VIRTUAL_IP},
    {"tcp", PORT_NFS, PORT_NFS, ANY, FROM_NODES, WITH_NFS},
};

bool ports_has_firewall(const struct facts *f)
{
    return json_array_size(json_object_get(f->json, "firewall")) > 0;
}

static bool is_on(const struct port *p, const struct host_run *h)
{
    return (p->on & h->host->roles) && (p->when != WITH_PROFILE || h->run->inv->profile) &&
           (p->when != WITH_VIRTUAL_IP || h->run->inv->virtual_ip) &&
           (p->when != WITH_NFS || h->host->nfs_export);
}

json_t *ports_tried(const struct host_run *h)
{
    json_t *list = json_array();
    for (const struct port *p = ports; p < ports + ARRAY_SIZE(ports); p++)
        for (int number = p->first; number <= p->last && p->when == ALWAYS && is_on(p, h); number++)
            json_array_append_new(list,
                                  json_pack("{s:s,s:i}", "protocol", p->protocol, "port", number));
    return list;
}

static bool lets_in(const struct port *p, const struct host_run *from)
{
    return from->host->state == STATE_PRESENT &&
           (p->from != FROM_CONTROL_PLANES || (from->host->roles & ROLE_CONTROL_PLANE));
}

bool ports_will_open(const struct host_run *to, const struct host_run *from, const char *protocol,
                     int port)
{
    if (!ports_has_firewall(&to->facts))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
        if (strcmp(ports[i].protocol, protocol) == 0 && ports[i].first <= port &&
            port <= ports[i].last && is_on(&ports[i], to) && lets_in(&ports[i], from))
            return true;
    return false;
}

/* The network of that address of the host; the address alone when it is not known. The caller
 * frees. */
static char *network_of(const struct host_run *h, const char *address)
{
    uint32_t number;
    unsigned bits;
    char network[16];
    if (!grammar_ipv4_parse(address, &number) || !facts_prefix(&h->facts, number, &bits) ||
        bits == 0)
        return xstrdup(address);
    ipv4_format(number & (UINT32_MAX << (32 - bits)), network);
    return xasprintf("%s/%u", network, bits);
}

/* The others that the port is for, one by one or, when they are many, by their networks. */
static void sources_of(const struct port *p, const struct host_run *h, struct strv *out)
{
    const struct run *run = h->run;
    size_t count = 0;
    for (size_t i = 0; i < run->inv->host_count; i++)
        count += lets_in(p, &run->hosts[i]);
    for (size_t i = 0; i < run->inv->host_count; i++) {
        const struct host_run *other = &run->hosts[i];
        const char *address = facts_node_ip(&other->facts, other->host);
        if (other == h || !lets_in(p, other) || !address)
            continue;
        AUTO_FREE char *source = count > PORTS_SOURCES_MAX ? network_of(other, address)
                                                           : xstrdup(address);
        if (!strv_contains(out, source))
            strv_add(out, source);
    }
}

static void add_rule(const struct port *p, const struct host_run *h, json_t *rules)
{
    STRV(sources);
    if (p->from == FROM_ANYWHERE)
        strv_add(&sources, ANYWHERE);
    else
        sources_of(p, h, &sources);
    if (sources.count == 0)
        return;
    strv_sort(&sources);
    json_array_append_new(rules,
                          json_pack("{s:s,s:i,s:i,s:o}", "protocol", p->protocol, "first", p->first,
                                    "last", p->last, "sources", json_texts(&sources)));
}

static bool all_are_known(const struct run *run)
{
    for (size_t i = 0; i < run->inv->host_count; i++) {
        const struct host_run *h = &run->hosts[i];
        if (h->host->state == STATE_PRESENT && !facts_node_ip(&h->facts, h->host))
            return false;
    }
    return true;
}

int ports_task(const struct host_run *h, struct task *out)
{
    if (h->facts.role && !all_are_known(h->run))
        return 0;
    json_t *rules = json_array();
    for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
        if (is_on(&ports[i], h))
            add_rule(&ports[i], h, rules);
    *out = (struct task){.step = "firewall", .timeout_ms = FIREWALL_TIMEOUT_MS};
    out->params = json_pack("{s:s,s:s,s:o}", "interface", h->facts.interface, "pods",
                            h->run->inv->pod_cidr, "rules", rules);
    return 1;
}
