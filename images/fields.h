/* Reading a recipe's mappings: each helper checks one value and says at which line it is wrong.
 * `map` is a mapping. Strings are borrowed from the file. All return 0 or -EINVAL with err set. */
#pragma once

#include "lib/error.h"
#include "lib/strv.h"
#include "lib/yaml.h"

#include <stdbool.h>
#include <sys/types.h>

/* A mapping with keys out of a NULL-terminated list only. */
int fields_check(const struct yaml_file *f, const struct yaml_node *map, const char *const *keys,
                 struct error *err);
int fields_kind(const struct yaml_file *f, const struct yaml_node *n, enum yaml_kind kind,
                struct error *err);
/* The value of a key that must be there. */
int fields_need(const struct yaml_file *f, const struct yaml_node *map, const char *key,
                const struct yaml_node **out, struct error *err);
/* A string without control characters but newline and tab. The `get` forms leave *out when the key
 * is absent. */
int fields_need_string(const struct yaml_file *f, const struct yaml_node *map, const char *key,
                       const char **out, struct error *err);
int fields_get_string(const struct yaml_file *f, const struct yaml_node *map, const char *key,
                      const char **out, struct error *err);
/* A name: [A-Za-z0-9][A-Za-z0-9._+~:-]*, at most 63. */
int fields_need_word(const struct yaml_file *f, const struct yaml_node *map, const char *key,
                     const char **out, struct error *err);
bool fields_is_word(const char *s);
/* A relative path that stays inside; "." becomes "". */
int fields_get_path(const struct yaml_file *f, const struct yaml_node *map, const char *key,
                    const char **out, struct error *err);
/* A list of strings, none of them empty; absent: nothing is added. */
int fields_get_strings(const struct yaml_file *f, const struct yaml_node *map, const char *key,
                       struct strv *out, struct error *err);
int fields_need_strings(const struct yaml_file *f, const struct yaml_node *map, const char *key,
                        struct strv *out, struct error *err);
/* A quoted octal mode, at most "1777": set-user-id and set-group-id are never packed. */
int fields_get_mode(const struct yaml_file *f, const struct yaml_node *map, const char *key,
                    mode_t *out, struct error *err);
