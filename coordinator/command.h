/* A subcommand is one const descriptor in its own file cmd-NAME.c; main.c only lists them. Help is
 * printed from the descriptor. */
#pragma once

#include "coordinator/options.h"
#include "coordinator/view.h"
#include "lib/error.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <stddef.h>

#define BIGTOP_VERSION "0.1.0"

enum exit_code {
    EXIT_DONE = 0,
    EXIT_HOST_FAILED = 1, /* a host, or the cluster, failed */
    EXIT_BAD_INPUT = 2,   /* command line, hosts.yaml, bundle */
    EXIT_REFUSED = 3,     /* refused for safety: host keys, other coordinator, foreign state */
    EXIT_INTERRUPTED = 130
};

struct command {
    const char *name;     /* "bundle build" for a second level */
    const char *synopsis; /* the positionals, "HOSTS.YAML"; "[OPTION...]" is put before them */
    const char *summary;  /* one line */
    const char *help;     /* what it does and an example, printed under the options */
    const struct option_spec *options; /* printed by --help, read by command_parse; NULL: none */
    /* argv[0] is the first word after the command's name. Returns an enum exit_code. */
    int (*run)(int argc, char **argv);
};

/* Each one's descriptor, defined in its own file. */
extern const struct command cmd_apply, cmd_plan, cmd_stage, cmd_status, cmd_reset, cmd_init,
    cmd_kubeconfig, cmd_schema, cmd_bundle_build, cmd_bundle_inspect, cmd_bundle_diff,
    cmd_bundle_merge, cmd_bundle_pack, cmd_bundle_extract, cmd_bundle_keygen, cmd_bundle_sign,
    cmd_bundle_verify, cmd_stack_apply, cmd_stack_status, cmd_stack_test, cmd_stack_remove,
    cmd_stack_usage, cmd_project_apply, cmd_project_kubeconfig, cmd_project_usage,
    cmd_project_remove, cmd_iso_build, cmd_iso_host, cmd_iso_coordinator, cmd_iso_install,
    cmd_iso_good_start, cmd_iso_update;

/* Set by SIGINT and SIGTERM; hand &interrupted to what takes a `cancel`. */
extern bool interrupted;

/* options_parse with the command's own table, then at least min and at most max positionals.
 * --help never gets here: main.c answers it. Returns 0; or prints like command_usage and returns
 * EXIT_BAD_INPUT:
 *     if (command_parse(&cmd_plan, argc, argv, &o, &files, 1, 1) != 0)
 *         return EXIT_BAD_INPUT; */
int command_parse(const struct command *cmd, int argc, char **argv, void *values,
                  struct strv *positionals, size_t min, size_t max);

/* Prints "bigtop-bootstrap: text" and the remedy to stderr, gives the exit code for it. */
int command_fail(enum exit_code code, const struct error *err);
/* Prints "bigtop-bootstrap: warning: text" to stderr, made safe for a terminal. */
void command_warn(const char *format, ...) PRINTF_LIKE(1, 2);
/* Prints "bigtop-bootstrap NAME: text" and where the help is; returns EXIT_BAD_INPUT. */
int command_usage(const struct command *cmd, const char *format, ...) PRINTF_LIKE(2, 3);

/* main.c's part. list ends with NULL. command_find: the command that the first one or two words
 * name, and how many they were; NULL when there is none. command_unknown prints what is wrong with
 * argv[0] and what it may have been meant to be, and returns EXIT_BAD_INPUT. */
const struct command *command_find(const struct command *const list[], int argc, char **argv,
                                   int *words);
int command_unknown(const struct command *const list[], int argc, char **argv);
