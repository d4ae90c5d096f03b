/* What a terminal would show of what was written to it, pure: as much as our own programs write
 * (colours are dropped). For the page of the coordinator's machine. */
#pragma once

#include "lib/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

#define ISO_LINES_MAX 500 /* the oldest are dropped */
#define ISO_LINE_MAX 1024 /* bytes */

struct iso_lines {
    struct strbuf *rows;
    size_t count, at; /* rows, and the one that is written to */
    bool again;       /* what is written next replaces the row */
    enum { ISO_LINES_TEXT, ISO_LINES_ESCAPE, ISO_LINES_CONTROL } state;
    unsigned number; /* of the control sequence */
};
void iso_lines_release(struct iso_lines *l);
#define AUTO_ISO_LINES CLEANUP(iso_lines_release) struct iso_lines

/* Takes bytes in any pieces. */
void iso_lines_write(struct iso_lines *l, const void *data, size_t len);
/* Appends the rows, each with a newline; bytes that are no text become \xNN. */
void iso_lines_text(const struct iso_lines *l, struct strbuf *out);
