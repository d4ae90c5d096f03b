/* The C compiler and the static libraries that a result holds a part of: inputs of a build. */
#pragma once

#include "images/parts.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/strv.h"

#define COMPILER "gcc"

/* Sets "compiler" (its version) and, for each name ("libc.a"), "library NAME" (its hash). */
int compiler_inputs(const struct strv *libraries, json_t *inputs, struct error *err);
/* Adds the machine's packages that the libraries are of, with their licence texts. */
int compiler_parts(const struct strv *libraries, struct parts *p, struct error *err);
