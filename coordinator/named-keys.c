#include "coordinator/named-keys.h"

#include "lib/path.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#define TRUSTED_DIR "trusted"
#define KEY_SUFFIX ".pub"

static bool is_key_file(const char *name)
{
    size_t len = strlen(name);
    return name[0] != '.' && len > strlen(KEY_SUFFIX) &&
           strcmp(name + len - strlen(KEY_SUFFIX), KEY_SUFFIX) == 0;
}

static int list_config(struct strv *paths, struct error *err)
{
    AUTO_FREE char *config = path_config_dir();
    AUTO_FREE char *dir = path_join(config, TRUSTED_DIR);
    AUTO_DIR *folder = opendir(dir);
    if (!folder)
        return errno == ENOENT ? 0 : error_errno(err, -errno, "%s", dir);
    for (const struct dirent *e; (e = readdir(folder));)
        if (is_key_file(e->d_name))
            strv_addf(paths, "%s/%s", dir, e->d_name);
    strv_sort(paths);
    return 0;
}

static int load_inventory(const struct inventory *inv, struct trusted_keys *out, struct error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < inv->bundle_keys.count; i++)
        r = trusted_keys_add_named(out, inv->bundle_keys.items[i], NULL, err);
    return r;
}

int named_keys_load(const struct inventory *inv, const struct strv *paths, struct trusted_keys *out,
                    struct error *err)
{
    STRV(config);
    int r;
    if ((r = trusted_keys_load_all(out, paths, err)) < 0)
        return r;
    if ((r = load_inventory(inv, out, err)) < 0) {
        (void) error_prefix(err, "bundle_keys of %s", inv->path);
        return r;
    }
    if ((r = list_config(&config, err)) < 0)
        return r;
    return trusted_keys_load_all(out, &config, err);
}
