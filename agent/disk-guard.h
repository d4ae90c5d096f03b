/* The folder below a data disk's mount is immutable (chattr(1), "i"): as long as the disk is
 * missing nobody can write into the root file system in its place, not even root. */
#pragma once

#include "lib/error.h"

#include <stdbool.h>

/* The folder is empty and nothing is mounted there. Where the file system has no such flag (live
 * systems on overlayfs), the mode becomes 0000, which stops all but root. */
int disk_guard_set(const char *folder, struct error *err);
/* Back; a folder that is gone is fine. */
int disk_guard_clear(const char *folder, struct error *err);
