#include "coordinator/command.h"
#include "coordinator/inventory.h"
#include "lib/fd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct init_options {
    const char *user, *key, *output;
};

static const struct option_spec options[] = {
    {"user", 'u', OPTION_TEXT, offsetof(struct init_options, user), "USER",
     "user to log in as (default: root)"},
    {"key", 'k', OPTION_TEXT, offsetof(struct init_options, key), "FILE",
     "private key file (default: ssh-agent, then ~/.ssh/id_*)"},
    {"output", 'o', OPTION_TEXT, offsetof(struct init_options, output), "FILE",
     "file to write (default: hosts.yaml), - for standard output"},
    OPTION_END,
};

static int run(int argc, char **argv)
{
    struct init_options o = {.output = "hosts.yaml"};
    STRV(addresses);
    if (command_parse(&cmd_init, argc, argv, &o, &addresses, 1, INVENTORY_HOSTS_MAX) != 0)
        return EXIT_BAD_INPUT;
    struct error err = ERROR_INIT;
    AUTO_FREE char *text = NULL;
    if (inventory_template(&addresses, o.user, o.key, &text, &err) < 0)
        return command_fail(EXIT_BAD_INPUT, &err);
    if (strcmp(o.output, "-") == 0) {
        (void) fputs(text, stdout);
        return EXIT_DONE;
    }
    /* 0600 from the start: a password may be written into it later. */
    int rc = file_write_new(o.output, text, strlen(text), 0600, &err);
    if (rc == -EEXIST) {
        (void) error_remedy(&err, "move it away, or name another file with --output");
        return command_fail(EXIT_REFUSED, &err);
    }
    if (rc < 0)
        return command_fail(EXIT_BAD_INPUT, &err);
    (void) printf("%s is written. Next: bigtop-bootstrap plan %s\n", o.output, o.output);
    return EXIT_DONE;
}

const struct command cmd_init = {
    .name = "init",
    .synopsis = "ADDRESS...",
    .summary = "write a commented hosts.yaml for some addresses",
    .help =
        "The first address becomes the control plane. An existing file is never overwritten.\n\n"
        "example:\n  bigtop-bootstrap init 10.0.0.11 10.0.0.12 10.0.0.13 --user admin",
    .options = options,
    .run = run,
};
