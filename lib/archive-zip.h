/* Reading files out of a zip (a jar), through libarchive. Apart from archive.h: the agent never
 * sees a zip and must not link its reader. */
#pragma once

#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>

/* The content of one file, valid during the call; a non-zero return stops and is returned. */
typedef int (*archive_zip_fn)(void *userdata, const char *name, const void *data, size_t len,
                              struct error *err);
/* Calls fn for each regular file whose name `wanted` accepts, in the archive's order. Names are as
 * the archive has them, and may be hostile: `wanted` judges. More than max bytes: -E2BIG. */
int archive_zip_read(const char *path, bool (*wanted)(const char *name), size_t max,
                     archive_zip_fn fn, void *userdata, struct error *err);
