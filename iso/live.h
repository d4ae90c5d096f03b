/* What the live root is described by, iso/live, built into the coordinator as a tar. */
#pragma once

#include "lib/error.h"

/* Unit tests of its users define these symbols themselves: iso/live-blob.S is linked into the
 * program only. */
extern const unsigned char iso_live_start[];
extern const unsigned char iso_live_end[]; /* the byte after the last */

/* Unpacks it into a new or empty folder. */
int iso_live_unpack(const char *dir, struct error *err);
