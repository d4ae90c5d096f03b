#include "coordinator/inventory-keys.h"
#include "lib/grammar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOND_CARDS_MIN 2
#define BOND_CARDS_MAX 8 /* of one LACP group that are in use at once (IEEE 802.1AX) */

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
    if (!address)
        return 0;
    if (!r->inv->rack.cidr)
        return yaml_error(r->file, rack_node(r, key), err,
                          "%s without the network that it is in, expected cidr beside it", key);
    if (is_inside(&r->inv->rack, address))
        return 0;
    return yaml_error(r->file, rack_node(r, key), err, "%s %s is no address of cidr %s", key,
                      address, r->inv->rack.cidr);
}

/* A card of a machine, and where it is written. */
struct card {
    const char *mac;
    const struct yaml_node *node;
    unsigned line; /* of the host; 0: the coordinator's */
    size_t order;
};
struct cards {
    struct card *items;
    size_t count;
};

static void add_card(struct cards *c, const char *mac, const struct yaml_node *node, unsigned line)
{
    c->items = xrealloc(c->items, c->count + 1, sizeof(*c->items));
    c->items[c->count] = (struct card){mac, node, line, c->count};
    c->count++;
}

static void add_cards(struct cards *c, const struct yaml_node *machine, unsigned line,
                      const char *mac, const struct bond *bond)
{
    const struct yaml_node *macs = yaml_get(yaml_get(machine, "bond"), "macs");
    if (mac)
        add_card(c, mac, yaml_get(machine, "mac"), line);
    for (size_t i = 0; i < bond->macs.count; i++)
        add_card(c, bond->macs.items[i], macs->items[i], line);
}

static int compare_cards(const void *a, const void *b)
{
    const struct card *x = a, *y = b;
    int order = strcmp(x->mac, y->mac);
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

static int check_each_once(const struct inventory_reader *r, const struct cards *c,
                           struct error *err)
{
    const struct card *first = NULL;
    char whose[48] = "the coordinator's";
    if (c->count > 0)
        qsort(c->items, c->count, sizeof(*c->items), compare_cards);
    for (size_t i = 1; i < c->count; i++)
        if (strcmp(c->items[i - 1].mac, c->items[i].mac) == 0 &&
            (!first || c->items[i].order < first->order))
            first = &c->items[i];
    if (!first)
        return 0;
    if (first[-1].line)
        (void) snprintf(whose, sizeof(whose), "that of the host in line %u", first[-1].line);
    return yaml_error(r->file, first->node, err, "mac %s is also %s, expected each once",
                      first->mac, whose);
}

static int check_cards(const struct inventory_reader *r, struct error *err)
{
    const struct inventory *inv = r->inv;
    struct cards all = {0};
    add_cards(&all, yaml_get(r->file->root, "rack"), 0, inv->rack.mac, &inv->rack.bond);
    for (size_t i = 0; i < inv->host_count; i++)
        add_cards(&all, yaml_get(r->file->root, "hosts")->items[i], inv->hosts[i].line,
                  inv->hosts[i].mac, &inv->hosts[i].bond);
    int rc = check_each_once(r, &all, err);
    free(all.items);
    return rc;
}

static int check_bond(const struct inventory_reader *r, const struct yaml_node *machine,
                      const char *mac, const struct bond *bond, struct error *err)
{
    const struct yaml_node *node = yaml_get(machine, "bond");
    if (!node)
        return 0;
    if (mac)
        return yaml_error(r->file, node, err,
                          "bond beside mac, expected one of them: macs names all of its cards");
    if (bond->macs.count < BOND_CARDS_MIN || bond->macs.count > BOND_CARDS_MAX)
        return yaml_error(r->file, yaml_get(node, "macs"), err,
                          "a bond of %zu cards, expected %d to %d", bond->macs.count,
                          BOND_CARDS_MIN, BOND_CARDS_MAX);
    return 0;
}

static int check_host(const struct inventory_reader *r, size_t i, struct error *err)
{
    const struct host *h = &r->inv->hosts[i];
    const struct rack *rack = &r->inv->rack;
    int rc = check_bond(r, yaml_get(r->file->root, "hosts")->items[i], h->mac, &h->bond, err);
    const char *key = h->mac ? "mac" : "bond";
    if (rc < 0 || !h->address || !inventory_card(h->mac, &h->bond))
        return rc;
    if (!rack->cidr)
        return yaml_error(r->file, host_node(r, i, key), err,
                          "%s of %s without a network for its address, expected rack: {cidr: "
                          "...}",
                          key, host_label(h));
    if (!is_inside(rack, h->address))
        return yaml_error(r->file, host_node(r, i, "address"), err,
                          "address %s of a host with a %s is no address of rack's cidr %s",
                          h->address, key, rack->cidr);
    if (rack->coordinator && strcmp(rack->coordinator, h->address) == 0)
        return yaml_error(r->file, host_node(r, i, "address"), err,
                          "address %s is also the coordinator's, expected each once", h->address);
    return 0;
}

/* By its card it is known who the machine is; its disk is for nothing else. */
static int check_install(const struct inventory_reader *r, size_t i, struct error *err)
{
    const struct host *h = &r->inv->hosts[i];
    if (!h->install_disk)
        return 0;
    if (!inventory_card(h->mac, &h->bond))
        return yaml_error(r->file, host_node(r, i, "install"), err,
                          "install of %s without its card, expected mac or bond beside it",
                          host_label(h));
    for (size_t d = 0; d < h->disk_count; d++)
        if ((h->disks[d].serial && strcmp(h->disks[d].serial, h->install_disk) == 0) ||
            (h->disks[d].wwn && strcmp(h->disks[d].wwn, h->install_disk) == 0))
            return yaml_error(r->file, host_node(r, i, "install"), err,
                              "disk %s of %s is for install and for disks, expected one of them",
                              h->install_disk, host_label(h));
    return 0;
}

static int check_coordinator(const struct inventory_reader *r, struct error *err)
{
    const struct rack *rack = &r->inv->rack;
    bool has_card = inventory_card(rack->mac, &rack->bond);
    if (has_card && !rack->coordinator)
        return yaml_error(r->file, rack_node(r, rack->mac ? "mac" : "bond"), err,
                          "%s without coordinator, expected both: the address and its card",
                          rack->mac ? "mac" : "bond");
    if (rack->coordinator && !has_card)
        return yaml_error(r->file, rack_node(r, "coordinator"), err,
                          "coordinator without mac, expected both: the address and its card");
    return 0;
}

int inventory_check_rack(struct inventory_reader *r, struct error *err)
{
    const struct rack *rack = &r->inv->rack;
    const struct yaml_node *node = yaml_get(r->file->root, "rack");
    int rc;
    if ((rc = check_bond(r, node, rack->mac, &rack->bond, err)) < 0 ||
        (rc = check_coordinator(r, err)) < 0 ||
        (rc = need_inside(r, "gateway", rack->gateway, err)) < 0 ||
        (rc = need_inside(r, "coordinator", rack->coordinator, err)) < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < r->inv->host_count; i++)
        if ((rc = check_host(r, i, err)) == 0)
            rc = check_install(r, i, err);
    return rc < 0 ? rc : check_cards(r, err);
}
