#include "coordinator/command.h"
#include "images/key-file.h"

#include <errno.h>
#include <stdio.h>

struct keygen_arguments {
    const char *out;
};

static const struct option_spec options[] = {
    {"out", 'o', OPTION_TEXT, offsetof(struct keygen_arguments, out), "NAME",
     "what the files are called: NAME.key and NAME.pub"},
    OPTION_END,
};

static int run(int argc, char **argv)
{
    struct keygen_arguments o = {0};
    STRV(none);
    if (command_parse(&cmd_bundle_keygen, argc, argv, &o, &none, 0, 0) != 0)
        return EXIT_BAD_INPUT;
    if (!o.out)
        return command_usage(&cmd_bundle_keygen, "an option is missing: --out NAME");
    AUTO_SECRET_KEY key;
    struct error err = ERROR_INIT;
    char id[KEY_ID_TEXT];
    secret_key_generate(&key);
    key_id_text(key.public_key.id, id);
    int r = secret_key_save(&key, o.out, &err);
    if (r == -EEXIST) {
        (void) error_remedy(&err, "keys are never overwritten: name others with --out");
        return command_fail(EXIT_REFUSED, &err);
    }
    if (r < 0)
        return command_fail(EXIT_BAD_INPUT, &err);
    (void) printf("%s.key signs: keep it secret, it has no password\n"
                  "%s.pub verifies: give it to whoever gets the bundles (key %s)\n",
                  o.out, o.out, id);
    return EXIT_DONE;
}

const struct command cmd_bundle_keygen = {
    .name = "bundle keygen",
    .synopsis = "",
    .summary = "make a pair of keys to sign bundles with",
    .options = options,
    .help = "The files are minisign's, which can make them as well, with a password:\n"
            "minisign -G -s NAME.key -p NAME.pub. Files that are there are not overwritten.\n\n"
            "example: bigtop-bootstrap bundle keygen --out ops-2026",
    .run = run,
};
