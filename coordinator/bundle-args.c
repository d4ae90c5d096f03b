#include "coordinator/bundle-args.h"

#include "coordinator/command.h"
#include "images/trusted-keys.h"

#include <errno.h>

int bundle_args_open(const char *path, const struct strv *keys, struct bundle *out)
{
    AUTO_TRUSTED_KEYS trusted = {0};
    struct error err = ERROR_INIT;
    if (trusted_keys_load_all(&trusted, keys, &err) < 0)
        return command_fail(EXIT_BAD_INPUT, &err);
    int r = bundle_open(path, keys->count ? &trusted : NULL, out, &err);
    if (r < 0)
        return command_fail(r == -EKEYREJECTED ? EXIT_REFUSED : EXIT_BAD_INPUT, &err);
    return EXIT_DONE;
}
