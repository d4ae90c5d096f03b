/* A growing byte buffer with a mandatory maximum, always NUL-terminated (the NUL is not counted).
 * Out-of-memory aborts. Reaching the maximum makes the buffer "full": further appends are dropped,
 * return -E2BIG, and strbuf_full() stays true, so a chain of appends needs one check at its end. */
#pragma once

#include "lib/cleanup.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct strbuf {
    char *data; /* never NULL after init: points at an empty string until the first append */
    size_t len;
    size_t cap;
    size_t max; /* bytes */
    bool full;
};

void strbuf_init(struct strbuf *b, size_t max);
void strbuf_release(struct strbuf *b); /* leaves it empty and usable with the same maximum */
void strbuf_reset(struct strbuf *b);   /* length 0, keeps memory, clears full */
/* Overwrites the content with zeroes before the memory is freed: for secrets. */
void strbuf_release_secret(struct strbuf *b);

int strbuf_add(struct strbuf *b, const void *data, size_t len);
int strbuf_adds(struct strbuf *b, const char *text);
int strbuf_addc(struct strbuf *b, char c);
int strbuf_addf(struct strbuf *b, const char *format, ...) PRINTF_LIKE(2, 3);
int strbuf_vaddf(struct strbuf *b, const char *format, va_list args) PRINTF_LIKE(2, 0);
/* Appends text that came from outside, made safe for a terminal: control characters and bytes
 * that are not UTF-8 become \xNN. */
int strbuf_add_printable(struct strbuf *b, const char *data, size_t len);
/* Where the UTF-8 sequence begins that the byte at `at` is of: to cut a text there. */
size_t utf8_start(const char *text, size_t at);
void strbuf_consume(struct strbuf *b, size_t len); /* drops len bytes from the front */
/* Gives the memory to the caller (free()); the buffer is empty afterwards. */
char *strbuf_steal(struct strbuf *b);

static inline bool strbuf_full(const struct strbuf *b)
{
    return b->full;
}

#define STRBUF(name, maximum) \
    CLEANUP(strbuf_release) struct strbuf name; \
    strbuf_init(&name, maximum)

/* printf into fresh memory; aborts when there is none. The caller frees. */
char *xasprintf(const char *format, ...) PRINTF_LIKE(1, 2);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t len);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t count, size_t size); /* checks count * size for overflow */
