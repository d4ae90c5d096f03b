/* A recipe says what a bundle holds and where each part comes from. YAML, strict: unknown keys,
 * wrong types and dangling names are refused with "file:line:column: what, and what was expected".
 *
 *   product: bigtop
 *   architecture: amd64
 *   serial: 1
 *   kubernetes: v1.34.4
 *   created: 2026-02-10T12:53:36Z          time stamp of everything in the bundle
 *   toolchain: {go: go1.25.4, sum: "h1:…"} the Go compiler, by the sum of its module
 *   sources: {NAME: {type: T, …}}          T and its keys: images/source-T.c
 *   layers: {NAME: [ENTRY, …]}             image layers that several images share
 *   components:                            in install order
 *     - {name, kind: files, version, roles, files: [ENTRY, …]}
 *     - {name, kind: image, version, roles, ref, layers: [NAME, …], files: [ENTRY, …],
 *        entrypoint, cmd, env, user, workdir}
 *     - {name, kind: addon, version, roles, files: [ENTRY, …], namespaces: [NAME, …]}
 *
 * ENTRY is one of
 *   {from: SOURCE, path: P, to: D, mode: "0755"}   a file, or a folder with all that is in it;
 *                                    path defaults to the whole source, mode to what it has there
 *   {links: [NAME, …], in: D, target: T}           symbolic links
 *   {text: T, to: D, mode: "0644"}
 *   {dir: D, mode: "0755"}
 * Paths are relative to the root of the host, image or addon. */
#pragma once

#include "images/bundle.h"
#include "lib/error.h"
#include "lib/strv.h"
#include "lib/yaml.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RECIPE_MODE_KEEP ((mode_t) -1)

enum recipe_entry_kind { RECIPE_FROM, RECIPE_LINKS, RECIPE_TEXT, RECIPE_DIR };

struct recipe_entry {
    enum recipe_entry_kind kind;
    const struct yaml_node *node; /* for errors */
    size_t source;                /* FROM: index in recipe.sources */
    const char *path;             /* FROM: inside the source; "" = all of it */
    const char *to;               /* all: where; LINKS: the folder; "" = the root */
    const char *text;             /* TEXT */
    const char *target;           /* LINKS */
    struct strv links;            /* LINKS */
    mode_t mode;                  /* RECIPE_MODE_KEEP only for FROM */
};

struct recipe_layer {
    const char *name; /* NULL: a component's own files */
    struct recipe_entry *entries;
    size_t count;
};

struct source_type; /* images/source.h */
struct recipe_source {
    const char *name;
    const struct source_type *type;
    const struct yaml_node *node;
    void *spec; /* the type's own */
};

struct recipe_component {
    enum component_kind kind;
    const struct yaml_node *node;
    const char *name, *version;
    unsigned roles; /* COMPONENT_* bits */
    struct recipe_layer files;
    struct strv namespaces; /* addon: where its pods live */
    const char *ref;  /* image, and so are all below */
    size_t *layers;   /* indexes in recipe.layers, bottom first */
    size_t layer_count;
    struct strv entrypoint, cmd, env;
    const char *user, *workdir; /* NULL: not set */
};

struct recipe {
    struct yaml_file file; /* owns all borrowed strings */
    char *dir;             /* the recipe's folder: what relative paths in it are relative to */
    const char *product, *architecture, *kubernetes, *created;
    int64_t serial;
    int64_t mtime; /* created, seconds since 1970 */
    const char *toolchain, *toolchain_sum; /* NULL when there is no `toolchain` */
    struct recipe_source *sources;
    size_t source_count;
    struct recipe_layer *layers;
    size_t layer_count;
    struct recipe_component *components;
    size_t component_count;
};

#define RECIPE_INIT ((struct recipe){0})
/* Both leave *out untouched on failure. `dir` is the folder that stands for the recipe's own. */
int recipe_load(const char *path, struct recipe *out, struct error *err);
int recipe_from_yaml(struct yaml_file *file, const char *dir, struct recipe *out,
                     struct error *err); /* takes *file over */
void recipe_release(struct recipe *r);
