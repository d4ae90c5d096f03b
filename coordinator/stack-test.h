/* A component's tests (docs/STACK.md): jobs that do real work, and pods that are killed meanwhile.
 * Those of different components go on at once. What has not ended in its time, or found no room
 * for its pods, is tried once more, alone. Those that kill come last, one after the other. */
#pragma once

#include "coordinator/stack-work.h"
#include "coordinator/view.h"
#include "lib/strv.h"

#include <stddef.h>

/* Tests of the components that are named; of all when none is. -ENOENT for a name that the profile
 * does not have. */
struct stack_test_run {
    const struct stack_component *component;
    const struct stack_rendered *rendered;
    const struct stack_test *test;
    int64_t ms;
    char *line;       /* the last of the last job's log; untrusted text */
    struct error err; /* code 0: it passed */
    bool ran;
    bool alone; /* nothing ran beside it */
    bool again; /* it had run short of time or room beside others */
};
struct stack_tests {
    struct stack_test_run *runs;
    size_t count;
};
#define STACK_TESTS_INIT ((struct stack_tests){0})
int stack_tests_choose(const struct stack_work *w, const struct strv *names,
                       struct stack_tests *out, struct error *err);
void stack_tests_release(struct stack_tests *t);

/* A view for them, with a row for each test. */
struct view *stack_tests_view(enum view_mode mode, const struct stack_tests *t);
/* Runs them and shows each one's end, then a table and a summary. Returns an enum exit_code: 1 when
 * one failed. Jobs are removed after it whatever happens. */
int stack_tests_run(const struct stack_work *w, struct stack_tests *t, struct view *v);

/* True when one of its steps kills a pod. Pure. */
bool stack_test_kills(const struct stack_test *t);
/* The table's lines; texts are made printable. Pure. */
void stack_tests_table(const struct stack_tests *t, struct strv *lines);
