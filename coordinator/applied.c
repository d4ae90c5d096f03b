#include "coordinator/applied.h"

#include "lib/path.h"
#include "lib/state-file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_SHOWN 16 /* hex digits in the file's name */

void applied_release(struct applied *a)
{
    free(a->path);
    free(a->hosts);
    free(a->cluster);
    json_decref(a->serials);
    trusted_keys_release(&a->root);
    trusted_keys_release(&a->keys);
    *a = (struct applied){0};
}

char *applied_path(const struct inventory *inv, const char *suffix, char **hosts)
{
    char digest[DIGEST_SIZE];
    AUTO_FREE char *dir = path_state_dir();
    *hosts = realpath(inv->path, NULL);
    if (!*hosts) /* a pipe is another one each time: nothing is known of it */
        *hosts = xstrdup(inv->path);
    digest_buffer(*hosts, strlen(*hosts), digest);
    return xasprintf("%s/%s-%.*s%s", dir, inv->cluster_name, HASH_SHOWN, strchr(digest, ':') + 1,
                     suffix);
}

static bool are_serials(const json_t *serials)
{
    const char *product;
    json_t *serial;
    json_object_foreach((json_t *) (uintptr_t) serials, product, serial)
        if (!json_is_integer(serial) || json_integer_value(serial) < 1)
            return false;
    return true;
}

static int read_members(struct applied *a, const json_t *state, struct error *err)
{
    const char *cluster, *hosts, *manifest;
    json_t *serials;
    int r;
    if ((r = json_need_string(state, "cluster", &cluster, err)) < 0 ||
        (r = json_need_string(state, "hosts", &hosts, err)) < 0 ||
        (r = json_need_string(state, "manifest", &manifest, err)) < 0 ||
        (r = json_need_object(state, "serials", &serials, err)) < 0 ||
        (r = trusted_keys_from_json(&a->root, json_object_get(state, "root"), err)) < 0 ||
        (r = trusted_keys_from_json(&a->keys, json_object_get(state, "keys"), err)) < 0)
        return r;
    if (json_object_size(state) != 6 || strcmp(cluster, a->cluster) != 0 ||
        strcmp(hosts, a->hosts) != 0 || !digest_is_valid(manifest) || !are_serials(serials) ||
        a->root.count > 1)
        return error_set(err, -EBADMSG, "its members are not those of this version and cluster");
    json_object_update(a->serials, serials);
    snprintf(a->manifest, sizeof(a->manifest), "%s", manifest);
    return 0;
}

int applied_load(const struct inventory *inv, struct applied *out, struct error *err)
{
    AUTO_APPLIED a = {.cluster = xstrdup(inv->cluster_name), .serials = json_object()};
    AUTO_JSON *state = NULL;
    a.path = applied_path(inv, ".json", &a.hosts);
    int r = state_file_read(a.path, &state, err);
    if (r == 1 && read_members(&a, state, err) < 0) {
        (void) error_prefix(err, "%s is damaged", a.path);
        r = -EBADMSG;
    }
    if (r < 0) {
        (void) error_remedy(err, "it says which bundles were installed here: find out what "
                                 "happened to it, and remove it only when you know");
        return r;
    }
    *out = a;
    a = (struct applied){0};
    return 0;
}

void applied_trusted(const struct applied *a, const struct trusted_keys *named,
                     struct trusted_keys *out)
{
    for (size_t i = 0; i < named->count; i++)
        if (trusted_keys_have(&a->root, &named->keys[i]))
            trusted_keys_add_all(out, &a->keys);
        else
            trusted_keys_add(out, &named->keys[i]);
}

int applied_judge(const struct applied *a, const struct bundle *b, int64_t serial,
                  struct error *err)
{
    int64_t highest = json_get_int(a->serials, b->product, 0);
    if (serial && serial != b->serial) {
        error_set(err, -ESTALE, "the bundle has serial %lld, and --serial asks for %lld",
                  (long long) b->serial, (long long) serial);
        (void) error_remedy(err, "name the bundle of that serial with --bundle");
        return -ESTALE;
    }
    if (b->serial >= highest || serial || strcmp(b->digest, a->manifest) == 0)
        return 0;
    error_set(err, -ESTALE, "the bundle has serial %lld, and cluster %s has had %lld",
              (long long) b->serial, a->cluster, (long long) highest);
    (void) error_remedy(err, "take a newer bundle, or name this one: --serial %lld",
                        (long long) b->serial);
    return -ESTALE;
}

/* An unsigned bundle changes nothing about keys. */
static void remember_keys(struct applied *a, const struct bundle *b,
                          const struct trusted_keys *named)
{
    if (!b->signature.key_id[0])
        return;
    if (trusted_keys_have(named, &b->signature.key)) {
        trusted_keys_release(&a->root);
        trusted_keys_add(&a->root, &b->signature.key);
    }
    trusted_keys_release(&a->keys);
    bundle_successors(b, &a->keys);
}

int applied_save(struct applied *a, const struct bundle *b, const struct trusted_keys *named,
                 struct error *err)
{
    if (b->serial > json_get_int(a->serials, b->product, 0))
        json_object_set_new(a->serials, b->product, json_integer(b->serial));
    snprintf(a->manifest, sizeof(a->manifest), "%s", b->digest);
    remember_keys(a, b, named);
    AUTO_JSON *state = json_pack("{s:s, s:s, s:O, s:s, s:o, s:o}", "cluster", a->cluster, "hosts",
                                 a->hosts, "serials", a->serials, "manifest", a->manifest, "root",
                                 trusted_keys_to_json(&a->root), "keys",
                                 trusted_keys_to_json(&a->keys));
    AUTO_FREE char *dir = path_dirname(a->path);
    int r = path_mkdir_p(dir, 0700, err);
    r = r < 0 ? r : state_file_write(a->path, state, err);
    return r < 0 ? r : 0;
}
