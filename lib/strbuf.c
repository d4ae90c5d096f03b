#include "lib/strbuf.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define FIRST_CAPACITY 64

static char empty_text[1] = "";

static void out_of_memory(void)
{
    static const char message[] = "out of memory\n";
    fwrite(message, 1, sizeof(message) - 1, stderr);
    abort();
}

void strbuf_init(struct strbuf *b, size_t max)
{
    *b = (struct strbuf){.data = empty_text, .max = max < SIZE_MAX / 4 ? max : SIZE_MAX / 4};
}

void strbuf_release(struct strbuf *b)
{
    if (b->cap)
        free(b->data);
    strbuf_init(b, b->max);
}

void strbuf_release_secret(struct strbuf *b)
{
    if (b->cap)
        explicit_bzero(b->data, b->cap);
    strbuf_release(b);
}

void strbuf_reset(struct strbuf *b)
{
    b->len = 0;
    b->full = false;
    if (b->cap)
        b->data[0] = '\0';
}

/* Room for extra bytes and the NUL. The old memory is wiped: it may hold a secret. */
static int reserve(struct strbuf *b, size_t extra)
{
    if (b->full || extra > b->max - b->len) {
        b->full = true;
        return -E2BIG;
    }
    size_t need = b->len + extra + 1;
    if (need <= b->cap)
        return 0;
    size_t cap = b->cap ? b->cap : FIRST_CAPACITY;
    while (cap < need)
        cap *= 2;
    if (cap > b->max + 1)
        cap = b->max + 1;
    char *grown = xcalloc(cap, 1);
    memcpy(grown, b->data, b->len);
    if (b->cap) {
        explicit_bzero(b->data, b->cap);
        free(b->data);
    }
    b->data = grown;
    b->cap = cap;
    return 0;
}

int strbuf_add(struct strbuf *b, const void *data, size_t len)
{
    int r = reserve(b, len);
    if (r < 0)
        return r;
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
    return 0;
}

int strbuf_adds(struct strbuf *b, const char *text)
{
    return strbuf_add(b, text, strlen(text));
}

int strbuf_addc(struct strbuf *b, char c)
{
    return strbuf_add(b, &c, 1);
}

int strbuf_vaddf(struct strbuf *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (len < 0)
        return -EINVAL;
    int r = reserve(b, (size_t) len);
    if (r < 0)
        return r;
    vsnprintf(b->data + b->len, (size_t) len + 1, format, args);
    b->len += (size_t) len;
    return 0;
}

int strbuf_addf(struct strbuf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int r = strbuf_vaddf(b, format, args);
    va_end(args);
    return r;
}

size_t utf8_start(const char *text, size_t at)
{
    while (at > 0 && ((unsigned char) text[at] & 0xc0) == 0x80)
        at--;
    return at;
}

/* Length of the UTF-8 sequence that starts here and its code point; 0 when it is not one (RFC 3629:
 * no surrogates, nothing over-long, nothing above U+10FFFF). */
static size_t utf8_sequence(const unsigned char *s, size_t left, uint32_t *point)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (len == 0 || len > left || s[0] > 0xf4)
        return 0;
    uint32_t value = len == 1 ? s[0] : s[0] & (0x7fU >> len);
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (s[i] & 0x3fU);
    }
    if (value < smallest[len] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *point = value;
    return len;
}

/* C0, DEL, C1, line separators, and the marks that turn the direction of text around. */
static bool is_control(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) ||
           (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069) ||
           point == 0x200e || point == 0x200f || point == 0xfeff;
}

int strbuf_add_printable(struct strbuf *b, const char *data, size_t len)
{
    const unsigned char *s = (const unsigned char *) data;
    int r = 0;
    for (size_t i = 0; i < len && r == 0;) {
        uint32_t point = 0;
        size_t n = utf8_sequence(s + i, len - i, &point);
        if (n > 0 && !is_control(point)) {
            r = strbuf_add(b, s + i, n);
            i += n;
            continue;
        }
        for (size_t end = i + (n ? n : 1); i < end && r == 0; i++)
            r = strbuf_addf(b, "\\x%02x", s[i]);
    }
    return r;
}

void strbuf_consume(struct strbuf *b, size_t len)
{
    if (len == 0)
        return;
    if (len > b->len)
        len = b->len;
    b->len -= len;
    if (b->cap) {
        memmove(b->data, b->data + len, b->len);
        b->data[b->len] = '\0';
    }
}

char *strbuf_steal(struct strbuf *b)
{
    char *taken = b->cap ? b->data : xstrdup("");
    b->cap = 0;
    strbuf_release(b);
    return taken;
}

char *xasprintf(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        out_of_memory();
    return text;
}

char *xstrdup(const char *text)
{
    return xstrndup(text, strlen(text));
}

char *xstrndup(const char *text, size_t len)
{
    char *copy = strndup(text, len);
    if (!copy)
        out_of_memory();
    return copy;
}

void *xcalloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (!p)
        out_of_memory();
    return p;
}

void *xrealloc(void *old, size_t count, size_t size)
{
    void *p = reallocarray(old, count ? count : 1, size ? size : 1);
    if (!p)
        out_of_memory();
    return p;
}
