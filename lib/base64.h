/* Base64 (RFC 4648, the usual alphabet), as in SSH keys and their fingerprints. */
#pragma once

#include "lib/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

/* Appends; without padding the trailing '=' are left out. */
void base64_encode(struct strbuf *out, const void *data, size_t len, bool padding);
/* Appends the bytes that len characters stand for. -EINVAL on any other character, on wrong or
 * missing padding and on left-over bits; -E2BIG past out->max. What was appended stays. */
int base64_decode(struct strbuf *out, const char *text, size_t len);
