/* The public keys that a signature may come from: several, so that a next key is trusted before it
 * is used. */
#pragma once

#include "images/key-file.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <stddef.h>

#define TRUSTED_KEYS_MAX 64 /* in a list that a file or a peer gives */

/* Zero-initialised it is empty. */
struct trusted_keys {
    struct public_key *keys; /* none twice */
    size_t count;
};
void trusted_keys_release(struct trusted_keys *trusted);
#define AUTO_TRUSTED_KEYS CLEANUP(trusted_keys_release) struct trusted_keys
/* Nothing when it is there already. */
void trusted_keys_add(struct trusted_keys *trusted, const struct public_key *key);
void trusted_keys_add_all(struct trusted_keys *trusted, const struct trusted_keys *others);
bool trusted_keys_have(const struct trusted_keys *trusted, const struct public_key *key);
/* Adds the key of a NAME.pub. */
int trusted_keys_load(struct trusted_keys *trusted, const char *path, struct error *err);
int trusted_keys_load_all(struct trusted_keys *trusted, const struct strv *paths,
                          struct error *err);
/* As trusted_keys_load, or the key itself ("RW…"). A relative path is relative to dir, with NULL to
 * the working folder. */
int trusted_keys_add_named(struct trusted_keys *trusted, const char *text, const char *dir,
                           struct error *err);
/* As an array of the keys' texts ("RW…"), and back: adds them. -EBADMSG when the list is not one of
 * at most TRUSTED_KEYS_MAX keys; some may have been added then. The caller owns the array. */
json_t *trusted_keys_to_json(const struct trusted_keys *trusted);
int trusted_keys_from_json(struct trusted_keys *trusted, const json_t *list, struct error *err);
