/* The files of checksums that projects publish beside their releases, as sha256sum(1) writes them:
 * "HEX  NAME" or "HEX *NAME" lines, "SHA256 (NAME) = HEX" (--tag), or the HEX alone. */
#pragma once

#include "lib/digest.h"
#include "lib/error.h"

#define CHECKSUMS_MAX (1024 * 1024) /* bytes of a file of them */

/* The digest of a file by its name (without folder). A lone HEX is that of any name. -ENOENT when
 * the name is not there, -EBADMSG when it is there with two digests. */
int checksums_find(const char *text, const char *name, char out[DIGEST_SIZE], struct error *err);
