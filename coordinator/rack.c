#include "coordinator/rack.h"

#include "lib/strbuf.h"

#include <stdio.h>
#include <string.h>

static bool has_card(const struct iso_links *links, const char *mac)
{
    for (size_t i = 0; i < links->count; i++)
        if (links->items[i].kind == ISO_CARD && strcmp(links->items[i].mac, mac) == 0)
            return true;
    return false;
}

const char *rack_name(struct rack_place place)
{
    return place.host ? place.host->name : NULL;
}

static bool has_link(const struct iso_links *links, const char *name)
{
    for (size_t i = 0; i < links->count; i++)
        if (strcmp(links->items[i].name, name) == 0)
            return true;
    return false;
}

/* False, and *out as it was: none of these cards is here. */
static bool find_cards(const struct iso_links *links, char *const *mac, const struct bond *bond,
                       const char *address, struct iso_network *out)
{
    size_t count = bond->macs.count ? bond->macs.count : *mac != NULL;
    char *const *macs = bond->macs.count ? bond->macs.items : mac;
    bool found = false;
    for (size_t i = 0; !found && i < count; i++)
        found = has_card(links, macs[i]);
    if (found) {
        out->macs = macs;
        out->mac_count = count;
        out->mode = bond->mode;
        out->address = address;
    }
    return found;
}

struct rack_place rack_find(const struct inventory *inv, const struct iso_links *links)
{
    const struct rack *rack = &inv->rack;
    struct rack_place place = {
        .network = {.vlan = rack->vlan, .cidr = rack->cidr, .gateway = rack->gateway}};
    place.coordinator = find_cards(links, &rack->mac, &rack->bond, rack->coordinator,
                                   &place.network);
    for (size_t i = 0; place.network.mac_count == 0 && i < inv->host_count; i++) {
        const struct host *h = &inv->hosts[i];
        if (find_cards(links, &h->mac, &h->bond, h->address, &place.network))
            place.host = h;
    }
    return place;
}

static bool names_cards(const struct inventory *inv)
{
    bool any = inventory_card(inv->rack.mac, &inv->rack.bond);
    for (size_t i = 0; !any && i < inv->host_count; i++)
        any = inventory_card(inv->hosts[i].mac, &inv->hosts[i].bond);
    return any;
}

void rack_missing(const struct inventory *inv, const struct rack_place *place,
                  const struct iso_links *links, struct strv *out)
{
    const struct iso_network *n = &place->network;
    char vlan[IFNAMSIZ];
    (void) snprintf(vlan, sizeof(vlan), ISO_VLAN, n->vlan);
    if (n->mac_count == 0 && names_cards(inv))
        strv_add(out, "hosts.yaml names none of these cards: they ask for DHCP");
    for (size_t i = 0; i < n->mac_count; i++)
        if (!has_card(links, n->macs[i]))
            strv_addf(out, "hosts.yaml has a card %s in " ISO_BOND ", and this machine has not",
                      n->macs[i]);
    if (n->mode && !has_link(links, ISO_BOND))
        strv_add(out, ISO_BOND " is not there yet");
    if (n->mac_count && n->vlan && !has_link(links, vlan))
        strv_addf(out, "%s is not there yet", vlan);
}
