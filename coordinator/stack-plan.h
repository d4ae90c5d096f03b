/* What `stack apply` would do, without doing it: by the server's own dry run. */
#pragma once

#include "coordinator/stack-work.h"
#include "lib/error.h"
#include "lib/strv.h"

/* A line for each change; nothing where all is as the profile says. gone: components that the
 * cluster has and the profile has not. */
int stack_plan(const struct stack_work *w, struct strv *lines, struct strv *gone,
               struct error *err);
/* The same where there is no cluster yet. */
void stack_plan_new(const struct stack_work *w, struct strv *lines);
