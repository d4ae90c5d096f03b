/* Running programs: an argument vector, never a shell. The child gets only the descriptors 0, 1, 2,
 * default signal dispositions, and dies with its parent thread group when asked to. */
#pragma once

#include "lib/cleanup.h"
#include "lib/error.h"
#include "lib/strbuf.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <sys/types.h>

/* Called for each line (without the newline, at most 4096 bytes, longer ones are cut) that the
 * child writes to stdout (is_stderr false) or stderr. */
typedef void (*process_line_fn)(void *userdata, bool is_stderr, const char *line);

struct process_options {
    const char *const *env;   /* NULL: inherit; else all of it: "NAME=value" entries, NULL-ended */
    const char *cwd;          /* NULL: inherit */
    const void *stdin_data;   /* bytes for stdin; NULL and stdin_fd < 1: /dev/null */
    size_t stdin_len;
    int stdin_fd;             /* > 0: used as stdin, stays open in the caller */
    int stdout_fd;            /* > 0: the child's stdout goes there instead of being captured */
    struct strbuf *out;       /* NULL: stdout is dropped after on_line; past its maximum: cut */
    struct strbuf *err;       /* NULL: the last 4 KiB are kept for the error text only */
    process_line_fn on_line;  /* may be NULL */
    void *userdata;
    int timeout_ms;           /* 0: none. Past it: SIGTERM, 5 s, SIGKILL, -ETIMEDOUT */
    const bool *cancel;       /* may be NULL; looked at every 200 ms: true ends it, -ECANCELED */
    bool merge_stderr;        /* stderr goes where stdout goes */
    bool die_with_parent;     /* PR_SET_PDEATHSIG(SIGKILL) */
};

/* Runs argv[0] (looked up in PATH when it has no slash) to its end.
 * Returns 0 when it exited with 0; -EREMOTEIO when it exited otherwise (err->text carries the
 * program, its exit code or signal, and the last lines of its stderr); -errno when it could not
 * be run. `status` (may be NULL) gets the raw wait status. opts may be NULL. */
int process_run(const char *const argv[], const struct process_options *opts, int *status,
                struct error *err);
/* Convenience: process_run with a strv. */
int process_runv(const struct strv *argv, const struct process_options *opts, int *status,
                 struct error *err);
/* True when the name is found in PATH (or in the usual sbin folders). */
bool process_in_path(const char *name);
