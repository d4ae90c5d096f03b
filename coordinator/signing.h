/* The secret key that a bundle is signed with, as the commands ask for it. */
#pragma once

#include "images/key-file.h"

/* Loads a NAME.key. Its password, if it has one, is asked for on the terminal; a file that others
 * may read gets a warning. -ECANCELED when interrupted meanwhile, else as secret_key_load. */
int signing_key_load(const char *path, struct secret_key *out, struct error *err);
