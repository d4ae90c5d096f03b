/* A profile made ready to be applied, looked at, tested or removed: found, checked, rendered, its
 * images compared with the bundle's. No cluster is asked. */
#pragma once

#include "coordinator/kubectl.h"
#include "coordinator/stack-profile.h"
#include "coordinator/stack-render.h"

struct stack_choice {
    const struct bundle *bundle; /* where profiles, components and kubectl come from; may be NULL */
    const char *profile; /* a name in the bundle, or the path of a file: its components/ come first;
                            NULL: the one that was applied to the cluster */
    const char *kubeconfig; /* NULL: no cluster is asked yet */
    const bool *cancel;
};

struct stack_work {
    const struct bundle *bundle; /* borrowed; may be NULL */
    struct kubectl kubectl;
    char *profile; /* as named; a path is absolute */
    struct stack stack;
    struct stack_rendered *rendered; /* of each component */
    char *scratch;                   /* a private folder, removed with it */
};

/* -ENOENT, naming what the bundle has, for an unknown profile or missing images. Leaves *out
 * untouched on failure. */
int stack_work_open(const struct stack_choice *choice, struct stack_work *out, struct error *err);
void stack_work_release(struct stack_work *w);
#define STACK_WORK_INIT ((struct stack_work){0})
#define AUTO_STACK_WORK CLEANUP(stack_work_release) struct stack_work

/* True for the path of a file rather than a name: it has a slash, or ends in ".yaml". */
bool stack_is_file(const char *profile);
/* -ENOENT, naming them and how to get them, when the bundle lacks images of a component. Pure. */
int stack_check_images(const struct bundle *b, const struct stack_component *c,
                       const struct strv *images, struct error *err);
