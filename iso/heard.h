/* Machines that say in the network that they wait for a coordinator, by mDNS and DNS-SD (RFC 6762,
 * RFC 6763). Whoever is in the network can say anything: all of it is bounded and held against a
 * grammar, and none of it is proof. avahi hears them, and its own program tells us: no responder
 * and no D-Bus of our own, and resolved of Debian 12 cannot browse. */
#pragma once

#include "lib/error.h"
#include "lib/strv.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ISO_SERVICE "_bigtop-host._tcp"
/* Keys of what is said: the number of the machine, of its cards ("52:54:00:…,52:54:00:…"; "mac2",
 * "mac3", … when they do not fit), of its SSH host key and of the image. */
#define ISO_SAYS_SERIAL "serial"
#define ISO_SAYS_MAC "mac"
#define ISO_SAYS_KEY "key"
#define ISO_SAYS_IMAGE "image"
#define ISO_HEARD_MAX 2000
#define ISO_HEARD_MACS_MAX 64

struct iso_heard {
    char name[64]; /* of what was said, printable */
    char address[INET_ADDRSTRLEN];
    uint16_t port;
    char serial[129];     /* "" when it said none, or none that is one; the same below */
    char fingerprint[64]; /* "SHA256:…" */
    char image[65];       /* its number, in hexadecimal */
    struct strv macs;     /* lower case */
};
struct iso_heard_list {
    struct iso_heard *items;
    size_t count;
    bool cut; /* there were more than ISO_HEARD_MAX, or more text than we take */
};
void iso_heard_release(struct iso_heard_list *l);
#define AUTO_ISO_HEARD CLEANUP(iso_heard_release) struct iso_heard_list

/* Pure: what `avahi-browse --parsable --resolve` wrote. Lines that are not right are left out, and
 * so is what was heard twice. */
void iso_heard_parse(const char *text, struct iso_heard_list *out);
/* Asks once; takes some seconds. -ENOENT: avahi-browse is not here; -EREMOTEIO: avahi does not
 * run. cancel may be NULL. */
int iso_heard_ask(const bool *cancel, struct iso_heard_list *out, struct error *err);
struct strbuf;
/* Appends "52:54:00:12:34:56, serial S3Z8, 10.0.0.7", safe to print. */
void iso_heard_words(const struct iso_heard *h, struct strbuf *out);
