#include "images/trusted-keys.h"

#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <string.h>

void trusted_keys_release(struct trusted_keys *trusted)
{
    free(trusted->keys);
    *trusted = (struct trusted_keys){0};
}

bool trusted_keys_have(const struct trusted_keys *trusted, const struct public_key *key)
{
    for (size_t i = 0; i < trusted->count; i++)
        if (memcmp(&trusted->keys[i], key, sizeof(*key)) == 0)
            return true;
    return false;
}

void trusted_keys_add(struct trusted_keys *trusted, const struct public_key *key)
{
    if (trusted_keys_have(trusted, key))
        return;
    trusted->keys = xrealloc(trusted->keys, trusted->count + 1, sizeof(*trusted->keys));
    trusted->keys[trusted->count++] = *key;
}

void trusted_keys_add_all(struct trusted_keys *trusted, const struct trusted_keys *others)
{
    for (size_t i = 0; i < others->count; i++)
        trusted_keys_add(trusted, &others->keys[i]);
}

int trusted_keys_load(struct trusted_keys *trusted, const char *path, struct error *err)
{
    /* Might be the secret key, by mistake. */
    CLEANUP(strbuf_release_secret) struct strbuf text;
    strbuf_init(&text, KEY_FILE_MAX);
    struct public_key key;
    int r = file_read(path, &text, err);
    if (r < 0)
        return error_remedy(err, "name the public key of who signs the bundles");
    r = public_key_parse(text.data, text.len, &key, err);
    if (r < 0) {
        (void) error_prefix(err, "%s", path);
        return r;
    }
    trusted_keys_add(trusted, &key);
    return 0;
}

int trusted_keys_load_all(struct trusted_keys *trusted, const struct strv *paths, struct error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < paths->count; i++)
        r = trusted_keys_load(trusted, paths->items[i], err);
    return r;
}

int trusted_keys_add_named(struct trusted_keys *trusted, const char *text, const char *dir,
                           struct error *err)
{
    struct public_key key;
    if (public_key_from_text(text, &key)) {
        trusted_keys_add(trusted, &key);
        return 0;
    }
    AUTO_FREE char *path = dir && text[0] != '/' ? path_join(dir, text) : xstrdup(text);
    return trusted_keys_load(trusted, path, err);
}

json_t *trusted_keys_to_json(const struct trusted_keys *trusted)
{
    json_t *list = json_array();
    for (size_t i = 0; i < trusted->count; i++) {
        char text[PUBLIC_KEY_TEXT];
        public_key_text(&trusted->keys[i], text);
        json_array_append_new(list, json_string(text));
    }
    return list;
}

int trusted_keys_from_json(struct trusted_keys *trusted, const json_t *list, struct error *err)
{
    size_t i;
    json_t *item;
    if (!json_is_array(list) || json_array_size(list) > TRUSTED_KEYS_MAX)
        return error_set(err, -EBADMSG, "is not a list of at most %d public keys",
                         TRUSTED_KEYS_MAX);
    json_array_foreach(list, i, item) {
        struct public_key key;
        if (!json_is_string(item) || !public_key_from_text(json_string_value(item), &key))
            return error_set(err, -EBADMSG, "has something that is no public key (\"RW...\")");
        trusted_keys_add(trusted, &key);
    }
    return 0;
}
