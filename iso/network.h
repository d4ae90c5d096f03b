/* Fixed addresses of machines that start from an image: what systemd-networkd is told. A file
 * is for one card, by the number that is burnt into it, so that all can be on every image. */
#pragma once

#include "lib/error.h"
#include "lib/strbuf.h"
#include "lib/strv.h"

#include <stddef.h>

#define ISO_NETWORK_DIR "etc/systemd/network" /* where they go */

/* Texts that hosts.yaml's grammar took; borrowed. */
struct iso_address {
    const char *mac, *address;
};
struct iso_network {
    const char *cidr;    /* "10.9.0.0/24" */
    const char *gateway; /* or NULL */
    struct iso_address *items;
    size_t count;
};
void iso_network_release(struct iso_network *n);
#define AUTO_ISO_NETWORK CLEANUP(iso_network_release) struct iso_network

void iso_network_add(struct iso_network *n, const char *mac, const char *address);
/* Name of item i's file ("10-bigtop-525400123456.network"; the caller frees), its text in *out. */
char *iso_network_file(const struct iso_network *n, size_t i, struct strbuf *out);
/* Writes all of them into a folder of this machine. */
int iso_network_write(const struct iso_network *n, const char *dir, struct error *err);
