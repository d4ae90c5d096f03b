/* Small sets of words as one text, "auto|none|password": what an option or a key may be. */
#pragma once

#include "lib/strbuf.h"

/* Index of word, or -1. */
int words_index(const char *words, const char *word);
/* Appends "auto, none or password". */
void words_phrase(const char *words, struct strbuf *out);
