/* Strict YAML into a tree with positions, on libyaml's event parser (the only user of <yaml.h>).
 * Refused while parsing, with "file:line:column: what, and what was expected": aliases, anchors,
 * tags, several documents, duplicate keys, keys that are not words, NUL and invalid UTF-8,
 * depth > YAML_DEPTH_MAX, input > YAML_SIZE_MAX, scalars > YAML_SCALAR_MAX, more values than
 * YAML_NODES_MAX. Depth is checked per event: libyaml 0.2.5 is quadratic in the nesting of flow
 * collections. */
#pragma once

#include "lib/cleanup.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define YAML_DEPTH_MAX 32
#define YAML_SIZE_MAX (1024 * 1024)
#define YAML_SCALAR_MAX (64 * 1024)
#define YAML_NODES_MAX 65536 /* 1 MiB of hosts.yaml has fewer; read within 100 ms */

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node {
    enum yaml_kind kind;
    unsigned line, column; /* 1-based */
    bool quoted;           /* scalar was quoted, or a block scalar: never a number, bool or null */
    char *text;            /* YAML_SCALAR: NUL-terminated, no NUL inside */
    char **keys;           /* YAML_MAPPING: count keys, in file order */
    unsigned *key_lines, *key_columns;
    struct yaml_node **items; /* YAML_SEQUENCE and YAML_MAPPING: count values */
    size_t count;
};

struct yaml_file {
    char *name;             /* as shown in errors */
    struct yaml_node *root; /* NULL when the document is empty */
};

/* Both leave *out untouched on failure. yaml_release frees the whole tree. */
int yaml_parse(const char *data, size_t len, const char *name, struct yaml_file *out,
               struct error *err);
/* Of a program of ours that is trusted: four times as deep, sixteen times as much, and values of up
 * to 1 MiB. */
int yaml_parse_output(const char *data, size_t len, const char *name, struct yaml_file *out,
                      struct error *err);
int yaml_parse_file(const char *path, struct yaml_file *out, struct error *err);
void yaml_release(struct yaml_file *file);
#define YAML_FILE_INIT ((struct yaml_file){0})

/* The value of key, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key);
bool yaml_is_null(const struct yaml_node *node); /* absent, empty plain, ~ or null */
/* Plain scalars by YAML 1.2's core schema. */
bool yaml_is_boolean(const struct yaml_node *node);
bool yaml_is_number(const struct yaml_node *node);

/* error_set with "name:line:column: " in front; returns -EINVAL. node NULL: "name:1:1". */
int yaml_error(const struct yaml_file *file, const struct yaml_node *node, struct error *err,
               const char *format, ...) PRINTF_LIKE(4, 5);
/* The same at the position of key number i of a mapping. */
int yaml_error_key(const struct yaml_file *file, const struct yaml_node *mapping, size_t i,
                   struct error *err, const char *format, ...) PRINTF_LIKE(5, 6);

/* Typed scalars; the error says what was found and what was expected. YAML 1.2 core rules:
 * only true/false are booleans ("yes", "on" are refused with a hint), decimal integers only. A
 * plain number, boolean or null is not a string: it has to be quoted. Errors of yaml_string do not
 * show the value, which may be a password. */
int yaml_string(const struct yaml_file *f, const struct yaml_node *n, const char **out,
                struct error *err);
int yaml_int(const struct yaml_file *f, const struct yaml_node *n, int64_t min, int64_t max,
             int64_t *out, struct error *err);
int yaml_bool(const struct yaml_file *f, const struct yaml_node *n, bool *out, struct error *err);
