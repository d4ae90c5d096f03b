/* The part of TOML (toml.io, v1.0) that hosts.toml uses: [tables] with dotted and quoted names,
 * strings on one line, booleans, lists of strings. Everything else is refused, with its line. */
#pragma once

#include "lib/error.h"
#include "lib/json.h"

#define TOML_MAX (256 * 1024)

/* An object; tables and keys in file order. NULL and err on failure. */
json_t *toml_parse(const char *text, const char *name, struct error *err);
