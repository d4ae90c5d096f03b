/* A small YAML emitter (block style, two spaces). Keys are constants of ours; every string value is
 * double-quoted and escaped, so that a value can never become a key, a comment or a document. */
#pragma once

#include "lib/strbuf.h"

#include <stdbool.h>

struct emit {
    struct strbuf buf;
    unsigned depth;
    bool dash; /* the next line starts an item of a list */
};

void emit_init(struct emit *e, size_t max);
void emit_release(struct emit *e);
#define AUTO_EMIT CLEANUP(emit_release) struct emit

/* "---", apiVersion and kind. */
void emit_document(struct emit *e, const char *api_version, const char *kind);
void emit_open(struct emit *e,
               const char *key); /* a mapping or a list below key, until emit_close */
void emit_item(struct emit *e);  /* a mapping in a list, until emit_close */
void emit_close(struct emit *e);

void emit_string(struct emit *e, const char *key, const char *value);
void emit_number(struct emit *e, const char *key, unsigned value);
void emit_bool(struct emit *e, const char *key, bool value);
void emit_empty_list(struct emit *e, const char *key);
void emit_string_item(struct emit *e, const char *value);

/* Appends text in double quotes, pure ASCII, in the escapes that YAML and TOML have in common. A
 * byte that is not UTF-8 becomes U+FFFD. */
void emit_quoted(struct strbuf *out, const char *text);
