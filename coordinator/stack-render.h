/* What a component is for the API: its folder with its values, through `kubectl kustomize`; and its
 * test jobs. */
#pragma once

#include "coordinator/kubectl.h"
#include "coordinator/stack-profile.h"
#include "lib/json.h"
#include "lib/strv.h"

#define STACK_RENDERED_MAX ((size_t) 16 * 1024 * 1024)

struct stack_rendered {
    char *text;         /* YAML or JSON, to be applied as it is */
    json_t *objects;    /* array: the same, parsed */
    struct strv images; /* their names, and those of the test jobs; each once */
};

/* What renders; all of it borrowed. */
struct stack_renderer {
    const struct kubectl *kubectl;
    const char *helm;    /* NULL: no component is a chart */
    const char *version; /* of Kubernetes, for charts; may be NULL */
    const char *scratch; /* a private folder, where components are copied to */
};
/* Leaves *out untouched on failure. */
int stack_render(const struct stack_renderer *by, const struct stack_component *c,
                 struct stack_rendered *out, struct error *err);
void stack_rendered_release(struct stack_rendered *r);

/* A test's file with its values. *out: exactly one Job, and what it may need, each with a name. The
 * caller owns *text and *out. */
int stack_render_job(const struct stack_component *c, const struct stack_step *step, char **text,
                     json_t **out, struct error *err);

/* The pure parts. Appends the documents of a text, each an object with apiVersion, kind, name. */
int stack_parse(const char *text, const char *name, json_t *objects, struct error *err);
/* $(NAME) becomes the value of that name. NAME in capitals is Kubernetes' own and left alone, any
 * other that there is not is refused. The caller owns *out. */
int stack_substitute(const char *text, const json_t *values, char **out, struct error *err);
/* Adds the images of all containers in an object, whatever its kind. */
void stack_find_images(const json_t *object, struct strv *images);
/* values.yaml as kustomize is to find it. The caller's. */
char *stack_values_text(const json_t *values);
