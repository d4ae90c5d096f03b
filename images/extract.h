/* One component out of a bundle, for people and other programs. */
#pragma once

#include "images/bundle.h"
#include "lib/error.h"

/* Makes the folder, or takes an empty one (-ENOTEMPTY), and puts the component into it: files and
 * addons unpacked (with the checks of lib/archive.h), an image as an OCI image layout of its own.
 * Every byte is verified before it is used. */
int bundle_extract(const struct bundle *b, const struct component *c, const char *dir,
                   struct error *err);
/* Unpacks a blob that is a tar into a folder that is there, after it was verified. */
int extract_blob(const struct bundle *b, const char *digest, const char *dir, struct error *err);
