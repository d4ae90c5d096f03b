/* What a line of a launch file can say: one row of a table each. */
#pragma once

#include "images/launcher/launcher.h"
#include "lib/error.h"
#include "lib/strv.h"

#include <stddef.h>

struct directive {
    const char *name, *usage;
    size_t min, max; /* words, the name among them */
    int (*run)(const struct launcher *l, const struct strv *words, struct error *err);
};

/* By the first of the words: -EINVAL when there is none of that name, or the number of words is
 * none that it takes. */
int directive_find(const struct strv *words, const struct directive **out, struct error *err);
/* Whether it is the one after which nothing comes. */
bool directive_is_last(const struct directive *d);
