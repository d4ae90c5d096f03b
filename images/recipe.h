/* A recipe says what a bundle holds and where each part comes from. YAML, strict: unknown keys,
 * wrong types and dangling names are refused with "file:line:column: what, and what was expected".
 *
 *   product: bigtop
 *   architecture: amd64                    default: this machine's
 *   serial: 1
 *   kubernetes: v1.34.4                    left out: no cluster can be made of the bundle
 *   next_keys: [NAME.pub, …]               who may sign what comes after (images/bundle.h); paths,
 *                                          or the keys themselves ("RW…")
 *   created: 2026-02-10T12:53:36Z          time stamp of everything in the bundle; default: 1970
 *   toolchain: {go: go1.25.4, sum: "h1:…"} the Go compiler, by the sum of its module
 *   sources: {NAME: {type: T, …}}          T and its keys: images/source-T.c
 *   layers: {NAME: [ENTRY, …]}             image layers that several images share
 *   components:                            in install order
 *     - {name, kind: files, version, roles, files: [ENTRY, …]}     roles: [] is for no host
 *     - {name, kind: image, version, roles, ref, layers: [NAME, …], files: [ENTRY, …],
 *        entrypoint, cmd, env, user, workdir}
 *     - {name, kind: addon, version, roles, files: [ENTRY, …], namespaces: [NAME, …],
 *        images: {VALUE: REPOSITORY, …}}         what of other projects it needs (images/bundle.h)
 *     - {name, kind: stack, version, files: [ENTRY, …], images: [REPOSITORY, …]}
 *                                               profiles (docs/STACK.md) for the coordinator, and
 *                                               images that hosts get only by a profile
 *     - {name, kind: image, version, roles, ref, image: SOURCE}    as it is, byte by byte
 *     - {name, kind, version, roles, source: {T: VALUE, …}, to: D}
 * The last is a component that is all of one source, which is said on the spot: {type: T, …}, or
 * {T: VALUE} where VALUE is all of its keys or the main one (a file's path, the ref of an oci). It
 * needs no more than a name: kind is image for an oci and files for others, version the image's
 * tag or the serial, roles both, to opt/NAME. The same goes for what is left out with `image`.
 *
 * ENTRY is one of
 *   {from: SOURCE, path: P, to: D, mode: "0755"}   a file, or a folder with all that is in it;
 *                                    path defaults to the whole source, mode to what it has there
 *   {links: [NAME, …], in: D, target: T}           symbolic links
 *   {text: T, to: D, mode: "0644"}
 *   {dir: D, mode: "0755"}
 * Paths are relative to the root of the host, image, addon or stack. */
#pragma once

#include "images/bundle.h"
#include "lib/error.h"
#include "lib/strv.h"
#include "lib/yaml.h"

#include <stdbool.h>
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
    struct yaml_node *made; /* the node, when it isn't one of the file: shares all but its keys */
    void *spec;             /* the type's own */
};

struct recipe_component {
    enum component_kind kind;
    const struct yaml_node *node;
    const char *name, *version;
    unsigned roles; /* COMPONENT_* bits */
    bool is_source; /* made of one source as it is */
    size_t source;  /* is_source: index in recipe.sources */
    struct recipe_layer files;
    struct strv namespaces;         /* addon: where its pods live */
    const struct yaml_node *images; /* addon: VALUE: REPOSITORY; NULL: none */
    struct strv stack_images;       /* stack: repositories */
    char *made_version, *made_to;   /* owned: defaults */
    const char *ref;                /* image, and so are all below */
    bool whole_image;               /* the source is an OCI image layout; else of layers */
    size_t *layers;                 /* indexes in recipe.layers, bottom first */
    size_t layer_count;
    struct strv entrypoint, cmd, env;
    const char *user, *workdir; /* NULL: not set */
};

struct recipe {
    struct yaml_file file; /* owns all borrowed strings */
    char *dir;             /* the recipe's folder: what relative paths in it are relative to */
    const char *product, *architecture, *created;
    const char *kubernetes; /* NULL: none */
    int64_t serial;
    struct trusted_keys next_keys;
    int64_t mtime;                         /* created, seconds since 1970 */
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
/* Drops all components but these; none: keeps all. -ENOENT, saying what there is, for a name that
 * none has. */
int recipe_keep_only(struct recipe *r, const struct strv *names, struct error *err);
void recipe_release(struct recipe *r);
