/* Programs of Debian packages, made to run on any Linux whatever its libc: each is taken with the
 * libraries that it needs (DT_NEEDED, and what those need) and with their loader, into a prefix.
 * patchelf(1) writes the loader and the libraries' folder into the program itself (PT_INTERP,
 * DT_RPATH). Starting it by the loader instead, as the agent is, would not do: HAProxy executes
 * itself again at a reload, and mount(8) and others start helpers by their path. DT_RPATH and not
 * DT_RUNPATH, as only the former holds for what the libraries need in their turn. */
#pragma once

#include "lib/error.h"
#include "lib/strv.h"

#include <stdbool.h>

struct relocation {
    const char *packages;        /* a folder of unpacked packages, each in a folder of its name */
    const char *prefix;          /* absolute path on the host; relocate_is_prefix */
    const struct strv *programs; /* paths in the packages; they keep them below the prefix */
    const struct strv *files;    /* others, taken as they are; may be empty */
    const bool *cancel;          /* may be NULL */
};

/* Fills to/PREFIX: the programs and files, lib/, and the copyright files of the packages that
 * something was taken from, whose names are added to `used`. -ENOENT when a program, file or
 * library is in none of the packages, -EBADMSG when a symlink leads out of them. */
int relocate(const struct relocation *r, const char *to, struct strv *used, struct error *err);

/* An absolute path of [A-Za-z0-9._/-]: what the loader takes literally. */
bool relocate_is_prefix(const char *s);

/* "patchelf 0.14.3": what the result depends on beside the packages. The caller frees *out. */
int relocate_tool(char **out, struct error *err);
