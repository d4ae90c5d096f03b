/* Profiles and components (docs/STACK.md) as checked structures. Strict: what is wrong is refused
 * with "file:line:column: what, and what was expected", before anything is applied. Files are read,
 * nothing else is done. */
#pragma once

#include "lib/cleanup.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/strv.h"

#include <stddef.h>

#define STACK_NAMESPACE "bigdata"
#define STACK_VALUES_FILE "values.yaml"
#define STACK_KUSTOMIZATION_FILE "kustomization.yaml"
#define STACK_READY_SECONDS 300
#define STACK_TEST_SECONDS 120

/* A Job's file, of which the result is the last line of its log; or a pod that is killed. */
enum stack_step_kind { STACK_STEP_JOB, STACK_STEP_KILL };
struct stack_step {
    enum stack_step_kind kind;
    char *what; /* path below the component's folder, or name of the pod */
};

struct stack_test {
    char *name;
    int seconds; /* that all of its steps may take together */
    struct stack_step *steps;
    size_t step_count;
};

struct stack_secret {
    char *name;
    struct strv keys; /* of a certificate: its names, in which $(VALUE) may be */
};

struct stack_component {
    char *name, *version, *summary;
    char *dir;         /* its folder */
    char *chart;       /* a Helm chart's tarball in it; NULL: a kustomize folder alone */
    int ready_seconds; /* that it may take to become ready */
    size_t *after;     /* indexes of components that have to be ready before */
    size_t after_count;
    json_t *values; /* object of strings, numbers and booleans: the profile's over its own; a
                       chart's by their paths, "image.tag" */
    struct stack_secret *secrets;
    size_t secret_count;
    struct stack_secret *certificates;
    size_t certificate_count;
    struct stack_test *tests;
    size_t test_count;
};

/* In the order of the profile. */
struct stack {
    char *name; /* the profile's: its file's without ".yaml" */
    char *summary;
    struct stack_component *components;
    size_t count;
};

/* file: of the profile. folders: where components are looked for, each a folder of folders, the
 * first that has one wins. Refused are unknown components, an `after` that the profile lacks,
 * values that a component does not have, tests whose files are missing, and cycles, named in order.
 * Leaves *out untouched on failure. */
int stack_load(const char *file, const struct strv *folders, struct stack *out, struct error *err);
void stack_release(struct stack *s);
/* NULL when it has none of that name. */
const struct stack_component *stack_find(const struct stack *s, const char *name);
/* The length of a profile's name in that of its file; 0 when that does not end in ".yaml". */
size_t stack_stem(const char *file);
#define STACK_INIT ((struct stack){0})
#define AUTO_STACK CLEANUP(stack_release) struct stack

/* Between the two files: reads component.yaml and values.yaml of c->name in `dir`, and lists the
 * names of what it comes after; after_if_there's as well, where they are in `names`. */
int stack_component_load(struct stack_component *c, const char *dir, const struct strv *names,
                         struct strv *after, struct error *err);
void stack_component_release(struct stack_component *c);
