#include "coordinator/suggest.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX 48 /* longer words are nobody's typing error: no command or key is as long */

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Optimal string alignment distance: three rows are enough to see a swap of neighbours. */
static unsigned distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    if (la > WORD_MAX || lb > WORD_MAX)
        return UINT_MAX;
    unsigned rows[3][WORD_MAX + 1];
    for (size_t j = 0; j <= lb; j++)
        rows[0][j] = (unsigned) j;
    for (size_t i = 1; i <= la; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i - 1) % 3];
        row[0] = (unsigned) i;
        for (size_t j = 1; j <= lb; j++) {
            row[j] = least(above[j - 1] + (a[i - 1] != b[j - 1]), least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], rows[(i - 2) % 3][j - 2] + 1);
        }
    }
    return rows[la % 3][lb];
}

void suggest_start(struct suggestion *s, const char *wanted)
{
    size_t third = strlen(wanted) / 3;
    unsigned reach = third > WORD_MAX ? 0 : (unsigned) third;
    *s = (struct suggestion){.wanted = wanted, .distance = (reach ? reach : 1) + 1};
}

void suggest_offer(struct suggestion *s, const char *word)
{
    unsigned d = distance(s->wanted, word);
    if (d < s->distance) {
        s->distance = d;
        s->word = word;
    }
}

const char *suggest_phrase(const struct suggestion *s, char *out, size_t size)
{
    out[0] = '\0';
    if (s->word)
        (void) snprintf(out, size, ", did you mean '%s'?", s->word);
    return out;
}
