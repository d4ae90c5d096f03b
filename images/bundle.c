#include "images/bundle.h"

#include "images/bundle-store.h"
#include "images/chunk-map.h"
#include "lib/grammar.h"
#include "lib/path.h"

#include <errno.h>
#include <string.h>

#define NAME_MAX_LEN 63
#define TEXT_MAX_LEN 255
#define COMPONENTS_MAX 10000
#define BLOB_SIZE_MAX (64LL << 30)
#define REMEDY_REBUILD "build the bundle again: bigtop-bootstrap bundle build RECIPE -o DIR"
#define REMEDY_DISTRUST "do not use this bundle; get it again from who signed it"
#define REMEDY_SIGN "bigtop-bootstrap bundle sign --key NAME.key DIR"

/* Shown to people and used in file names: letters, digits and "._+~:-", no leading "-" or ".". */
static bool is_word(const char *s, size_t max)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+~:-";
    size_t len = strlen(s);
    return len > 0 && len <= max && s[0] != '-' && s[0] != '.' && strspn(s, allowed) == len;
}

static bool is_plain_text(const char *s)
{
    size_t len = strlen(s);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char) s[i] < 0x20 || s[i] == 0x7f)
            return false;
    return len > 0 && len <= TEXT_MAX_LEN && s[0] != '-';
}

static int need_word(const json_t *obj, const char *key, const char **out, struct error *err)
{
    const char *text;
    int r = json_need_string(obj, key, &text, err);
    if (r < 0)
        return r;
    if (!is_word(text, NAME_MAX_LEN))
        return error_set(err, -EBADMSG,
                         "\"%s\" is not a word of at most %d letters, digits, ._+~:-", key,
                         NAME_MAX_LEN);
    *out = text;
    return 0;
}

static int check_listed(const struct bundle *b, const char *digest, const char *key,
                        struct error *err)
{
    if (!digest_is_valid(digest))
        return error_set(err, -EBADMSG, "\"%s\" is not \"sha256:\" and 64 lowercase hex digits",
                         key);
    if (bundle_blob_size(b, digest) < 0)
        return error_set(err, -EBADMSG, "\"%s\" names %s, which \"blobs\" does not list", key,
                         digest);
    return 0;
}

static int need_blob(const struct bundle *b, const json_t *obj, const char *key, const char **out,
                     struct error *err)
{
    const char *digest;
    int r = json_need_string(obj, key, &digest, err);
    if (r < 0 || (r = check_listed(b, digest, key, err)) < 0)
        return r;
    *out = digest;
    return 0;
}

const char *component_kind_name(enum component_kind kind)
{
    static const char *const names[] = {[COMPONENT_FILES] = "files",
                                        [COMPONENT_IMAGE] = "image",
                                        [COMPONENT_ADDON] = "addon",
                                        [COMPONENT_STACK] = "stack"};
    return names[kind];
}

/* Hosts get all but a stack, and files that are for the coordinator alone. */
static int read_roles(const json_t *obj, enum component_kind kind, unsigned *out, struct error *err)
{
    json_t *roles;
    int r = json_need_array(obj, "roles", &roles, err);
    if (r < 0)
        return r;
    if (kind == COMPONENT_STACK && json_array_size(roles) > 0)
        return error_set(err, -EBADMSG, "a stack has \"roles\"");
    unsigned bits = 0;
    size_t i;
    json_t *item;
    json_array_foreach(roles, i, item) {
        const char *role = json_is_string(item) ? json_string_value(item) : "";
        if (strcmp(role, "control-plane") == 0)
            bits |= COMPONENT_CONTROL_PLANE;
        else if (strcmp(role, "worker") == 0)
            bits |= COMPONENT_WORKER;
        else
            return error_set(err, -EBADMSG,
                             "\"roles\" has something that is neither "
                             "\"control-plane\" nor \"worker\"");
    }
    if (!bits && kind != COMPONENT_STACK && kind != COMPONENT_FILES)
        return error_set(err, -EBADMSG, "\"roles\" is empty");
    *out = bits;
    return 0;
}

static int read_image(const struct bundle *b, const json_t *obj, struct component *c,
                      struct error *err)
{
    int r = json_need_string(obj, "ref", &c->ref, err);
    if (r < 0)
        return r;
    if (!grammar_image_ref(c->ref))
        return error_set(err, -EBADMSG, "\"ref\" is not a full image name (host/path:tag)");
    if ((r = need_blob(b, obj, "manifest", &c->manifest, err)) < 0 ||
        (r = json_need_array(obj, "blobs", &c->blobs, err)) < 0)
        return r;
    size_t i;
    json_t *item;
    json_array_foreach(c->blobs, i, item) {
        const char *digest = json_is_string(item) ? json_string_value(item) : "";
        if ((r = check_listed(b, digest, "blobs", err)) < 0)
            return r;
    }
    if (json_array_size(c->blobs) == 0)
        return error_set(err, -EBADMSG, "\"blobs\" is empty");
    return 0;
}

static int read_namespaces(const json_t *obj, struct component *c, struct error *err)
{
    json_t *list = json_object_get(obj, "namespaces");
    if (!list)
        return 0;
    if (!json_is_array(list))
        return error_set(err, -EBADMSG, "\"namespaces\" is not a list");
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
        if (!json_is_string(item) || !is_plain_text(json_string_value(item)))
            return error_set(err, -EBADMSG,
                             "\"namespaces\" has something that is not a line of text");
    c->namespaces = list;
    return 0;
}

static bool is_repository(const json_t *value)
{
    AUTO_FREE char *ref = xasprintf("%s:tag",
                                    json_is_string(value) ? json_string_value(value) : "");
    return grammar_image_ref(ref);
}

static int read_images(const json_t *obj, struct component *c, struct error *err)
{
    json_t *images = json_object_get(obj, "images"), *repository;
    const char *value;
    if (images && !json_is_object(images))
        return error_set(err, -EBADMSG, "\"images\" is not an object");
    json_object_foreach(images, value, repository) {
        if (!is_word(value, NAME_MAX_LEN) || !is_repository(repository))
            return error_set(err, -EBADMSG, "\"images\" has something that is no repository");
    }
    c->images = images;
    return 0;
}

static int read_addon(const json_t *obj, struct component *c, struct error *err)
{
    int r = read_namespaces(obj, c, err);
    return r < 0 ? r : read_images(obj, c, err);
}

static int read_stack(const json_t *obj, struct component *c, struct error *err)
{
    json_t *images = json_object_get(obj, "images"), *repository;
    size_t i;
    if (images && !json_is_array(images))
        return error_set(err, -EBADMSG, "\"images\" is not a list");
    json_array_foreach(images, i, repository)
        if (!is_repository(repository))
            return error_set(err, -EBADMSG, "\"images\" has something that is no repository");
    c->images = images;
    return 0;
}

static int read_sources(const struct bundle *b, const json_t *obj, struct component *c,
                        struct error *err)
{
    json_t *list = json_object_get(obj, "sources");
    if (list && !json_is_array(list))
        return error_set(err, -EBADMSG, "\"sources\" is not a list");
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
        if (!json_is_string(item) ||
            !json_object_get(json_object_get(b->json, "sources"), json_string_value(item)))
            return error_set(err, -EBADMSG, "\"sources\" has something that is no source");
    c->sources = list;
    return 0;
}

static int read_kind(const json_t *obj, enum component_kind *out, struct error *err)
{
    const char *kind;
    int r = json_need_string(obj, "kind", &kind, err);
    if (r < 0)
        return r;
    for (enum component_kind k = COMPONENT_FILES; k <= COMPONENT_STACK; k++)
        if (strcmp(kind, component_kind_name(k)) == 0) {
            *out = k;
            return 0;
        }
    return error_set(err, -EBADMSG, "\"kind\" is none of files, image, addon, stack");
}

static int read_component(const struct bundle *b, const json_t *obj, struct component *c,
                          struct error *err)
{
    if (!json_is_object(obj))
        return error_set(err, -EBADMSG, "is not an object");
    int r;
    if ((r = need_word(obj, "name", &c->name, err)) < 0 ||
        (r = need_word(obj, "version", &c->version, err)) < 0 ||
        (r = read_kind(obj, &c->kind, err)) < 0 ||
        (r = read_roles(obj, c->kind, &c->roles, err)) < 0 ||
        (r = read_sources(b, obj, c, err)) < 0)
        return r;
    if (c->kind == COMPONENT_IMAGE)
        return read_image(b, obj, c, err);
    r = need_blob(b, obj, "blob", &c->blob, err);
    if (r < 0 || c->kind == COMPONENT_FILES)
        return r;
    return c->kind == COMPONENT_ADDON ? read_addon(obj, c, err) : read_stack(obj, c, err);
}

static bool same_component(const struct component *a, const struct component *b)
{
    return strcmp(a->name, b->name) == 0 || (a->ref && b->ref && strcmp(a->ref, b->ref) == 0);
}

static int read_components(struct bundle *b, struct error *err)
{
    json_t *list;
    int r = json_need_array(b->json, "components", &list, err);
    if (r < 0)
        return r;
    size_t count = json_array_size(list);
    if (count == 0 || count > COMPONENTS_MAX)
        return error_set(err, -EBADMSG, "%zu components; 1 to %d are possible", count,
                         COMPONENTS_MAX);
    b->components = xcalloc(count, sizeof(*b->components));
    for (size_t i = 0; i < count; i++) {
        struct component *c = &b->components[i];
        if (read_component(b, json_array_get(list, i), c, err) < 0)
            return error_prefix(err, "component %zu", i + 1);
        for (size_t j = 0; j < i; j++)
            if (same_component(c, &b->components[j]))
                return error_set(err, -EBADMSG, "component %zu: %s is there twice", i + 1, c->name);
        b->component_count = i + 1;
    }
    return 0;
}

static int check_blobs(const struct bundle *b, struct error *err)
{
    json_t *blobs;
    int r = json_need_object(b->json, "blobs", &blobs, err);
    if (r < 0)
        return r;
    const char *digest;
    json_t *size;
    json_object_foreach(blobs, digest, size) {
        if (!digest_is_valid(digest))
            return error_set(err, -EBADMSG, "\"blobs\" has a key that is no sha256 digest");
        if (!json_is_integer(size) || json_integer_value(size) < 0 ||
            json_integer_value(size) > BLOB_SIZE_MAX)
            return error_set(err, -EBADMSG, "the size of blob %s is not possible", digest);
    }
    return 0;
}

static int check_delta(const struct bundle *b, const json_t *delta, const char *to,
                       struct error *err)
{
    const char *from, *blob;
    int r;
    if (!json_is_object(delta))
        return error_set(err, -EBADMSG, "is not an object");
    if ((r = json_need_string(delta, "from", &from, err)) < 0 ||
        (r = need_blob(b, delta, "blob", &blob, err)) < 0)
        return r;
    if (!digest_is_valid(from) || strcmp(from, to) == 0)
        return error_set(err, -EBADMSG, "\"from\" is not the digest of another blob");
    return strcmp(blob, to) != 0 ? 0 : error_set(err, -EBADMSG, "\"blob\" is what it makes");
}

static int check_deltas(const struct bundle *b, struct error *err)
{
    json_t *deltas = json_object_get(b->json, "deltas"), *list, *delta;
    const char *digest;
    size_t i;
    int r = 0;
    if (deltas && !json_is_object(deltas))
        return error_set(err, -EBADMSG, "\"deltas\" is not an object");
    json_object_foreach(deltas, digest, list) {
        if ((r = check_listed(b, digest, "deltas", err)) < 0)
            return r;
        if (!json_is_array(list) || json_array_size(list) > BUNDLE_DELTAS_MAX)
            return error_set(err, -EBADMSG, "\"deltas\" of %s is no list of at most %d", digest,
                             BUNDLE_DELTAS_MAX);
        json_array_foreach(list, i, delta)
            if (check_delta(b, delta, digest, err) < 0)
                return error_prefix(err, "delta %zu of %s", i + 1, digest);
    }
    return 0;
}

static int read_next_keys(struct bundle *b, struct error *err)
{
    const json_t *list = json_object_get(b->json, "next_keys");
    if (!list)
        return 0;
    int r = trusted_keys_from_json(&b->next_keys, list, err);
    return r < 0 ? error_prefix(err, "\"next_keys\"") : 0;
}

static int check_index(const struct bundle *b, struct error *err)
{
    const json_t *index = json_object_get(b->json, "index");
    if (index && (!json_is_string(index) || !digest_is_valid(json_string_value(index))))
        return error_set(err, -EBADMSG, "\"index\" is no sha256 digest");
    return 0;
}

static int read_papers(struct bundle *b, struct error *err)
{
    int r = 0;
    if (json_object_get(b->json, "licenses"))
        r = need_blob(b, b->json, "licenses", &b->licenses, err);
    if (r == 0 && json_object_get(b->json, "sbom"))
        r = need_blob(b, b->json, "sbom", &b->sbom, err);
    return r;
}

static int read_bundle(struct bundle *b, struct error *err)
{
    if (!json_is_object(b->json))
        return error_set(err, -EBADMSG, "is not a JSON object");
    int64_t schema;
    int r = json_need_int(b->json, "schema", &schema, err);
    if (r < 0)
        return r;
    if (schema != BUNDLE_SCHEMA)
        return error_set(err, -EBADMSG, "schema %lld; this program reads schema %d",
                         (long long) schema, BUNDLE_SCHEMA);
    if ((r = need_word(b->json, "product", &b->product, err)) < 0 ||
        (r = need_word(b->json, "architecture", &b->architecture, err)) < 0 ||
        (json_object_get(b->json, "kubernetes") &&
         (r = need_word(b->json, "kubernetes", &b->kubernetes, err)) < 0) ||
        (r = json_need_int(b->json, "serial", &b->serial, err)) < 0)
        return r;
    if (b->serial < 1)
        return error_set(err, -EBADMSG, "\"serial\" is less than 1");
    AUTO_CHUNK_MAP *map = NULL;
    if ((r = check_blobs(b, err)) < 0 || (r = check_index(b, err)) < 0 ||
        (r = check_deltas(b, err)) < 0 || (r = chunk_map_new(b, &map, err)) < 0 ||
        (r = read_next_keys(b, err)) < 0 || (r = read_papers(b, err)) < 0)
        return r;
    return read_components(b, err);
}

static int read_signature(struct bundle *b, struct error *err)
{
    STRBUF(text, SIGNATURE_MAX);
    int r = bundle_store_read(b->store, BUNDLE_TEXT_SIGNATURE, &text, err);
    if (r == -ENOENT)
        return 0;
    if (r < 0 && r != -E2BIG)
        return r;
    if (r == -E2BIG || memchr(text.data, '\0', text.len)) {
        error_set(err, -EKEYREJECTED, "the signature of %s is too large for one, or no text",
                  b->path);
        (void) error_remedy(err, REMEDY_DISTRUST);
        return -EKEYREJECTED;
    }
    b->signature_text = xstrndup(text.data, text.len);
    return 0;
}

/* Before a byte of the text is looked at. */
static int check_signature(struct bundle *b, const struct trusted_keys *trusted, struct error *err)
{
    if (!b->signature_text) {
        error_set(err, -ENOKEY, "%s is not signed: it has no %s", b->path, BUNDLE_SIGNATURE);
        (void) error_remedy(err, "get a signed bundle, or sign your own: " REMEDY_SIGN);
        return -ENOKEY;
    }
    int r = signature_check(b->signature_text, strlen(b->signature_text), b->text, b->text_len,
                            trusted, &b->signature, err);
    if (r < 0) {
        (void) error_prefix(err, "the signature of %s", b->path);
        (void) error_remedy(err, REMEDY_DISTRUST);
    }
    return r;
}

static int parse(struct bundle *b, const char *name, struct error *err)
{
    b->json = json_parse(b->text, b->text_len, name, err);
    if (!b->json)
        return error_remedy(err, "is it a bundle? " REMEDY_REBUILD);
    int r = read_bundle(b, err);
    if (r < 0) {
        error_prefix(err, "%s", name);
        return error_remedy(err, REMEDY_REBUILD);
    }
    return 0;
}

static void keep_text(struct bundle *b, const char *text, size_t len)
{
    b->text = xcalloc(1, len + 1);
    memcpy(b->text, text, len);
    b->text_len = len;
    digest_buffer(text, len, b->digest);
}

int bundle_parse(const char *text, size_t len, const char *name, struct bundle *out,
                 struct error *err)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    keep_text(&b, text, len);
    int r = parse(&b, name, err);
    if (r < 0)
        return r;
    *out = b;
    b = BUNDLE_INIT;
    return 0;
}

static int read_text(struct bundle *b, struct error *err)
{
    STRBUF(text, BUNDLE_MANIFEST_MAX);
    if (bundle_store_open(b->path, &b->store, err) < 0 ||
        bundle_store_read(b->store, BUNDLE_TEXT_LIST, &text, err) < 0)
        return error_remedy(err, "is %s a bundle? " REMEDY_REBUILD, b->path);
    keep_text(b, text.data, text.len);
    return 0;
}

int bundle_open(const char *path, const struct trusted_keys *trusted, struct bundle *out,
                struct error *err)
{
    CLEANUP(bundle_release) struct bundle b = {.path = xstrdup(path)};
    AUTO_FREE char *name = path_join(path, BUNDLE_MANIFEST);
    int r;
    if ((r = read_text(&b, err)) < 0 || (r = read_signature(&b, err)) < 0 ||
        (trusted && (r = check_signature(&b, trusted, err)) < 0) ||
        (r = parse(&b, name, err)) < 0 ||
        (r = bundle_store_map(b.store, json_object_get(b.json, "blobs"), err)) < 0)
        return r;
    *out = b;
    b = BUNDLE_INIT;
    return 0;
}

/* The comment's time is that of the content, so that the same bundle is signed the same. */
int bundle_sign(const char *path, const struct secret_key *key, struct error *err)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    STRBUF(signature, SIGNATURE_MAX);
    int r;
    if ((r = bundle_open(path, NULL, &b, err)) < 0 || (r = bundle_verify(&b, err)) < 0)
        return r;
    const char *created = json_get_string(b.json, "created", "");
    AUTO_FREE char *comment =
        xasprintf("product:%s\tarchitecture:%s\tserial:%lld\tcreated:%s\tfile:%s", b.product,
                  b.architecture, (long long) b.serial,
                  is_word(created, NAME_MAX_LEN) ? created : "unknown", BUNDLE_MANIFEST);
    if ((r = signature_make(key, b.text, b.text_len, comment, &signature, err)) < 0)
        return r;
    return bundle_store_write_signature(b.store, signature.data, signature.len, err);
}

void bundle_successors(const struct bundle *b, struct trusted_keys *out)
{
    trusted_keys_add(out, &b->signature.key);
    trusted_keys_add_all(out, &b->next_keys);
}

void bundle_release(struct bundle *b)
{
    signature_release(&b->signature);
    trusted_keys_release(&b->next_keys);
    bundle_store_close(&b->store);
    free(b->path);
    free(b->text);
    free(b->signature_text);
    free(b->components);
    json_decref(b->json);
    *b = BUNDLE_INIT;
}

const struct component *bundle_find(const struct bundle *b, const char *name)
{
    for (size_t i = 0; i < b->component_count; i++)
        if (strcmp(b->components[i].name, name) == 0)
            return &b->components[i];
    return NULL;
}

bool component_is_image_of(const struct component *c, const char *repository)
{
    size_t len = strlen(repository);
    return c->kind == COMPONENT_IMAGE && strncmp(c->ref, repository, len) == 0 &&
           c->ref[len] == ':';
}

const struct component *bundle_find_image(const struct bundle *b, const char *repository)
{
    for (size_t i = 0; i < b->component_count; i++)
        if (component_is_image_of(&b->components[i], repository))
            return &b->components[i];
    return NULL;
}

json_t *bundle_deltas(const struct bundle *b, const char *digest)
{
    return json_object_get(json_object_get(b->json, "deltas"), digest);
}

int bundle_blob_open(const struct bundle *b, const char *digest, struct blob_source *out,
                     struct error *err)
{
    int64_t size = bundle_blob_size(b, digest);
    if (size < 0)
        return error_set(err, (int) size, "the bundle does not list blob %s", digest);
    return bundle_store_blob(b->store, digest, (uint64_t) size, out, err);
}

int bundle_blob_text(const struct bundle *b, const char *digest, size_t max, char **out,
                     size_t *size, struct error *err)
{
    AUTO_BLOB_SOURCE blob = BLOB_SOURCE_INIT;
    char found[DIGEST_SIZE];
    int r = bundle_blob_open(b, digest, &blob, err);
    if (r < 0)
        return r;
    if (blob.size > max)
        return error_set(err, -E2BIG, "blob %s has more than %zu bytes", digest, max);
    AUTO_FREE char *text = xcalloc(1, (size_t) blob.size + 1);
    if ((r = blob_source_read(&blob, 0, text, (size_t) blob.size, err)) < 0)
        return r;
    digest_buffer(text, (size_t) blob.size, found);
    if (strcmp(found, digest) != 0)
        return error_set(err, -EBADMSG, "blob %s has the content of %s", digest, found);
    *size = (size_t) blob.size;
    *out = TAKE_PTR(text);
    return 0;
}

int64_t bundle_blob_size(const struct bundle *b, const char *digest)
{
    const json_t *size = json_object_get(json_object_get(b->json, "blobs"), digest);
    return json_is_integer(size) ? (int64_t) json_integer_value(size) : -ENOENT;
}
