/* A bundle that is named on a command line, and the keys that it must be signed with. */
#pragma once

#include "coordinator/options.h"
#include "images/bundle.h"
#include "lib/strv.h"

/* --key NAME.pub, any number of times, the member being a struct strv. */
/* clang-format off */
#define OPTION_KEYS(type, member) \
    {"key", 'k', OPTION_LIST, offsetof(type, member), "NAME.pub", \
     "a public key to trust; several: a signature by any of them will do"}
/* clang-format on */

/* Opens the folder or file. With keys its signature must be by one of them; with none it is not
 * checked. Returns EXIT_DONE; or prints what is wrong and returns EXIT_REFUSED (not signed, or not
 * by these keys) or EXIT_BAD_INPUT. */
int bundle_args_open(const char *path, const struct strv *keys, struct bundle *out);
