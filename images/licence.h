/* Licences (pure): which files hold their texts, and which one of the well-known a text is. */
#pragma once

#include "lib/strv.h"

#include <stdbool.h>
#include <stddef.h>

#define LICENCE_TEXT_MAX (4 * 1024 * 1024)

/* LICENSE, COPYING, NOTICE and the like, with what usually follows, but no program text. */
bool licence_is_file_name(const char *name);
/* Of those, the ones that say under which terms; NOTICE, AUTHORS and PATENTS don't. */
bool licence_is_terms(const char *name);
/* Adds the SPDX identifiers of the licences that a text contains, none when it is none of the
 * well-known. A text alone does not tell "or later": the GNU licences come out as "-only". */
void licence_guess(const char *text, size_t len, struct strv *ids);
/* "A AND B", sorted, each once; NULL for none. The caller frees. */
char *licence_expression(const struct strv *ids);
/* One that obliges whoever hands the program on to hand on its source as well. */
bool licence_wants_source(const char *expression);
