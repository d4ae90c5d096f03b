#include "images/bundle.h"

#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/grammar.h"
#include "lib/path.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define NAME_MAX_LEN 63
#define TEXT_MAX_LEN 255
#define COMPONENTS_MAX 10000
#define BLOB_SIZE_MAX (64LL << 30)
#define REMEDY_REBUILD "build the bundle again: bigtop-bootstrap bundle build RECIPE -o DIR"
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

static int read_roles(const json_t *obj, unsigned *out, struct error *err)
{
    json_t *roles;
    int r = json_need_array(obj, "roles", &roles, err);
    if (r < 0)
        return r;
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
    if (!bits)
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

static int read_kind(const json_t *obj, enum component_kind *out, struct error *err)
{
    static const char *const kinds[] = {"files", "image", "addon"};
    const char *kind;
    int r = json_need_string(obj, "kind", &kind, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (strcmp(kind, kinds[i]) == 0) {
            *out = (enum component_kind) i;
            return 0;
        }
    return error_set(err, -EBADMSG, "\"kind\" is none of files, image, addon");
}

static int read_component(const struct bundle *b, const json_t *obj, struct component *c,
                          struct error *err)
{
    if (!json_is_object(obj))
        return error_set(err, -EBADMSG, "is not an object");
    int r;
    if ((r = need_word(obj, "name", &c->name, err)) < 0 ||
        (r = need_word(obj, "version", &c->version, err)) < 0 ||
        (r = read_kind(obj, &c->kind, err)) < 0 || (r = read_roles(obj, &c->roles, err)) < 0)
        return r;
    if (c->kind == COMPONENT_IMAGE)
        return read_image(b, obj, c, err);
    r = need_blob(b, obj, "blob", &c->blob, err);
    return r < 0 || c->kind == COMPONENT_FILES ? r : read_namespaces(obj, c, err);
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
        (r = need_word(b->json, "kubernetes", &b->kubernetes, err)) < 0 ||
        (r = json_need_int(b->json, "serial", &b->serial, err)) < 0)
        return r;
    if (b->serial < 1)
        return error_set(err, -EBADMSG, "\"serial\" is less than 1");
    r = check_blobs(b, err);
    return r < 0 ? r : read_components(b, err);
}

/* Before a byte of the text is looked at. */
static int check_signature(const char *dir, const struct trusted_keys *trusted,
                           const struct strbuf *text, struct signature *out, struct error *err)
{
    AUTO_FREE char *path = path_join(dir, BUNDLE_SIGNATURE);
    STRBUF(signature, SIGNATURE_MAX);
    int r = file_read(path, &signature, err);
    if (r == -ENOENT) {
        error_set(err, -EKEYREJECTED, "%s is not signed: there is no %s", dir, path);
        (void) error_remedy(err, "get a signed bundle, or sign your own: " REMEDY_SIGN);
        return -EKEYREJECTED;
    }
    if (r < 0 && r != -E2BIG)
        return r;
    r = r < 0 ? error_set(err, -EKEYREJECTED, "is too large for a signature")
              : signature_check(signature.data, signature.len, text->data, text->len, trusted, out,
                                err);
    if (r < 0) {
        (void) error_prefix(err, "%s", path);
        (void) error_remedy(err, "do not use this bundle; get it again from who signed it");
    }
    return r;
}

static int parse_text(const char *path, const struct strbuf *text, struct bundle *b,
                      struct error *err)
{
    b->json = json_parse(text->data, text->len, path, err);
    if (!b->json)
        return error_remedy(err, "is %s a bundle? " REMEDY_REBUILD, b->dir);
    int r = read_bundle(b, err);
    if (r < 0) {
        error_prefix(err, "%s", path);
        return error_remedy(err, REMEDY_REBUILD);
    }
    return 0;
}

/* text: what was checked is what is parsed, and what may be signed. */
static int open_text(const char *dir, const struct trusted_keys *trusted, struct strbuf *text,
                     struct bundle *out, struct error *err)
{
    CLEANUP(bundle_release) struct bundle b = {.dir = xstrdup(dir)};
    AUTO_FREE char *path = path_join(dir, BUNDLE_MANIFEST);
    int r = file_read(path, text, err);
    if (r < 0)
        return error_remedy(err, "is %s a bundle? " REMEDY_REBUILD, dir);
    if ((trusted && (r = check_signature(dir, trusted, text, &b.signature, err)) < 0) ||
        (r = parse_text(path, text, &b, err)) < 0)
        return r;
    *out = b;
    b = BUNDLE_INIT;
    return 0;
}

int bundle_open(const char *dir, const struct trusted_keys *trusted, struct bundle *out,
                struct error *err)
{
    STRBUF(text, BUNDLE_MANIFEST_MAX);
    return open_text(dir, trusted, &text, out, err);
}

int bundle_sign(const char *dir, const struct secret_key *key, struct error *err)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    STRBUF(text, BUNDLE_MANIFEST_MAX);
    STRBUF(signature, SIGNATURE_MAX);
    AUTO_FREE char *path = path_join(dir, BUNDLE_SIGNATURE);
    char now[21];
    int r;
    if ((r = open_text(dir, NULL, &text, &b, err)) < 0 || (r = bundle_verify(&b, err)) < 0)
        return r;
    clock_format_utc(clock_wall_ms(), now);
    AUTO_FREE char *comment =
        xasprintf("product:%s\tarchitecture:%s\tserial:%lld\ttime:%s\tfile:%s", b.product,
                  b.architecture, (long long) b.serial, now, BUNDLE_MANIFEST);
    if ((r = signature_make(key, text.data, text.len, comment, &signature, err)) < 0)
        return r;
    return file_write_atomic(path, signature.data, signature.len, 0644, err);
}

void bundle_release(struct bundle *b)
{
    signature_release(&b->signature);
    free(b->dir);
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

char *bundle_blob_path(const struct bundle *b, const char *digest)
{
    return xasprintf("%s/blobs/sha256/%s", b->dir, digest + strlen("sha256:"));
}

int64_t bundle_blob_size(const struct bundle *b, const char *digest)
{
    const json_t *size = json_object_get(json_object_get(b->json, "blobs"), digest);
    return json_is_integer(size) ? (int64_t) json_integer_value(size) : -ENOENT;
}

static int verify_blob(const struct bundle *b, const char *digest, struct error *err)
{
    AUTO_FREE char *path = bundle_blob_path(b, digest);
    struct stat st;
    if (lstat(path, &st) < 0)
        return error_errno(err, -errno, "blob %s", path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, -EBADMSG, "blob %s is not a regular file", path);
    if (st.st_size != bundle_blob_size(b, digest))
        return error_set(err, -EBADMSG, "blob %s has %lld bytes, %lld are announced", path,
                         (long long) st.st_size, (long long) bundle_blob_size(b, digest));
    char found[DIGEST_SIZE];
    int r = digest_file(path, found, NULL, err);
    if (r < 0)
        return r;
    if (strcmp(found, digest) != 0)
        return error_set(err, -EBADMSG, "blob %s has the content of %s", path, found);
    return 0;
}

/* What containerd reads is the manifest, what we send is bigtop.json's list: they must agree. */
static int verify_descriptor(const struct bundle *b, const struct component *c, const json_t *desc,
                             size_t i, struct error *err)
{
    const char *digest;
    int64_t size;
    int r;
    if ((r = json_need_string(desc, "digest", &digest, err)) < 0 ||
        (r = json_need_int(desc, "size", &size, err)) < 0)
        return r;
    const char *listed = json_string_value(json_array_get(c->blobs, i));
    if (!listed || strcmp(listed, digest) != 0 || bundle_blob_size(b, digest) != size)
        return error_set(err, -EBADMSG, "blob %zu of its manifest is not the one of bigtop.json",
                         i + 1);
    return 0;
}

static int verify_manifest(const struct bundle *b, const struct component *c, struct error *err)
{
    AUTO_FREE char *path = bundle_blob_path(b, c->manifest);
    AUTO_JSON *manifest = json_parse_file(path, BUNDLE_MANIFEST_MAX, err);
    if (!manifest)
        return err ? err->code : -EBADMSG;
    json_t *config, *layers;
    int r;
    if ((r = json_need_object(manifest, "config", &config, err)) < 0 ||
        (r = json_need_array(manifest, "layers", &layers, err)) < 0 ||
        (r = verify_descriptor(b, c, config, 0, err)) < 0)
        return r;
    size_t i;
    json_t *layer;
    json_array_foreach(layers, i, layer)
        if ((r = verify_descriptor(b, c, layer, i + 1, err)) < 0)
            return r;
    if (json_array_size(layers) + 1 != json_array_size(c->blobs))
        return error_set(err, -EBADMSG, "bigtop.json lists more blobs than its manifest");
    return 0;
}

int bundle_verify(const struct bundle *b, struct error *err)
{
    const char *digest;
    json_t *size;
    json_object_foreach(json_object_get(b->json, "blobs"), digest, size) {
        int r = verify_blob(b, digest, err);
        if (r < 0)
            return error_remedy(err, REMEDY_REBUILD);
    }
    for (size_t i = 0; i < b->component_count; i++) {
        const struct component *c = &b->components[i];
        if (c->kind == COMPONENT_IMAGE && verify_manifest(b, c, err) < 0) {
            error_prefix(err, "image %s", c->name);
            return error_remedy(err, REMEDY_REBUILD);
        }
    }
    return 0;
}
