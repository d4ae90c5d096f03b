/* Command-line options: one table per command, from which arguments are parsed and help is printed.
 *
 *     struct apply_options {
 *         const char *bundle;
 *         bool yes;
 *         int output;
 *     };
 *     static const struct option_spec options[] = {
 *         {"bundle", 'b', OPTION_TEXT, offsetof(struct apply_options, bundle), "DIR", "bundle"},
 *         {"yes", 0, OPTION_FLAG, offsetof(struct apply_options, yes), NULL, "do not ask"},
 *         OPTION_OUTPUT(struct apply_options, output),
 *         OPTION_END,
 *     };
 *
 * Accepted: --name VALUE, --name=VALUE, -x VALUE, -xVALUE, flags, and positionals anywhere; after
 * "--" everything is a positional, and so is a lone "-". Abbreviations are not accepted. */
#pragma once

#include "lib/error.h"
#include "lib/strbuf.h"
#include "lib/strv.h"

#include <stddef.h>
#include <stdint.h>

enum option_kind {
    OPTION_FLAG, /* bool: set to true; takes no value */
    OPTION_TEXT, /* const char *: borrowed from argv; must not be empty; given twice is an error */
    OPTION_NUMBER, /* int64_t: decimal, 0 to INT64_MAX; given twice is an error */
    OPTION_CHOICE, /* int: index of the word in `value`, "auto|json"; given twice is an error */
    OPTION_LIST    /* struct strv: one item for each time the option is given */
};

struct option_spec {
    const char *name; /* without the dashes; NULL ends the table */
    char letter;      /* short form, or 0 */
    enum option_kind kind;
    size_t offset;     /* of the member in the struct handed to options_parse */
    const char *value; /* "DIR", "a|b|c"; NULL for a flag */
    const char *help;  /* one line, lower case, no full stop */
};

/* Initialisers, not blocks as it thinks: clang-format leaves them alone. */
/* clang-format off */
#define OPTION_END {NULL, 0, OPTION_FLAG, 0, NULL, NULL}
/* --output, the member being an int that holds an enum view_mode. */
#define OPTION_OUTPUT(type, member) \
    {"output", 0, OPTION_CHOICE, offsetof(type, member), "auto|plain|live|json", \
     "how progress is shown; auto: live on a terminal, plain elsewhere"}
/* clang-format on */

/* Fills `values` (a struct with the members that the table names; the caller sets the defaults
 * first; may be NULL with an empty table) and appends the positionals. specs may be NULL: no
 * options. -EINVAL and a text that names the argument; unknown options come with a suggestion.
 * Commands call command_parse (coordinator/command.h), which also prints. */
int options_parse(const struct option_spec *specs, int argc, char **argv, void *values,
                  struct strv *positionals, struct error *err);

/* Appends one help line for each option, aligned; nothing when there is none. */
void options_help(const struct option_spec *specs, struct strbuf *out);
