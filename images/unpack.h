/* Unpacking what a source fetched, after its hash was checked, into a folder of the build. */
#pragma once

#include "images/source.h"

/* True for the names of tar archives: .tar and the usual compressed ones. */
bool unpack_is_tar(const char *name);
/* By the machine's tar: distributions hold hard links, which archive_unpack refuses for hosts, and
 * which become plain files in a bundle. Modes are the archive's whatever the umask is; packing
 * leaves set-user-id bits behind. -EPERM: there is something else than files, folders and symlinks
 * that stay inside. */
int unpack_tar(const struct source_context *ctx, const char *file, const char *dir,
               struct error *err);
