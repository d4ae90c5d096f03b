#include "coordinator/rack.h"

#include <string.h>

void rack_network(const struct inventory *inv, struct iso_network *out)
{
    out->cidr = inv->rack.cidr;
    out->gateway = inv->rack.gateway;
    if (inv->rack.mac)
        iso_network_add(out, inv->rack.mac, inv->rack.coordinator);
    for (size_t i = 0; i < inv->host_count; i++)
        if (inv->hosts[i].mac)
            iso_network_add(out, inv->hosts[i].mac, inv->hosts[i].address);
}

static bool has_card(const struct iso_links *links, const char *mac)
{
    for (size_t i = 0; mac && i < links->count; i++)
        if (strcmp(links->items[i].mac, mac) == 0)
            return true;
    return false;
}

struct rack_place rack_find(const struct inventory *inv, const struct iso_links *links)
{
    struct rack_place place = {.coordinator = has_card(links, inv->rack.mac)};
    for (size_t i = 0; !place.name && i < inv->host_count; i++)
        if (has_card(links, inv->hosts[i].mac))
            place.name = inv->hosts[i].name;
    return place;
}
