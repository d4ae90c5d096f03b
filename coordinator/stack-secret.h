/* Secrets of the stack's namespace. They go to kubectl on standard input, where nobody sees them,
 * and their text is wiped. */
#pragma once

#include "coordinator/kubectl.h"
#include "coordinator/stack-profile.h"

#include <stdbool.h>

/* Those of a component that are absent are made of random letters and digits; keys that one lacks
 * are added; what is there is never changed. *changed is set when something was made. */
int stack_make_secrets(const struct kubectl *k, const struct stack_component *c, bool *changed,
                       struct error *err);
/* data: key → text. Refused when it is there already. */
int stack_create_secret(const struct kubectl *k, const char *name, json_t *data, struct error *err);
/* As above, and of that type; what is there becomes this. */
int stack_apply_secret(const struct kubectl *k, const char *name, const char *type, json_t *data,
                       struct error *err);
