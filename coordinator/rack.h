/* What hosts.yaml says of machines that start from an image: their addresses, and who this one
 * is. */
#pragma once

#include "coordinator/inventory.h"
#include "iso/links.h"
#include "iso/network.h"

#include <stdbool.h>

/* Adds what `rack` and the hosts' cards say; nothing when there is no rack. Texts stay the
 * inventory's. */
void rack_network(const struct inventory *inv, struct iso_network *out);

struct rack_place {
    const char *name; /* of the host that has one of the cards; borrowed, or NULL */
    bool coordinator; /* rack.mac is one of them */
};
struct rack_place rack_find(const struct inventory *inv, const struct iso_links *links);
