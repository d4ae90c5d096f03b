/* Results of work, kept by what they were made from. An entry is a folder
 *   builds/<sha256 of the inputs>/entry.json     inputs, the list of files with hashes, about
 *   builds/<sha256 of the inputs>/files/…        the result
 * It is made under another name and renamed when whole. Nothing in it is trusted: an entry is used
 * only after each of its files was hashed, so one that a crash, a power cut or a hand changed is
 * dropped and made again (which is also why nothing here needs an fsync). */
#pragma once

#include "lib/cleanup.h"
#include "lib/error.h"
#include "lib/json.h"

#include <stdbool.h>

struct cache;
/* Opens, or creates, a cache below dir, for this process alone: -EBUSY when another one has it.
 * Drops what an interrupted run left half done. */
int cache_open(const char *dir, struct cache **out, struct error *err);
/* The same, waiting until the other one is done. `busy` (may be NULL) is called once when there is
 * one; *cancel (may be NULL): -ECANCELED. */
int cache_await(const char *dir, const bool *cancel, void (*busy)(void *userdata), void *userdata,
                struct cache **out, struct error *err);
void cache_close(struct cache **c);

struct cache_entry {
    char *dir;     /* of the files */
    json_t *files; /* as cache_list gives it */
    json_t *about; /* what the producer said of it */
};
#define CACHE_ENTRY_INIT ((struct cache_entry){0})
void cache_entry_release(struct cache_entry *e);

/* All below dir: {"path": "dir" | "link TARGET" | "MODE sha256:…"}. */
int cache_list(const char *dir, json_t **out, struct error *err);

/* Fills the empty folder `dir`, sets members in `about` (an object). */
typedef int (*cache_produce_fn)(void *userdata, const char *dir, json_t *about,
                                struct error *err);
/* The entry for the inputs (an object): what is there and whole, else what `produce` makes now.
 * `fresh` (may be NULL) tells which. Leaves *out untouched on failure. */
int cache_get(struct cache *c, const json_t *inputs, cache_produce_fn produce, void *userdata,
              struct cache_entry *out, bool *fresh, struct error *err);
