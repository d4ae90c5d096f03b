/* Everything below a folder, in one order on every machine. */
#pragma once

#include "lib/error.h"

#include <sys/stat.h>

/* path: relative to the folder; full: with it. A non-zero return stops the walk and is returned. */
typedef int (*walk_fn)(void *userdata, const char *path, const char *full, const struct stat *st,
                       struct error *err);

/* Calls fn for each entry below dir, a folder before what is in it, names sorted bytewise; symlinks
 * are not followed. Depth is limited (-ELOOP). */
int walk(const char *dir, walk_fn fn, void *userdata, struct error *err);
