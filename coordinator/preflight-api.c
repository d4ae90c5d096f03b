/* How the API is reached: what a live cluster has, and the virtual IP of each control plane. */
#include "coordinator/preflight.h"

#include "coordinator/api.h"
#include "lib/grammar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REMEDY "choose another `virtual_ip:` under `cluster:` in hosts.yaml"

/* "10.0.0.1/24" → address and prefix; false when it is no IPv4. */
static bool parse(const json_t *item, uint32_t *address, unsigned *prefix)
{
    char ip[16], rest;
    const char *text = json_is_string(item) ? json_string_value(item) : "";
    return sscanf(text, "%15[0-9.]/%u%c", ip, prefix, &rest) == 2 && *prefix <= 32 &&
           grammar_ipv4_parse(ip, address);
}

static uint32_t mask(unsigned prefix)
{
    return prefix ? UINT32_MAX << (32 - prefix) : 0;
}

/* The host's own address with its network; false when the facts do not show it. */
static bool own_network(const struct facts *f, uint32_t *own, unsigned *prefix)
{
    uint32_t wanted;
    size_t i, k;
    json_t *interface, *item;
    if (!grammar_ipv4_parse(f->node_ip, &wanted))
        return false;
    json_array_foreach(json_object_get(f->json, "interfaces"), i, interface)
        json_array_foreach(json_object_get(interface, "addresses"), k, item)
            if (parse(item, own, prefix) && *own == wanted)
                return true;
    return false;
}

static bool has_address(const struct facts *f, uint32_t address)
{
    uint32_t found;
    unsigned prefix;
    size_t i, k;
    json_t *interface, *item;
    json_array_foreach(json_object_get(f->json, "interfaces"), i, interface)
        json_array_foreach(json_object_get(interface, "addresses"), k, item)
            if (parse(item, &found, &prefix) && found == address)
                return true;
    return false;
}

static void check_virtual_ip(const struct inventory *inv, const struct facts *facts, size_t host,
                             struct findings *out)
{
    const struct facts *own = &facts[host];
    uint32_t address, node;
    unsigned prefix;
    if (!inv->virtual_ip || !(inv->hosts[host].roles & ROLE_CONTROL_PLANE) ||
        !grammar_ipv4_parse(inv->virtual_ip, &address))
        return;
    if (!own_network(own, &node, &prefix) || ((address ^ node) & mask(prefix)) != 0)
        findings_add(out, true, REMEDY, "the virtual IP %s is not in the network of its %s",
                     inv->virtual_ip, own->node_ip);
    else if (prefix < 31 &&
             ((address & ~mask(prefix)) == 0 || (address | mask(prefix)) == UINT32_MAX))
        findings_add(out, true, REMEDY,
                     "the virtual IP %s is the network's own or its broadcast "
                     "address",
                     inv->virtual_ip);
    /* A node, or one that an earlier run began to make, may be the one that has it now. */
    if (!own->role && !facts_half_done(own) && has_address(own, address))
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
