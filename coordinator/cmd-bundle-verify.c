#include "coordinator/command.h"
#include "coordinator/options.h"
#include "images/bundle.h"
#include "lib/path.h"

#include <errno.h>
#include <stdio.h>

struct verify_arguments {
    struct strv keys;
};

static const struct option_spec options[] = {
    {"key", 'k', OPTION_LIST, offsetof(struct verify_arguments, keys), "NAME.pub",
     "a public key to trust; several: a signature by any of them will do"},
    OPTION_END,
};

static void arguments_release(struct verify_arguments *o)
{
    strv_release(&o->keys);
}

static int verify(const char *dir, const struct trusted_keys *trusted, struct error *err)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    int r = bundle_open(dir, trusted, &b, err);
    if (r < 0)
        return command_fail(r == -EKEYREJECTED || r == -ENOKEY ? EXIT_REFUSED : EXIT_BAD_INPUT,
                            err);
    if (trusted)
        (void) printf("%s: signed with key %s (%s)\n", dir, b.signature.key_id,
                      b.signature.comment);
    if (bundle_verify(&b, err) < 0)
        return command_fail(trusted ? EXIT_REFUSED : EXIT_BAD_INPUT, err);
    (void) printf("%s: %zu components, %zu blobs, every one as announced\n", dir, b.component_count,
                  json_object_size(json_object_get(b.json, "blobs")));
    if (!trusted)
        (void) printf("no signature was checked: --key NAME.pub says whose bundle it must be\n");
    return EXIT_DONE;
}

static int run(int argc, char **argv)
{
    CLEANUP(arguments_release) struct verify_arguments o = {0};
    STRV(dirs);
    if (command_parse(&cmd_bundle_verify, argc, argv, &o, &dirs, 0, 1) != 0)
        return EXIT_BAD_INPUT;
    AUTO_FREE char *cache = path_cache_dir();
    AUTO_FREE char *dir = dirs.count ? xstrdup(dirs.items[0]) : path_join(cache, "bundle");
    AUTO_TRUSTED_KEYS trusted = {0};
    struct error err = ERROR_INIT;
    if (trusted_keys_load_all(&trusted, &o.keys, &err) < 0)
        return command_fail(EXIT_BAD_INPUT, &err);
    return verify(dir, o.keys.count ? &trusted : NULL, &err);
}

const struct command cmd_bundle_verify = {
    .name = "bundle verify",
    .synopsis = "[BUNDLE]",
    .summary = "check a bundle's signature and every blob; default: the one in our cache",
    .options = options,
    .help =
        "With --key the signature is verified before anything of the bundle is read; a missing\n"
        "one, another key or an altered file are refused (exit code 3). Without --key only the\n"
        "blobs are hashed: that finds damage, not an attacker.\n\n"
        "example: bigtop-bootstrap bundle verify --key ops-2026.pub ./bundle",
    .run = run,
};
