/* The network cards of this machine and what they have: for its screen, and to know who it is. */
#pragma once

#include "lib/error.h"
#include "lib/strv.h"

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#define ISO_SYS_NET "/sys/class/net"
#define ISO_MAC_TEXT 18

enum iso_link_kind { ISO_CARD, ISO_BOND_LINK, ISO_VLAN_LINK };

struct iso_link {
    char name[IFNAMSIZ];
    enum iso_link_kind kind;
    char mac[ISO_MAC_TEXT]; /* "52:54:00:12:34:56"; of a card in a bond: its own */
    char user[IFNAMSIZ];    /* the bond that it is part of, or the VLAN on it; or "" */
    bool cable;             /* the kernel sees a carrier */
    bool no_partner;        /* a bond of 802.3ad whose switch says nothing of its own */
    struct strv addresses;  /* IPv4 first; no link-local ones */
};
struct iso_links {
    struct iso_link *items; /* cards before bonds before VLANs, each by name */
    size_t count;
};
void iso_links_release(struct iso_links *l);
#define AUTO_ISO_LINKS CLEANUP(iso_links_release) struct iso_links

/* Reads the cards that a device is behind, and the bonds and VLANs on them: no bridge, tunnel or
 * loopback. dir: ISO_SYS_NET. */
int iso_links_read(const char *dir, struct iso_links *out, struct error *err);
/* Pure. "525400123456", for names made of a card's number. */
void iso_mac_digits(const char *mac, char out[ISO_MAC_TEXT]);
/* Adds the addresses that they have now. */
int iso_links_address(struct iso_links *l, struct error *err);
/* A socket that becomes readable when a card or an address comes, changes or goes; what is read
 * from it says no more than that. */
int iso_links_watch(int *out, struct error *err);
