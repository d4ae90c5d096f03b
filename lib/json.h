/* JSON by jansson. This header is the only one to include <jansson.h>; the helpers below add what
 * strict readers need: type-checked members with an error that names them. */
#pragma once

#include "lib/cleanup.h"
#include "lib/error.h"
#include "lib/strbuf.h"
#include "lib/strv.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

static inline void json_decref_cleanup(json_t **j)
{
    json_decref(*j);
    *j = NULL;
}
#define AUTO_JSON CLEANUP(json_decref_cleanup) json_t

/* Parses len bytes (duplicate keys rejected, depth limited by jansson). NULL and err on failure.
 * `what` names the source in the error. The caller owns the result. */
json_t *json_parse(const char *data, size_t len, const char *what, struct error *err);
json_t *json_parse_file(const char *path, size_t max, struct error *err);
/* Members. With a default: absent or null gives it; a wrong type is always an error value of the
 * `need` form and the default of the `get` form. Strings are borrowed from the object. */
const char *json_get_string(const json_t *obj, const char *key, const char *fallback);
int64_t json_get_int(const json_t *obj, const char *key, int64_t fallback);
bool json_get_bool(const json_t *obj, const char *key, bool fallback);
int json_need_string(const json_t *obj, const char *key, const char **out, struct error *err);
int json_need_int(const json_t *obj, const char *key, int64_t *out, struct error *err);
int json_need_array(const json_t *obj, const char *key, json_t **out, struct error *err);
int json_need_object(const json_t *obj, const char *key, json_t **out, struct error *err);
/* Whether obj has each member of `wanted`, with the same value. NULL is an empty object. */
bool json_has_all(const json_t *obj, const json_t *wanted);
/* Arrays of strings. `has` passes over members that are none. The caller owns the new one. */
bool json_has_text(const json_t *array, const char *text);
json_t *json_texts(const struct strv *v);
/* Appends value, which stays the caller's, unless its equal is there or there are max items. */
void json_add_distinct(json_t *array, json_t *value, size_t max);
/* Compact, keys sorted: the same value gives the same bytes. The caller frees. */
char *json_canonical(const json_t *j);
/* Two-space indent, keys in insertion order, trailing newline. The caller frees. */
char *json_pretty(const json_t *j);
