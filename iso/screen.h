/* What a waiting host shows, pure: where it is, how it proves that it is itself, and what is
 * missing. */
#pragma once

#include "iso/links.h"
#include "lib/strbuf.h"
#include "lib/strv.h"

struct iso_screen {
    const struct iso_links *links;
    const char *name;        /* of this machine */
    const char *fingerprint; /* "SHA256:…" of this boot's SSH host key; NULL: none yet */
    const struct strv *keys; /* lines of authorized_keys */
    const struct strv *missing; /* what hosts.yaml says of it and it has not: a line each */
    const char *disk;        /* what it runs from; NULL: from the medium, and no disk is changed */
    const char *install;     /* how its installation goes, which lets nobody in; NULL: none */
};

void iso_screen_draw(const struct iso_screen *screen, struct strbuf *out);
