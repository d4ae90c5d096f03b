/* A bundle from one form into the other. The same bundle gives the same bytes, signature included,
 * whatever it was copied from. */
#pragma once

#include "images/bundle.h"
#include "lib/error.h"

/* Writes the bundle as one file (images/bundle-store.h) and verifies every byte of what was
 * written. -EEXIST when there is something at the path: nothing is overwritten. */
int bundle_pack(const struct bundle *b, const char *path, struct error *err);
/* Writes the bundle as a folder, verifying on the way. -ENOTEMPTY when the folder has something in
 * it. */
int bundle_unpack(const struct bundle *b, const char *dir, struct error *err);
