#include "agent/fstab.h"

#include <stdbool.h>
#include <string.h>

static size_t skip(const char *line, size_t len, size_t at, bool blanks)
{
    while (at < len && (line[at] == ' ' || line[at] == '\t') == blanks) {
        at++;
    }
    return at;
}

static bool is_swap(const char *line, size_t len)
{
    size_t at = skip(line, len, 0, true);
    if (at == len || line[at] == '#') {
        return false;
    }
    for (int field = 0; field < 2; field++) {
        at = skip(line, len, skip(line, len, at, false), true);
    }
    return skip(line, len, at, false) - at == 4 && memcmp(line + at, "swap", 4) == 0;
}

size_t fstab_without_swap(const char *text, size_t len, struct strbuf *out)
{
    size_t count = 0;
    while (len > 0) {
        const char *newline = memchr(text, '\n', len);
        size_t line = newline ? (size_t) (newline - text) : len;
        if (is_swap(text, line)) {
            strbuf_adds(out, FSTAB_COMMENT);
            count++;
        }
        size_t whole = newline ? line + 1 : line;
        strbuf_add(out, text, whole);
        text += whole;
        len -= whole;
    }
    return count;
}
