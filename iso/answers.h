/* Which machines are there already: they take a TCP connection. */
#pragma once

#include "lib/strv.h"

#include <stddef.h>
#include <stdint.h>

struct iso_peer {
    const char *address; /* borrowed; a name, not an address, counts as answering */
    uint16_t port;
};

/* Asks all of them at once, for `ms` milliseconds at most, and adds the addresses of those that
 * did not answer, in their order. */
void iso_answers_missing(const struct iso_peer *peers, size_t count, int ms, struct strv *missing);
