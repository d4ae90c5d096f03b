#include "coordinator/words.h"

#include <string.h>

int words_index(const char *words, const char *word)
{
    size_t len = strlen(word);
    for (int index = 0;; index++) {
        size_t here = strcspn(words, "|");
        if (here == len && memcmp(words, word, len) == 0)
            return index;
        if (words[here] == '\0')
            return -1;
        words += here + 1;
    }
}

void words_phrase(const char *words, struct strbuf *out)
{
    for (;;) {
        size_t here = strcspn(words, "|");
        strbuf_add(out, words, here);
        if (words[here] == '\0')
            return;
        words += here + 1;
        strbuf_adds(out, strchr(words, '|') ? ", " : " or ");
    }
}
