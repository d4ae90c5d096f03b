/* "did you mean": the nearest of a few known words to one that was mistyped. */
#pragma once

#include <stddef.h>

struct suggestion {
    const char *word;   /* borrowed; NULL until something near enough was offered */
    const char *wanted; /* borrowed: what the user wrote */
    unsigned distance;  /* edits (insert, delete, change, swap of neighbours) to the best word */
};

/* Starts a search. Words further away than a third of the wanted word's length (at least one edit)
 * are never suggested. */
void suggest_start(struct suggestion *s, const char *wanted);
void suggest_offer(struct suggestion *s, const char *word);
/* ", did you mean 'WORD'?" into out, or "" when nothing is near; returns out. */
const char *suggest_phrase(const struct suggestion *s, char *out, size_t size);
