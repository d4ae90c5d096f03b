#include "coordinator/command.h"
#include "images/bundle.h"
#include "lib/path.h"

#include <stdio.h>

static int run(int argc, char **argv)
{
    STRV(dirs);
    if (command_parse(&cmd_bundle_verify, argc, argv, NULL, &dirs, 0, 1) != 0)
        return EXIT_BAD_INPUT;
    AUTO_FREE char *cache = path_cache_dir();
    AUTO_FREE char *dir = dirs.count ? xstrdup(dirs.items[0]) : path_join(cache, "bundle");
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    if (bundle_open(dir, NULL, &b, &err) < 0 || bundle_verify(&b, &err) < 0)
        return command_fail(EXIT_BAD_INPUT, &err);
    (void) printf("%s: %zu components, %zu blobs, every one as announced\n", dir, b.component_count,
                  json_object_size(json_object_get(b.json, "blobs")));
    return EXIT_DONE;
}

const struct command cmd_bundle_verify = {
    .name = "bundle verify",
    .synopsis = "[DIR]",
    .summary = "hash every blob of a bundle; default: the one in our cache",
    .help = "example: bigtop-bootstrap bundle verify ./bundle",
    .run = run,
};
