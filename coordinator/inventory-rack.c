#include "coordinator/inventory-keys.h"
#include "lib/grammar.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAC_TEXT 17
#define MAC_GROUP 1 /* the bit of the first byte that says so (IEEE 802) */

bool inventory_is_mac(const char *s)
{
    if (strlen(s) != MAC_TEXT)
        return false;
    for (size_t i = 0; i < MAC_TEXT; i++)
        if (i % 3 == 2 ? s[i] != ':' : !isxdigit((unsigned char) s[i]))
            return false;
    return !(strtoul(s, NULL, 16) & MAC_GROUP) && strcmp(s, "00:00:00:00:00:00") != 0;
}

static const struct yaml_node *rack_node(const struct inventory_reader *r, const char *key)
{
    const struct yaml_node *rack = yaml_get(r->file->root, "rack");
    const struct yaml_node *value = rack ? yaml_get(rack, key) : NULL;
    return value ? value : rack;
}

static const struct yaml_node *host_node(const struct inventory_reader *r, size_t i,
                                         const char *key)
{
    return yaml_get(yaml_get(r->file->root, "hosts")->items[i], key);
}

/* Not its own address, nor the one for all. */
static bool is_inside(const struct rack *rack, const char *address)
{
    uint32_t network, ip;
    unsigned prefix;
    if (!grammar_cidr4(rack->cidr, &network, &prefix) || !grammar_ipv4_parse(address, &ip))
        return false;
    if (!cidr4_overlap(network, prefix, ip, 32))
        return false;
    uint32_t rest = prefix == 0 ? UINT32_MAX : (UINT32_C(1) << (32 - prefix)) - 1;
    return prefix > 30 || ((ip & rest) != 0 && (ip & rest) != rest);
}

static int need_inside(const struct inventory_reader *r, const char *key, const char *address,
                       struct error *err)
{
    if (!address || is_inside(&r->inv->rack, address))
        return 0;
    return yaml_error(r->file, rack_node(r, key), err, "%s %s is no address of cidr %s", key,
                      address, r->inv->rack.cidr);
}

static int check_host(const struct inventory_reader *r, size_t i, struct error *err)
{
    const struct host *h = &r->inv->hosts[i];
    const struct rack *rack = &r->inv->rack;
    if (!h->mac)
        return 0;
    if (!rack->cidr)
        return yaml_error(r->file, host_node(r, i, "mac"), err,
                          "mac of %s without a network for its address, expected rack: {cidr: "
                          "...}",
                          host_label(h));
    if (!is_inside(rack, h->address))
        return yaml_error(r->file, host_node(r, i, "address"), err,
                          "address %s of a host with a mac is no address of rack's cidr %s",
                          h->address, rack->cidr);
    if (rack->mac && strcmp(rack->mac, h->mac) == 0)
        return yaml_error(r->file, host_node(r, i, "mac"), err,
                          "mac %s is also the coordinator's, expected each once", h->mac);
    if (rack->coordinator && strcmp(rack->coordinator, h->address) == 0)
        return yaml_error(r->file, host_node(r, i, "address"), err,
                          "address %s is also the coordinator's, expected each once", h->address);
    return 0;
}

int inventory_check_rack(struct inventory_reader *r, struct error *err)
{
    const struct rack *rack = &r->inv->rack;
    int rc = 0;
    if (!rack->mac != !rack->coordinator)
        return yaml_error(r->file, rack_node(r, rack->mac ? "mac" : "coordinator"), err,
                          "%s without %s, expected both: the address and its card",
                          rack->mac ? "mac" : "coordinator", rack->mac ? "coordinator" : "mac");
    if (rack->cidr && ((rc = need_inside(r, "gateway", rack->gateway, err)) < 0 ||
                       (rc = need_inside(r, "coordinator", rack->coordinator, err)) < 0))
        return rc;
    for (size_t i = 0; rc == 0 && i < r->inv->host_count; i++)
        rc = check_host(r, i, err);
    return rc;
}
