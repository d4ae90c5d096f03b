/* fstab(5), as far as swap goes. Pure. */
#pragma once

#include "lib/strbuf.h"

#include <stddef.h>

#define FSTAB_SIZE_MAX (1024 * 1024)
#define FSTAB_COMMENT "# bigtop-bootstrap, swap off: "

/* Appends the text to `out` with FSTAB_COMMENT in front of every entry of type "swap"; every other
 * byte is kept. The number of entries that were commented. */
size_t fstab_without_swap(const char *text, size_t len, struct strbuf *out);
