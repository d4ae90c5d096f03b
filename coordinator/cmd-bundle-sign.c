#include "coordinator/command.h"
#include "coordinator/signing.h"
#include "images/bundle.h"
#include "lib/path.h"

#include <errno.h>
#include <stdio.h>

struct sign_arguments {
    const char *key;
};

static const struct option_spec options[] = {
    {"key", 'k', OPTION_TEXT, offsetof(struct sign_arguments, key), "NAME.key",
     "the secret key, of bundle keygen or of minisign; its password is asked for"},
    OPTION_END,
};

static int run(int argc, char **argv)
{
    struct sign_arguments o = {0};
    STRV(dirs);
    if (command_parse(&cmd_bundle_sign, argc, argv, &o, &dirs, 0, 1) != 0)
        return EXIT_BAD_INPUT;
    if (!o.key)
        return command_usage(&cmd_bundle_sign, "an option is missing: --key NAME.key");
    AUTO_FREE char *cache = path_cache_dir();
    AUTO_FREE char *dir = dirs.count ? xstrdup(dirs.items[0]) : path_join(cache, "bundle");
    AUTO_SECRET_KEY key;
    struct error err = ERROR_INIT;
    char id[KEY_ID_TEXT];
    int r = signing_key_load(o.key, &key, &err);
    if (r == 0)
        r = bundle_sign(dir, &key, &err);
    if (r < 0)
        return command_fail(r == -ECANCELED ? EXIT_INTERRUPTED : EXIT_BAD_INPUT, &err);
    key_id_text(key.public_key.id, id);
    (void) printf("%s/%s: signed with key %s\n", dir, BUNDLE_SIGNATURE, id);
    return EXIT_DONE;
}

const struct command cmd_bundle_sign = {
    .name = "bundle sign",
    .synopsis = "[BUNDLE]",
    .summary = "sign a bundle; default: the one in our cache",
    .options = options,
    .help = "Hashes every blob first: only a whole bundle is signed. Writes " BUNDLE_SIGNATURE "\n"
            "beside the list, replacing another; minisign can make and verify it as well:\n"
            "minisign -S -s NAME.key -m DIR/" BUNDLE_MANIFEST "\n\n"
            "example: bigtop-bootstrap bundle sign --key ops-2026.key ./bundle",
    .run = run,
};
