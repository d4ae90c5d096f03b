/* What a waiting host says of itself in the network (iso/heard.h): a file that avahi reads. */
#pragma once

#include "iso/links.h"
#include "lib/error.h"
#include "lib/strbuf.h"

#include <stdint.h>

#define ISO_SYS_DMI "/sys/class/dmi/id"

struct iso_announcement {
    const struct iso_links *links;
    const char *fingerprint; /* of this boot's SSH host key */
    const char *serial;      /* or "" */
    const char *image;       /* its number, or "" */
    uint16_t port;           /* of SSH */
};

/* Pure: the file's text. What the grammars of iso/heard.h refuse is left out. */
void iso_announcement_file(const struct iso_announcement *a, struct strbuf *out);
/* The machine's serial number, as its firmware has it; "" when there is none. dir: ISO_SYS_DMI. The
 * caller frees. */
char *iso_serial(const char *dir);
/* Says it from now on, under the machine's name. Nothing is done when it is said already. */
int iso_announce(const struct iso_announcement *a, struct error *err);
/* Has avahi run: to hear, or to say something under the machine's new name. */
int iso_announce_start(struct error *err);
