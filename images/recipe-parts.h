/* How reading a recipe is divided: recipe.c has the top, layers and entries, recipe-source.c the
 * sources, recipe-component.c the components. */
#pragma once

#include "images/recipe.h"

/* Sources: those of `sources`, and those that components say on the spot. */
int recipe_read_sources(struct recipe *r, const struct yaml_node *root, struct error *err);
void recipe_release_sources(struct recipe *r);
/* The one that a key of a mapping names. */
int recipe_find_source(const struct recipe *r, const struct yaml_node *map, const char *key,
                       size_t *out, struct error *err);
/* Reads `source: {type: T, …}` or `source: {T: …}` of a component; it gets the component's name. */
int recipe_read_inline_source(struct recipe *r, const struct yaml_node *node, const char *name,
                              size_t *out, struct error *err);

/* A list of entries. */
int recipe_read_layer(const struct recipe *r, const struct yaml_node *list,
                      struct recipe_layer *layer, struct error *err);
void recipe_release_layer(struct recipe_layer *layer);

int recipe_read_components(struct recipe *r, const struct yaml_node *root, struct error *err);
void recipe_release_components(struct recipe *r);
