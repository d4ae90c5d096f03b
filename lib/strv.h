/* A NULL-terminated vector of owned strings: argument vectors and lists of names. */
#pragma once

#include "lib/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

struct strv {
    char **items; /* NULL, or NULL-terminated */
    size_t count;
};

#define STRV_INIT ((struct strv){0})
void strv_release(struct strv *v);
#define STRV(name) CLEANUP(strv_release) struct strv name = STRV_INIT

void strv_add(struct strv *v, const char *text); /* copies */
void strv_addf(struct strv *v, const char *format, ...) PRINTF_LIKE(2, 3);
void strv_add_all(struct strv *v, const char *const *items); /* up to a NULL */
bool strv_contains(const struct strv *v, const char *text);
void strv_sort(struct strv *v); /* bytewise */
/* Joins with the separator into fresh memory; the caller frees. */
char *strv_join(const struct strv *v, const char *separator);
/* Splits text at every separator character; empty parts are dropped. */
void strv_split(struct strv *v, const char *text, char separator);
