/* Applies a profile: each component once those that it comes after are ready, all others meanwhile.
 * What is there already is not changed; running it again goes on where it was. */
#pragma once

#include "coordinator/stack-ready.h"
#include "coordinator/stack-work.h"
#include "coordinator/view.h"
#include "lib/strv.h"

#include <stddef.h>

/* The view's rows are the components, in order. Returns an enum exit_code, and has reported every
 * error through the view. *changed: how many components were. */
int stack_apply(const struct stack_work *w, struct view *v, size_t *changed);

/* The same, and the summary: what was done, in how long, what to do if it failed. */
int stack_apply_and_tell(const struct stack_work *w, struct view *v, int64_t began_ms,
                         size_t *changed);

/* Components that the cluster has and the profile has not, with what takes them out. */
void stack_tell_gone(const struct stack_work *w, const struct strv *gone, struct view *v);

/* A view for it. */
struct view *stack_view(enum view_mode mode, const struct stack *s);
/* Fills err with why a component did not become ready and what to do, of what stack_judge said;
 * last_line is of the log of the container that crashed, or "". Returns a negative errno. Pure. */
int stack_explain(const struct stack_progress *p, const char *last_line, struct error *err);
