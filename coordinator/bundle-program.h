/* Programs that run on this machine: the bundle's own where there is a bundle for it, unpacked into
 * a folder of ours and compared with its hash each time, else the one in PATH. */
#pragma once

#include "images/bundle.h"
#include "lib/error.h"

/* name: of the program and of the bundle's component, of kind files, that has it as
 * usr/local/bin/NAME. b may be NULL. *out: its path, or its name where PATH has it; the caller's.
 * -ENOENT with a remedy when there is none. */
int bundle_program(const struct bundle *b, const char *name, char **out, struct error *err);
