/* How a machine that started from an image is on the rack's network: what systemd-networkd is told.
 * Cards go by the number that is burnt into them. */
#pragma once

#include "lib/error.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <stddef.h>

#define ISO_NETWORK_DIR "etc/systemd/network" /* where it goes */
#define ISO_BOND "bond0"
#define ISO_VLAN "vlan%u" /* name of a VLAN's interface, by its number */

/* Texts that hosts.yaml's grammar took; borrowed. */
struct iso_network {
    char *const *macs; /* one card; or those of a bond, whose number is the first one's */
    size_t mac_count;
    const char *mode;    /* of the bond, as networkd and hosts.yaml call it; NULL: no bond */
    unsigned vlan;       /* of the card or bond; 0: untagged */
    const char *address; /* NULL: DHCP */
    const char *cidr;    /* that address is in */
    const char *gateway; /* or NULL */
};

struct iso_network_file {
    char *name; /* "10-bigtop-525400123456.network" */
    char *text;
};
struct iso_network_files {
    struct iso_network_file *items;
    size_t count;
};
void iso_network_files_release(struct iso_network_files *f);
#define AUTO_ISO_NETWORK_FILES CLEANUP(iso_network_files_release) struct iso_network_files

/* Pure. */
void iso_network_files(const struct iso_network *n, struct iso_network_files *out);
/* Writes them into a folder of this machine, and removes what was written there before. *changed:
 * something is other than it was. */
int iso_network_write(const struct iso_network *n, const char *dir, bool *changed,
                      struct error *err);
/* The same for this machine, and has systemd-networkd do it. */
int iso_network_take(const struct iso_network *n, struct error *err);
