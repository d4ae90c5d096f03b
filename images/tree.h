/* The files of one archive: a recipe's entries with the sources filled in, sorted, and with their
 * parents. */
#pragma once

#include "images/cache.h"
#include "images/recipe.h"
#include "lib/archive.h"
#include "lib/digest.h"
#include "lib/json.h"

enum tree_kind { TREE_DIR, TREE_FILE, TREE_LINK, TREE_TEXT, TREE_SAME };

struct tree_item {
    enum tree_kind kind;
    char *path;
    mode_t mode;
    char *source;             /* FILE: where its content is */
    char *text;               /* TEXT: content; LINK: target; SAME: the path it is a name of */
    char digest[DIGEST_SIZE]; /* FILE, TEXT */
    bool implied;             /* a parent nobody named */
};

struct tree {
    struct tree_item *items; /* sorted by path, bytewise: parents come first */
    size_t count;
};

#define TREE_INIT ((struct tree){0})
/* sources: for each one of the recipe its files, hashed; only those named are looked at.
 * Two entries for one path are an error unless both are folders. */
int tree_build(const struct recipe *r, const struct recipe_layer *layer,
               const struct cache_entry *sources, struct tree *out, struct error *err);
void tree_release(struct tree *t);
/* Makes one file of those with the same content and mode, under all of their names: what is later
 * becomes TREE_SAME. For layers of images; hosts refuse hard links (lib/archive.h). */
void tree_share(struct tree *t);
/* All that the archive depends on. */
json_t *tree_describe(const struct tree *t);
int tree_write(const struct tree *t, struct archive_writer *w, struct error *err);
