#include "coordinator/command.h"
#include "coordinator/inventory.h"

#include <stdio.h>
#include <stdlib.h>

struct schema_options {
    bool markdown;
};

static const struct option_spec options[] = {
    {"markdown", 0, OPTION_FLAG, offsetof(struct schema_options, markdown), NULL,
     "the manual in Markdown instead"},
    OPTION_END,
};

static int run(int argc, char **argv)
{
    struct schema_options o = {0};
    STRV(none);
    if (command_parse(&cmd_schema, argc, argv, &o, &none, 0, 0) != 0)
        return EXIT_BAD_INPUT;
    AUTO_FREE char *text = o.markdown ? inventory_manual() : inventory_schema();
    (void) fputs(text, stdout);
    return EXIT_DONE;
}

const struct command cmd_schema = {
    .name = "schema",
    .synopsis = "",
    .summary = "print the JSON Schema of hosts.yaml, for editors",
    .help = "example:\n  bigtop-bootstrap schema > hosts.schema.json",
    .options = options,
    .run = run,
};
