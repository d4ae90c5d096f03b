/* The live root that every image has, whatever bundle goes on it: Debian packages, pinned by hash
 * in packages.lock, installed by mmdebstrap from a repository of just these files. */
#pragma once

#include "images/cache.h"
#include "iso/steps.h"
#include "lib/error.h"

#include <stdbool.h>

#define ISO_SUITE "bookworm"

/* In the result's folder. */
#define ISO_ROOT_SQUASHFS "root.squashfs"
#define ISO_ROOT_BOOT "boot" /* what the medium boots with; iso/live/hooks/customize50.sh */
#define ISO_ROOT_LIST "packages.tsv"

/* live: a folder like iso/live. update_lock: packages.lock of this architecture is made anew. What
 * is in the cache needs no network and no tool. Packages of another architecture are installed by
 * emulation; -ENOENT: this machine has none. */
int iso_root_get(const struct iso_steps *s, const char *live, const char *architecture,
                 bool update_lock, struct cache_entry *out, struct error *err);
/* Pure. The names in the text of a `packages` file: one a line, # begins a comment. -EINVAL. */
int iso_root_packages(const char *text, struct strv *out, struct error *err);
