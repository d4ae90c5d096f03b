#include "lib/strv.h"

#include "lib/strbuf.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

void strv_release(struct strv *v)
{
    for (size_t i = 0; i < v->count; i++)
        free(v->items[i]);
    free(v->items);
    *v = STRV_INIT;
}

/* Grows at every power of two, the NULL included. */
static void take(struct strv *v, char *item)
{
    size_t used = v->count + 1;
    if ((used & (used - 1)) == 0)
        v->items = xrealloc(v->items, used * 2, sizeof(*v->items));
    v->items[v->count++] = item;
    v->items[v->count] = NULL;
}

void strv_add(struct strv *v, const char *text)
{
    take(v, xstrdup(text));
}

void strv_addf(struct strv *v, const char *format, ...)
{
    STRBUF(text, SIZE_MAX);
    va_list args;
    va_start(args, format);
    strbuf_vaddf(&text, format, args);
    va_end(args);
    take(v, strbuf_steal(&text));
}

void strv_add_all(struct strv *v, const char *const *items)
{
    for (; items && *items; items++)
        strv_add(v, *items);
}

bool strv_contains(const struct strv *v, const char *text)
{
    for (size_t i = 0; i < v->count; i++)
        if (strcmp(v->items[i], text) == 0)
            return true;
    return false;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

void strv_sort(struct strv *v)
{
    if (v->count > 1)
        qsort(v->items, v->count, sizeof(*v->items), compare);
}

char *strv_join(const struct strv *v, const char *separator)
{
    STRBUF(text, SIZE_MAX);
    for (size_t i = 0; i < v->count; i++) {
        if (i)
            strbuf_adds(&text, separator);
        strbuf_adds(&text, v->items[i]);
    }
    return strbuf_steal(&text);
}

void strv_split(struct strv *v, const char *text, char separator)
{
    while (*text) {
        const char *end = strchrnul(text, separator);
        if (end > text)
            take(v, xstrndup(text, (size_t) (end - text)));
        text = *end ? end + 1 : end;
    }
}
