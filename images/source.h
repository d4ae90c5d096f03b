/* Sources: where files come from. A type is one row of the table in source.c and one file
 * source-TYPE.c. What a source makes is kept by its inputs (images/cache.h): `inputs` must name
 * everything that the result depends on, as it is the key. */
#pragma once

#include "images/cache.h"
#include "images/lock.h"
#include "images/parts.h"
#include "images/recipe.h"
#include "lib/error.h"
#include "lib/json.h"

#include <stdbool.h>

/* What a source may use while it works. */
struct source_context {
    const struct recipe *recipe;
    const char *cache_dir; /* for downloads and compilers' own caches */
    struct lock *lock;     /* what requests without a hash of their own are pinned to */
    const char *registry_config; /* folder of hosts.toml files; NULL: the default */
    const bool *cancel;    /* may be NULL; true: stop, -ECANCELED */
    /* Tells what goes on, in a few words; may be NULL. */
    void (*progress)(void *userdata, const char *text);
    void *userdata;
};

struct source_type {
    const char *name;
    const char *main_key; /* of its mapping: what `source: {TYPE: VALUE}` gives a value to */
    size_t spec_size;     /* of what is read from that mapping */
    /* Reads the source's mapping into *spec, which is all zero. */
    int (*load)(const struct recipe *r, const struct yaml_node *node, void *spec,
                struct error *err);
    void (*release)(void *spec); /* what *spec points to, also after `load` has failed */
    /* Sets members in `inputs` (an object). What the recipe does not pin by itself is resolved
     * here, and pinned in the lock file: the hashes are inputs. */
    int (*inputs)(const struct source_context *ctx, const void *spec, json_t *inputs,
                  struct error *err);
    /* Fills the empty folder `dir`; sets members in `about` (an object), which goes into
     * bigtop.json's `sources` for people. */
    int (*produce)(const struct source_context *ctx, const void *spec, const char *dir,
                   json_t *about, struct error *err);
    /* HOST/PATH:TAG of the image that it makes, borrowed, or NULL; NULL: it never makes one. */
    const char *(*image_name)(const void *spec);
    /* Tells what a result, made now or long ago, is made of. NULL: it is taken as one piece with
     * whatever licence texts lie in it. */
    int (*parts)(const struct source_context *ctx, const void *spec,
                 const struct cache_entry *result, struct parts *out, struct error *err);
};

const struct source_type *source_type_find(const char *name); /* NULL when there is none */
void source_type_names(struct strv *out);

extern const struct source_type source_go, source_go_files, source_c, source_deb, source_file,
    source_maven, source_pypi, source_oci, source_url;

void source_progress(const struct source_context *ctx, const char *format, ...) PRINTF_LIKE(2, 3);
