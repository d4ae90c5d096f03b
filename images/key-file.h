/* The keys that bundles are signed with, in minisign's files (version 0.11 of it):
 *
 *   NAME.pub   untrusted comment: minisign public key C67A835868351391
 *              base64 of "Ed", key id [8], Ed25519 public key [32]
 *   NAME.key   untrusted comment: …
 *              base64 of "Ed", "\0\0" or "Sc", "B2", salt [32], operations [8], memory [8],
 *              id [8], seed [32], public key [32], checksum [32]
 *
 * With "Sc" everything from the id on is XORed with what scrypt makes of the password, and the two
 * numbers (little endian) are the limits that libsodium derives scrypt's costs from. The checksum
 * is zero in a file without a password; in one with it, we look at the public key instead, which
 * only the right password makes the one of the seed. A comment is for people and proves nothing. */
#pragma once

#include "lib/digest.h"
#include "lib/error.h"
#include "lib/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

#define KEY_FILE_MAX 4096
#define KEY_ID_LEN 8
#define KEY_ID_TEXT (2 * KEY_ID_LEN + 1)
#define PUBLIC_KEY_TEXT (56 + 1)
#define PASSWORD_MAX 1024

struct public_key {
    unsigned char id[KEY_ID_LEN]; /* random: tells keys apart, proves nothing */
    unsigned char key[ED25519_PUBLIC_LEN];
};

struct secret_key {
    struct public_key public_key;
    unsigned char seed[ED25519_SEED_LEN];
};
void secret_key_wipe(struct secret_key *key);
#define AUTO_SECRET_KEY CLEANUP(secret_key_wipe) struct secret_key

/* 16 hex digits and a NUL, as minisign shows it. */
void key_id_text(const unsigned char id[KEY_ID_LEN], char out[KEY_ID_TEXT]);

/* A public key in one word, which is the second line of its file: "RW" and 54 more of base64. */
void public_key_text(const struct public_key *key, char out[PUBLIC_KEY_TEXT]);
/* False: it is none; *out is untouched then. */
bool public_key_from_text(const char *text, struct public_key *out);

void secret_key_generate(struct secret_key *out);
/* Writes NAME.key, mode 0600 and without a password, and NAME.pub. -EEXIST when one of them is
 * there: then nothing is written. */
int secret_key_save(const struct secret_key *key, const char *name, struct error *err);

/* How a password is got: appends it to `password` (PASSWORD_MAX bytes), which is wiped later. */
typedef int (*password_source)(void *userdata, struct strbuf *password, struct error *err);
/* Reads a NAME.key. ask is called only when it has a password; NULL: -ENOTTY then. *exposed: people
 * other than its owner may read the file. -EBADMSG: not a key, -EACCES: wrong password. Takes a
 * second and a gibibyte of memory with minisign's own passwords. */
int secret_key_load(const char *path, password_source ask, void *userdata, struct secret_key *out,
                    bool *exposed, struct error *err);

/* Pure: the texts of the files. */
void public_key_format(const struct public_key *key, struct strbuf *out);
int public_key_parse(const char *text, size_t len, struct public_key *out, struct error *err);
void secret_key_format(const struct secret_key *key, struct strbuf *out);
int secret_key_parse(const char *text, size_t len, password_source ask, void *userdata,
                     struct secret_key *out, struct error *err);

/* A line without its newline, borrowed from a text. */
struct line {
    const char *text;
    size_t len;
};
/* True when the text is exactly `count` lines; the last one's newline may be missing. */
bool lines_split(const char *text, size_t len, struct line *lines, size_t count);
bool line_has_prefix(struct line line, const char *prefix);
/* True when the line is base64 of exactly `len` bytes. */
bool line_decode(struct line line, unsigned char *out, size_t len);
