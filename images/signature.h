/* Signatures in minisign's prehashed form, readable and writable by minisign itself:
 *
 *   untrusted comment: …                        for people, proves nothing, may be changed
 *   base64 of "ED", key id [8], S [64]          S: Ed25519 over BLAKE2b-512 of the data
 *   trusted comment: …                          signed as well
 *   base64 of G [64]                            G: Ed25519 over S and the trusted comment
 *
 * Minisign's older form "Ed", which signs the data itself and which minisign no longer writes
 * unless told to, is refused: one form is less to get wrong. The text is exactly these four lines;
 * only the last one's newline may be missing. */
#pragma once

#include "images/key-file.h"
#include "images/trusted-keys.h"
#include "lib/error.h"
#include "lib/strbuf.h"

#include <stddef.h>

#define SIGNATURE_MAX (16 * 1024)
#define SIGNATURE_COMMENT_MAX 8192

/* What a good signature says. Zero-initialised it says nothing. */
struct signature {
    char key_id[KEY_ID_TEXT]; /* empty: nothing was checked */
    struct public_key key;    /* of the trusted ones, the one that made it */
    char *comment;            /* the trusted one, made printable: tabs became ", " */
};
void signature_release(struct signature *s);

/* Appends the text of a signature. The comment is one line of at most SIGNATURE_COMMENT_MAX
 * bytes: -EINVAL. */
int signature_make(const struct secret_key *key, const void *data, size_t len, const char *comment,
                   struct strbuf *out, struct error *err);
/* Whose signature a text says it is, which proves nothing. -EKEYREJECTED: it is malformed. */
int signature_claimed_key(const char *text, size_t text_len, char id[KEY_ID_TEXT],
                          struct error *err);
/* Whether the text is a signature of these bytes by one of the trusted keys. -EKEYREJECTED and the
 * reason when not: malformed, by another key, altered data or comment. *out stays untouched then;
 * it may be NULL. */
int signature_check(const char *text, size_t text_len, const void *data, size_t len,
                    const struct trusted_keys *trusted, struct signature *out, struct error *err);
