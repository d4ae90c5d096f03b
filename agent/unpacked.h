/* What an archive became on this host: a marker, AGENT_STATE_DIR "/unpacked/<64 hex>.json", written
 * when all of it is in place:
 *   {"into":"/","entries":{"usr/local/bin/kubectl":{"mode":33261,"size":N,"mtime":ns,"ctime":ns},
 *                          "usr/local/bin/x":{"link":"target"}}}
 * The change time makes a damaged, edited or replaced file noticed without reading it. */
#pragma once

#include "lib/digest.h"
#include "lib/error.h"
#include "lib/json.h"

/* Path of the marker; the digest must be valid. The caller frees. */
char *unpacked_marker(const char *digest);
/* What is at `path` now, as an entry of a marker; NULL when there is nothing. Folders have a mode
 * only: what is in them comes and goes. The caller owns it. */
json_t *unpacked_entry(const char *path);
/* 1 when the marker is there and every entry is still as it says, 0 when not; the first one that
 * differs is named in `differs` (may be NULL; the caller frees). */
int unpacked_check(const char *marker, const char *into, char **differs);
