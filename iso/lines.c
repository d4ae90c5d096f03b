#include "iso/lines.h"

#include <string.h>

#define ESCAPE '\033'
#define NUMBER_MAX 9999

void iso_lines_release(struct iso_lines *l)
{
    for (size_t i = 0; i < l->count; i++)
        strbuf_release(&l->rows[i]);
    free(l->rows);
    *l = (struct iso_lines){0};
}

static void drop(struct iso_lines *l, size_t from)
{
    for (size_t i = from; i < l->count; i++)
        strbuf_release(&l->rows[i]);
    if (l->count > from)
        l->count = from;
}

static void need_row(struct iso_lines *l)
{
    while (l->count <= l->at) {
        l->rows = xrealloc(l->rows, l->count + 1, sizeof(*l->rows));
        strbuf_init(&l->rows[l->count++], ISO_LINE_MAX);
    }
}

static void next_row(struct iso_lines *l)
{
    need_row(l);
    l->again = false;
    if (++l->at < ISO_LINES_MAX)
        return;
    strbuf_release(&l->rows[0]);
    memmove(l->rows, l->rows + 1, (l->count - 1) * sizeof(*l->rows));
    l->count--;
    l->at--;
}

static void put(struct iso_lines *l, char c)
{
    need_row(l);
    if (l->again)
        strbuf_reset(&l->rows[l->at]);
    l->again = false;
    (void) strbuf_addc(&l->rows[l->at], c);
}

/* Up n rows to their beginning, away with all that is below, away with all, to the top. */
static void control(struct iso_lines *l, char c)
{
    size_t n = l->number ? l->number : 1;
    if (c == 'F' || c == 'A') {
        l->at = l->at > n ? l->at - n : 0;
        l->again = true;
    } else if (c == 'H' && l->number == 0) {
        l->at = 0;
        l->again = true;
    } else if (c == 'J' && l->number == 2) {
        drop(l, 0);
        l->at = 0;
    } else if (c == 'J') {
        drop(l, l->again ? l->at : l->at + 1);
    }
}

static void write_text(struct iso_lines *l, char c)
{
    if (c == ESCAPE)
        l->state = ISO_LINES_ESCAPE;
    else if (c == '\n')
        next_row(l);
    else if (c == '\r')
        l->again = true;
    else if (c != '\a' && c != '\b')
        put(l, c);
}

static void write_control(struct iso_lines *l, char c)
{
    if (c >= '0' && c <= '9') {
        l->number = l->number * 10 + (unsigned) (c - '0');
        l->number = l->number > NUMBER_MAX ? NUMBER_MAX : l->number;
    } else if (c == ESCAPE) {
        l->state = ISO_LINES_ESCAPE;
    } else if (c == ';') {
        l->number = 0;
    } else if (c >= '@' && c <= '~') { /* ECMA-48, 5.4: a final byte */
        l->state = ISO_LINES_TEXT;
        control(l, c);
    }
}

void iso_lines_write(struct iso_lines *l, const void *data, size_t len)
{
    const char *bytes = data;
    for (size_t i = 0; i < len; i++) {
        if (l->state == ISO_LINES_CONTROL)
            write_control(l, bytes[i]);
        else if (l->state == ISO_LINES_TEXT)
            write_text(l, bytes[i]);
        else
            l->state = bytes[i] == '[' ? ISO_LINES_CONTROL : ISO_LINES_TEXT;
        if (l->state == ISO_LINES_ESCAPE)
            l->number = 0;
    }
}

void iso_lines_text(const struct iso_lines *l, struct strbuf *out)
{
    for (size_t i = 0; i < l->count; i++) {
        (void) strbuf_add_printable(out, l->rows[i].data, l->rows[i].len);
        (void) strbuf_addc(out, '\n');
    }
}
