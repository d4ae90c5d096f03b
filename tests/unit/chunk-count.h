/* How many chunks a set has: only tests want to know. */
#pragma once

#include "images/chunk-set.h"

static uint32_t __attribute__((unused)) chunk_set_count(const struct chunk_set *s)
{
    uint32_t count = 0;
    for (uint32_t n = 0; n < s->size; n++)
        count += chunk_set_has(s, n);
    return count;
}
