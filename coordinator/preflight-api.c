/* How the API is reached: what a live cluster has, and the virtual IP of each control plane. */
#include "coordinator/preflight.h"

#include "coordinator/api.h"
#include "lib/grammar.h"

#include <string.h>

#define REMEDY "choose another `virtual_ip:` under `cluster:` in hosts.yaml"

static uint32_t mask(unsigned prefix)
{
    return prefix ? UINT32_MAX << (32 - prefix) : 0;
}

static void check_virtual_ip(const struct inventory *inv, const struct facts *facts, size_t host,
                             struct findings *out)
{
    const struct facts *own = &facts[host];
    uint32_t address, node;
    unsigned prefix, any;
    if (!inv->virtual_ip || !(inv->hosts[host].roles & ROLE_CONTROL_PLANE) ||
        !grammar_ipv4_parse(inv->virtual_ip, &address))
        return;
    if (!grammar_ipv4_parse(own->node_ip, &node) || !facts_prefix(own, node, &prefix) ||
        ((address ^ node) & mask(prefix)) != 0)
        findings_add(out, true, REMEDY, "the virtual IP %s is not in the network of its %s",
                     inv->virtual_ip, own->node_ip);
    else if (prefix < 31 &&
             ((address & ~mask(prefix)) == 0 || (address | mask(prefix)) == UINT32_MAX))
        findings_add(out, true, REMEDY,
                     "the virtual IP %s is the network's own or its broadcast "
                     "address",
                     inv->virtual_ip);
    /* A node, or one that an earlier run began to make, may be the one that has it now. */
    if (!own->role && !facts_half_done(own) && facts_prefix(own, address, &any))
        findings_add(out, true, REMEDY, "the virtual IP %s is its own address already",
                     inv->virtual_ip);
}

/* Every node's configuration and the certificates name it. */
static void check_endpoint(const struct inventory *inv, const struct facts *own,
                           struct findings *out)
{
    const char *now = facts_string(own, "node", "api", NULL), *wanted = api_for_nodes(inv);
    if (!own->role || !now || strcmp(now, wanted) == 0)
        return;
    struct inventory without = {0};
    AUTO_FREE char *remedy = strcmp(now, api_for_nodes(&without)) == 0
                                 ? xstrdup("take `endpoint:` under `cluster:` out of hosts.yaml")
                                 : xasprintf("set `endpoint: %s` under `cluster:` in hosts.yaml",
                                             now);
    findings_add(out, true, remedy,
                 "nodes of this cluster reach the API at %s, which cannot become %s while it lives",
                 now, wanted);
}

void preflight_api(const struct inventory *inv, const struct facts *facts, size_t host,
                   struct findings *out)
{
    check_endpoint(inv, &facts[host], out);
    check_virtual_ip(inv, facts, host, out);
}
