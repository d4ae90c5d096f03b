/* A line as words. They are separated by blanks; "#" where one would begin starts a comment.
 * "Double quotes" are around a word with blanks; within, \", \\ and \$ stand for the second
 * character. ${NAME} is an environment variable, an error when unset; ${NAME:-TEXT} is TEXT when it
 * is unset or empty. What a variable holds is never split; without quotes a word that comes out
 * empty is left out. ${PREFIX*} as a whole word is a word for each variable that begins so, in
 * bytewise order of names. */
#pragma once

#include "lib/error.h"
#include "lib/strv.h"

#include <stdbool.h>

#define WORD_MAX (256 * 1024) /* bytes; what one argument of a program may hold is less */

/* With `expand` false a variable's text stays as it stands. Errors: -EINVAL, -E2BIG. */
int words_split(const char *line, bool expand, struct strv *out, struct error *err);

/* Letters, digits, "_", "." and "-", as Kubernetes takes them; no digit first. */
bool words_is_name(const char *text);
