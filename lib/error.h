/* An error is a value, passed last, that the callee fills and callers add context to. Library code
 * never prints; only main and cmd-*.c do. It also crosses the wire (lib/protocol.h). */
#pragma once

#include "lib/cleanup.h"

#define ERROR_TEXT_MAX 1024
#define ERROR_REMEDY_MAX 512

struct error {
    int code;                      /* negative errno; 0 = no error */
    char text[ERROR_TEXT_MAX];     /* what went wrong and where, outermost context first */
    char remedy[ERROR_REMEDY_MAX]; /* what the user can do about it; may be empty */
};

#define ERROR_INIT ((struct error){0})

/* Fills err (which may be NULL) and returns code, so that a failing function is one line:
 *     return error_set(err, -EIO, "read %s", path);
 * code is a negative errno; its strerror text is NOT appended: use error_errno for that. */
int error_set(struct error *err, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* As error_set, and appends ": " and the text of the errno in code. */
int error_errno(struct error *err, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts context in front of the text ("context: text"); returns err->code (-EIO if err is NULL). */
int error_prefix(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Sets the remedy; returns err->code. An inner remedy that is already set is kept. */
int error_remedy(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);
