/* What hosts.yaml says of machines that start from an image: who this one is, and how it is on the
 * network. */
#pragma once

#include "coordinator/inventory.h"
#include "iso/links.h"
#include "iso/network.h"

#include <stdbool.h>

/* Texts are borrowed of the inventory. */
struct rack_place {
    const struct host *host; /* that has one of the cards, or NULL */
    bool coordinator; /* one of rack's cards is here */
    struct iso_network network; /* mac_count 0: hosts.yaml says nothing of this machine */
};
struct rack_place rack_find(const struct inventory *inv, const struct iso_links *links);
/* What it is called; borrowed, or NULL. */
const char *rack_name(struct rack_place place);
/* Adds what this machine lacks of it: a line each. */
void rack_missing(const struct inventory *inv, const struct rack_place *place,
                  const struct iso_links *links, struct strv *out);
