/* What building an image has in common: who is told, what stops it, and the programs it runs. */
#pragma once

#include "lib/error.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <stdint.h>

struct iso_steps {
    const char *cache_dir;
    const bool *cancel; /* may be NULL; true: stop, -ECANCELED */
    void (*progress)(void *userdata, const char *text); /* may be NULL */
    void *userdata;
};

void iso_progress(const struct iso_steps *s, const char *format, ...) PRINTF_LIKE(2, 3);
/* Runs a program of Debian's with an environment that says nothing of this machine or user: PATH,
 * LC_ALL, TZ and SOURCE_DATE_EPOCH (seconds since 1970). stdin_fd and stdout_fd: 0 for none. */
struct iso_run {
    int64_t epoch;
    int stdin_fd, stdout_fd;
};
int iso_run(const struct iso_steps *s, const struct strv *argv, const struct iso_run *how,
            struct error *err);
/* Appends the words that make a squashfs of the tar on stdin; more may follow: what to leave
 * out. */
void iso_squash_words(struct strv *argv, int64_t epoch, const char *squashfs);
/* The first line that a program prints when asked with this option, into *out (free() it): which
 * version of it made something. */
int iso_tool_version(const char *program, const char *option, char **out, struct error *err);
/* -ENOENT, naming those that are not there and how Debian installs them. */
int iso_need_tools(struct error *err);
/* Programs of this architecture run here, natively or emulated; else -ENOENT, saying how to get
 * there. */
int iso_need_machine(const struct iso_steps *s, const char *architecture, struct error *err);
