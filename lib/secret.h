/* Texts that nobody may find in freed memory. */
#pragma once

#include "lib/cleanup.h"

#include <string.h>

/* Overwrites the text, frees it and leaves NULL. */
static inline void secret_free(char **text)
{
    if (*text)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}
#define AUTO_SECRET CLEANUP(secret_free) char
