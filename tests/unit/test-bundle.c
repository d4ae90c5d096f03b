#include "images/bundle.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define CONTENT "hello"
#define D_CONTENT "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define LIST "{\"sha256:" HEX_A "\": 7, \"" D_CONTENT "\": 5}"
#define COMPONENT \
    "{\"name\":\"x\",\"kind\":\"files\",\"version\":\"v1\",\"roles\":[\"worker\"]," \
    "\"blob\":\"" D_CONTENT "\"}"
#define HEAD \
    "\"schema\":2,\"product\":\"bigtop\",\"architecture\":\"amd64\",\"serial\":1," \
    "\"kubernetes\":\"v1.34.4\""
#define BUNDLE(components, blobs) "{" HEAD ",\"components\":[" components "],\"blobs\":" blobs "}"

static void put(const char *dir, const char *name, const void *data, size_t len)
{
    AUTO_FREE char *path = path_join(dir, name);
    AUTO_FREE char *parent = path_dirname(path);
    assert_int_equal(path_mkdir_p(parent, 0755, NULL), 0);
    assert_int_equal(file_write_atomic(path, data, len, 0644, NULL), 0);
}

static void put_text(const char *dir, const char *name, const char *text)
{
    put(dir, name, text, strlen(text));
}

static void put_blob(const char *dir, const char *text, char digest[DIGEST_SIZE])
{
    digest_buffer(text, strlen(text), digest);
    AUTO_FREE char *name = xasprintf("blobs/sha256/%s", digest + 7);
    put_text(dir, name, text);
}

static int open_text(const char *dir, const char *json, struct error *err)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    put_text(dir, "bigtop.json", json);
    return bundle_open(dir, NULL, &b, err);
}

static void reads_components(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    put_text(*state, "bigtop.json",
             BUNDLE(COMPONENT ",{\"name\":\"api\",\"kind\":\"image\",\"version\":\"v2\","
                              "\"roles\":[\"control-plane\",\"worker\"],"
                              "\"ref\":\"registry.k8s.io/api:v2\",\"manifest\":\"" D_CONTENT "\","
                              "\"blobs\":[\"sha256:" HEX_A "\"]},"
                              "{\"name\":\"net\",\"kind\":\"addon\",\"version\":\"v3\","
                              "\"roles\":[\"control-plane\"],\"blob\":\"" D_CONTENT "\","
                              "\"namespaces\":[\"net\"]},"
                              "{\"name\":\"stack\",\"kind\":\"stack\",\"version\":\"1\","
                              "\"roles\":[],\"blob\":\"" D_CONTENT "\","
                              "\"images\":[\"a.io/kafka\"]}",
                    LIST));
    assert_int_equal(bundle_open(*state, NULL, &b, &err), 0);
    assert_string_equal(b.kubernetes, "v1.34.4");
    assert_int_equal(b.component_count, 4);
    assert_int_equal(b.components[3].kind, COMPONENT_STACK);
    assert_int_equal(json_array_size(b.components[3].images), 1);
    assert_int_equal(b.components[0].roles, COMPONENT_WORKER);
    assert_string_equal(b.components[0].blob, D_CONTENT);
    const struct component *api = bundle_find(&b, "api");
    assert_non_null(api);
    assert_int_equal(api->roles, COMPONENT_CONTROL_PLANE | COMPONENT_WORKER);
    assert_string_equal(api->ref, "registry.k8s.io/api:v2");
    assert_int_equal(json_array_size(bundle_find(&b, "net")->namespaces), 1);
    assert_null(bundle_find(&b, "nothing"));
    assert_ptr_equal(bundle_find_image(&b, "registry.k8s.io/api"), api);
    assert_null(bundle_find_image(&b, "registry.k8s.io/ap"));
    assert_null(bundle_find_image(&b, "registry.k8s.io/api:v2"));
    assert_false(component_is_image_of(bundle_find(&b, "net"), "net"));
    assert_int_equal(bundle_blob_size(&b, "sha256:" HEX_A), 7);
    assert_int_equal(bundle_blob_size(&b, "sha256:" HEX_A "b"), -ENOENT);
}

#define C(fields) "{\"name\":\"x\",\"version\":\"v1\",\"roles\":[\"worker\"]," fields "}"
#define DELTA(from, blob) "[{\"from\":\"" from "\",\"blob\":\"" blob "\"}]"
#define DELTAS(digest, list) LIST ",\"deltas\":{\"" digest "\":" list "}"
#define IMAGE(ref, manifest, blobs) \
    C("\"kind\":\"image\",\"ref\":\"" ref "\",\"manifest\":\"" manifest "\",\"blobs\":" blobs)

#define STACK(images) \
    "{\"name\":\"s\",\"version\":\"v1\",\"roles\":[],\"kind\":\"stack\",\"blob\":\"" D_CONTENT \
    "\",\"images\":" images "}"
#define NEXT(keys) BUNDLE(COMPONENT, LIST ",\"next_keys\":" keys)

static void refuses_what_is_wrong(void **state)
{
    static const struct {
        const char *json, *says;
    } cases[] = {
        {"", "bigtop.json"},
        {"[]", "is not a JSON object"},
        {"{}", "schema"},
        {"{\"schema\":9}", "schema 9; this program reads schema 2"},
        {"{\"schema\":\"1\"}", "schema"},
        {"{" HEAD "}", "blobs"},
        {"{" HEAD ",\"serial\":2}", "bigtop.json"}, /* a key twice */
        {"{\"schema\":2,\"product\":\"../x\",\"architecture\":\"amd64\"}", "\"product\""},
        {"{\"schema\":2,\"product\":\"-x\",\"architecture\":\"amd64\"}", "\"product\""},
        {"{\"schema\":2,\"product\":\"a b\"}", "\"product\""},
        {"{\"schema\":2,\"product\":\"b\",\"architecture\":\"a\",\"kubernetes\":\"v1\","
         "\"serial\":0,\"components\":[],\"blobs\":{}}",
         "\"serial\" is less than 1"},
        {NEXT("\"RW\""), "\"next_keys\": is not a list"},
        {NEXT("[\"RW\"]"), "no public key"},
        {BUNDLE("", LIST), "0 components"},
        {BUNDLE("7", LIST), "component 1: is not an object"},
        {BUNDLE(COMPONENT, "[]"), "blobs"},
        {BUNDLE(COMPONENT, "{}"), "which \"blobs\" does not list"},
        {BUNDLE(COMPONENT, "{\"sha256:AA\":1}"), "no sha256 digest"},
        {BUNDLE(COMPONENT, "{\"../../etc/passwd\":1}"), "no sha256 digest"},
        {BUNDLE(COMPONENT, "{\"" D_CONTENT "\":-1}"), "not possible"},
        {BUNDLE(COMPONENT, "{\"" D_CONTENT "\":\"5\"}"), "not possible"},
        {BUNDLE(COMPONENT, "{\"" D_CONTENT "\":99999999999999}"), "not possible"},
        {BUNDLE(COMPONENT "," COMPONENT, LIST), "x is there twice"},
        {BUNDLE(C("\"kind\":\"files\""), LIST), "blob"},
        {BUNDLE(C("\"kind\":\"magic\""), LIST), "none of files, image, addon, stack"},
        {BUNDLE(C("\"kind\":\"stack\",\"blob\":\"" D_CONTENT "\""), LIST), "a stack has \"roles\""},
        {BUNDLE(STACK("{\"x\":\"a.io/x\"}"), LIST), "\"images\" is not a list"},
        {BUNDLE(STACK("[\"a.io/x:v1\"]"), LIST), "no repository"},
        {BUNDLE(C("\"kind\":\"files\",\"blob\":\"sha256:../x\""), LIST), "64 lowercase hex"},
        {BUNDLE(C("\"kind\":\"files\",\"blob\":\"sha512:" HEX_A "\""), LIST), "64 lowercase hex"},
        {BUNDLE("{\"name\":\"x\",\"kind\":\"addon\",\"version\":\"v\",\"roles\":[]}", LIST),
         "\"roles\" is empty"},
        {BUNDLE("{\"name\":\"x\",\"kind\":\"files\",\"version\":\"v\",\"roles\":[\"king\"]}", LIST),
         "neither"},
        {BUNDLE(IMAGE("nginx", D_CONTENT, "[\"" D_CONTENT "\"]"), LIST), "full image name"},
        {BUNDLE(IMAGE("a.io/b:c\\u001b[2J", D_CONTENT, "[\"" D_CONTENT "\"]"), LIST),
         "full image name"},
        {BUNDLE(IMAGE("a.io/b:c", D_CONTENT, "[]"), LIST), "\"blobs\" is empty"},
        {BUNDLE(IMAGE("a.io/b:c", D_CONTENT, "[7]"), LIST), "64 lowercase hex"},
        {BUNDLE(C("\"kind\":\"addon\",\"blob\":\"" D_CONTENT "\",\"namespaces\":\"x\""), LIST),
         "not a list"},
        {BUNDLE(COMPONENT, LIST ",\"deltas\":[]"), "\"deltas\" is not an object"},
        {BUNDLE(COMPONENT, DELTAS("sha256:" HEX_B, "[]")), "which \"blobs\" does not list"},
        {BUNDLE(COMPONENT, DELTAS(D_CONTENT, "{}")), "is no list of at most 16"},
        {BUNDLE(COMPONENT, DELTAS(D_CONTENT, "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]")),
         "is no list of at most 16"},
        {BUNDLE(COMPONENT, DELTAS(D_CONTENT, "[7]")), "is not an object"},
        {BUNDLE(COMPONENT, DELTAS(D_CONTENT, "[{\"blob\":\"sha256:" HEX_A "\"}]")), "\"from\""},
        {BUNDLE(COMPONENT, DELTAS(D_CONTENT, DELTA("../x", "sha256:" HEX_A))), "\"from\""},
        {BUNDLE(COMPONENT, DELTAS(D_CONTENT, DELTA(D_CONTENT, "sha256:" HEX_A))), "another blob"},
        {BUNDLE(COMPONENT, DELTAS(D_CONTENT, DELTA("sha256:" HEX_B, D_CONTENT))), "what it makes"},
        {BUNDLE(COMPONENT, DELTAS(D_CONTENT, DELTA("sha256:" HEX_A, "sha256:" HEX_B))),
         "does not list"},
        {BUNDLE(C("\"kind\":\"addon\",\"blob\":\"" D_CONTENT "\",\"namespaces\":[\"--x\"]"), LIST),
         "not a line of text"},
        {BUNDLE(C("\"kind\":\"addon\",\"blob\":\"" D_CONTENT "\",\"images\":[]"), LIST),
         "\"images\" is not an object"},
        {BUNDLE(C("\"kind\":\"addon\",\"blob\":\"" D_CONTENT "\",\"images\":{\"x\":7}"), LIST),
         "no repository"},
        {BUNDLE(C("\"kind\":\"addon\",\"blob\":\"" D_CONTENT "\",\"images\":{\"x\":\"a.io/x:v1\"}"),
                LIST),
         "no repository"},
        {BUNDLE(C("\"kind\":\"addon\",\"blob\":\"" D_CONTENT "\",\"images\":{\"a b\":\"a.io/x\"}"),
                LIST),
         "no repository"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err = ERROR_INIT;
        if (open_text(*state, cases[i].json, &err) >= 0)
            fail_msg("accepted: %s", cases[i].json);
        if (!strstr(err.text, cases[i].says))
            fail_msg("%s\nsays: %s\nexpected: %s", cases[i].json, err.text, cases[i].says);
        assert_non_null(strstr(err.remedy, "bundle build"));
    }
}

static void knows_the_deltas(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    put_text(*state, "bigtop.json",
             BUNDLE(COMPONENT, DELTAS(D_CONTENT, DELTA("sha256:" HEX_B, "sha256:" HEX_A))));
    assert_int_equal(bundle_open(*state, NULL, &b, &err), 0);
    const json_t *list = bundle_deltas(&b, D_CONTENT);
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(json_get_string(json_array_get(list, 0), "from", ""), "sha256:" HEX_B);
    assert_string_equal(json_get_string(json_array_get(list, 0), "blob", ""), "sha256:" HEX_A);
    assert_null(bundle_deltas(&b, "sha256:" HEX_A));
    assert_null(bundle_deltas(&b, "sha256:" HEX_B));
}

static void refuses_a_missing_folder(void **state)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    AUTO_FREE char *dir = path_join(*state, "nothing");
    assert_true(bundle_open(dir, NULL, &b, &err) < 0);
    assert_null(b.path);
    assert_error_has(err, "nothing: No such file");
}

/* Four mebibytes are the most that is ever read. */
static void refuses_a_long_list(void **state)
{
    static const char head[] = "{" HEAD ",\"components\":[" COMPONENT "],\"blobs\":" LIST
                               ",\"x\":\"";
    size_t size = BUNDLE_MANIFEST_MAX + 1;
    AUTO_FREE char *text = xcalloc(1, size + 1);
    struct error err = ERROR_INIT;
    memset(text, 'x', size);
    memcpy(text, head, strlen(head));
    memcpy(text + size - 2, "\"}", 2);
    assert_true(open_text(*state, text, &err) < 0);
    /* One byte less is read. */
    memcpy(text + size - 3, "\"}", 3);
    err = ERROR_INIT;
    assert_int_equal(open_text(*state, text, &err), 0);
}

/* Verification */

struct files {
    char config[DIGEST_SIZE], layer[DIGEST_SIZE], manifest[DIGEST_SIZE];
};

static void make_image_bundle(const char *dir, struct files *f, const char *listed_layer)
{
    put_blob(dir, "config", f->config);
    put_blob(dir, "the layer", f->layer);
    AUTO_FREE char *manifest =
        xasprintf("{\"schemaVersion\":2,\"config\":{\"digest\":\"%s\",\"size\":6},"
                  "\"layers\":[{\"digest\":\"%s\",\"size\":9}]}",
                  f->config, f->layer);
    put_blob(dir, manifest, f->manifest);
    AUTO_FREE char *json = xasprintf(
        "{" HEAD ",\"components\":[" IMAGE(
            "a.io/b:c", "%s", "[\"%s\",\"%s\"]") "],\"blobs\":{\"%s\":6,\"%s\":9,\"%s\":%zu}}",
        f->manifest, f->config, listed_layer ? listed_layer : f->layer, f->config, f->layer,
        f->manifest, strlen(manifest));
    put_text(dir, "bigtop.json", json);
}

static int verify(const char *dir, struct error *err)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    assert_int_equal(bundle_open(dir, NULL, &b, err), 0);
    return bundle_verify(&b, err);
}

static void verifies_a_whole_bundle(void **state)
{
    struct files f;
    struct error err = ERROR_INIT;
    make_image_bundle(*state, &f, NULL);
    assert_int_equal(verify(*state, &err), 0);
}

static void finds_a_flipped_bit(void **state)
{
    struct files f;
    struct error err = ERROR_INIT;
    make_image_bundle(*state, &f, NULL);
    AUTO_FREE char *name = xasprintf("blobs/sha256/%s", f.layer + 7);
    put_text(*state, name, "the layeR");
    assert_true(verify(*state, &err) < 0);
    assert_error_has(err, f.layer + 7);
    assert_error_has(err, "has the content of");
}

static void gives_a_small_blob_as_text(void **state)
{
    struct files f;
    struct error err = ERROR_INIT;
    AUTO_FREE char *text = NULL;
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    size_t size = 0;
    make_image_bundle(*state, &f, NULL);
    assert_int_equal(bundle_open(*state, NULL, &b, &err), 0);
    assert_int_equal(bundle_blob_text(&b, f.layer, 8, &text, &size, &err), -E2BIG);
    assert_null(text);
    assert_int_equal(bundle_blob_text(&b, f.layer, 9, &text, &size, &err), 0);
    assert_string_equal(text, "the layer");
    assert_int_equal(size, 9);
    AUTO_FREE char *name = xasprintf("blobs/sha256/%s", f.layer + 7);
    AUTO_FREE char *altered = NULL;
    put_text(*state, name, "the layeR");
    assert_int_equal(bundle_blob_text(&b, f.layer, 9, &altered, &size, &err), -EBADMSG);
    assert_error_has(err, "has the content of");
    assert_null(altered);
}

static void finds_a_cut_blob(void **state)
{
    struct files f;
    struct error err = ERROR_INIT;
    make_image_bundle(*state, &f, NULL);
    AUTO_FREE char *name = xasprintf("blobs/sha256/%s", f.layer + 7);
    put_text(*state, name, "the lay");
    assert_true(verify(*state, &err) < 0);
    assert_error_has(err, "has 7 bytes, 9 are announced");
}

static void finds_a_missing_blob(void **state)
{
    struct files f;
    struct error err = ERROR_INIT;
    make_image_bundle(*state, &f, NULL);
    AUTO_FREE char *path = xasprintf("%s/blobs/sha256/%s", (char *) *state, f.config + 7);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(verify(*state, &err), -ENOENT);
    assert_error_has(err, f.config + 7);
}

static void finds_a_blob_that_is_a_link(void **state)
{
    struct files f;
    struct error err = ERROR_INIT;
    make_image_bundle(*state, &f, NULL);
    AUTO_FREE char *path = xasprintf("%s/blobs/sha256/%s", (char *) *state, f.config + 7);
    AUTO_FREE char *other = path_join(*state, "other");
    put_text(*state, "other", "config");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(other, path), 0);
    assert_true(verify(*state, &err) < 0);
    assert_error_has(err, "not a regular file");
}

/* Two bundles mixed: every blob is whole, but the list is not that of the manifest. */
static void finds_a_list_that_is_not_the_manifests(void **state)
{
    struct files f;
    struct error err = ERROR_INIT;
    make_image_bundle(*state, &f, NULL);
    make_image_bundle(*state, &f, f.config);
    assert_true(verify(*state, &err) < 0);
    assert_error_has(err, "not the one of bigtop.json");
}

/* Signatures */

/* A folder with a whole bundle, signed; its key, trusted. */
struct signed_bundle {
    struct secret_key key;
    struct trusted_keys trusted;
    char *list, *signature; /* paths */
    struct strbuf list_text, signature_text;
};

static void signed_release(struct signed_bundle *s)
{
    trusted_keys_release(&s->trusted);
    free(s->list);
    free(s->signature);
    strbuf_release(&s->list_text);
    strbuf_release(&s->signature_text);
}

static void make_signed(const char *dir, struct signed_bundle *s)
{
    struct files f;
    make_image_bundle(dir, &f, NULL);
    secret_key_generate(&s->key);
    s->trusted = (struct trusted_keys){xcalloc(1, sizeof(struct public_key)), 1};
    s->trusted.keys[0] = s->key.public_key;
    s->list = path_join(dir, "bigtop.json");
    s->signature = path_join(dir, "bigtop.json.minisig");
    strbuf_init(&s->list_text, BUNDLE_MANIFEST_MAX);
    strbuf_init(&s->signature_text, SIGNATURE_MAX);
    assert_int_equal(bundle_sign(dir, &s->key, NULL), 0);
    assert_int_equal(file_read(s->list, &s->list_text, NULL), 0);
    assert_int_equal(file_read(s->signature, &s->signature_text, NULL), 0);
}

static int open_signed(const char *dir, const struct signed_bundle *s, struct error *err)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    int r = bundle_open(dir, &s->trusted, &b, err);
    assert_int_equal(r < 0, b.json == NULL);
    return r;
}

/* Not atomically: thousands of times. */
static void overwrite(const char *path, const char *data, size_t len)
{
    AUTO_FD fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(fd_write_all(fd, data, len), 0);
}

static void opens_what_it_signed(void **state)
{
    CLEANUP(signed_release) struct signed_bundle s;
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    char id[KEY_ID_TEXT];
    make_signed(*state, &s);
    assert_int_equal(bundle_open(*state, &s.trusted, &b, &err), 0);
    assert_int_equal(bundle_verify(&b, &err), 0);
    key_id_text(s.key.public_key.id, id);
    assert_string_equal(b.signature.key_id, id);
    assert_non_null(strstr(b.signature.comment, "product:bigtop, architecture:amd64, serial:1, "));
    assert_non_null(strstr(b.signature.comment, "file:bigtop.json"));
}

static void says_who_may_follow(void **state)
{
    CLEANUP(signed_release) struct signed_bundle s;
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    AUTO_TRUSTED_KEYS after = {0};
    AUTO_SECRET_KEY next;
    char text[PUBLIC_KEY_TEXT];
    make_signed(*state, &s);
    secret_key_generate(&next);
    public_key_text(&next.public_key, text);
    AUTO_FREE char *json = xasprintf(NEXT("[\"%s\"]"), text);
    STRBUF(signature, SIGNATURE_MAX);
    assert_int_equal(signature_make(&s.key, json, strlen(json), "x", &signature, NULL), 0);
    put_text(*state, "bigtop.json", json);
    put_text(*state, "bigtop.json.minisig", signature.data);
    assert_int_equal(bundle_open(*state, &s.trusted, &b, NULL), 0);
    bundle_successors(&b, &after);
    assert_int_equal(after.count, 2);
    assert_true(trusted_keys_have(&after, &s.key.public_key));
    assert_true(trusted_keys_have(&after, &next.public_key));
}

static void refuses_a_missing_signature(void **state)
{
    CLEANUP(signed_release) struct signed_bundle s;
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    make_signed(*state, &s);
    assert_int_equal(unlink(s.signature), 0);
    assert_int_equal(open_signed(*state, &s, &err), -ENOKEY);
    assert_error_has(err, "is not signed");
    assert_int_equal(bundle_open(*state, NULL, &b, &err), 0);
    assert_string_equal(b.signature.key_id, "");
}

static void refuses_another_key(void **state)
{
    CLEANUP(signed_release) struct signed_bundle s;
    struct error err = ERROR_INIT;
    make_signed(*state, &s);
    secret_key_generate(&s.key);
    s.trusted.keys[0] = s.key.public_key;
    assert_int_equal(open_signed(*state, &s, &err), -EKEYREJECTED);
    assert_error_has(err, "not trusted");
    s.trusted.count = 0;
    assert_int_equal(open_signed(*state, &s, NULL), -EKEYREJECTED);
}

static void refuses_every_flipped_byte_of_the_list(void **state)
{
    CLEANUP(signed_release) struct signed_bundle s;
    make_signed(*state, &s);
    struct strbuf *text = &s.list_text;
    for (size_t i = 0; i < text->len; i++) {
        text->data[i] ^= (char) (1 << i % 8);
        overwrite(s.list, text->data, text->len);
        assert_int_equal(open_signed(*state, &s, NULL), -EKEYREJECTED);
        text->data[i] ^= (char) (1 << i % 8);
    }
    for (size_t len = 0; len < text->len; len++) {
        overwrite(s.list, text->data, len);
        assert_int_equal(open_signed(*state, &s, NULL), -EKEYREJECTED);
    }
    overwrite(s.list, text->data, text->len);
    assert_int_equal(open_signed(*state, &s, NULL), 0);
}

static void refuses_every_flipped_byte_of_the_signature(void **state)
{
    CLEANUP(signed_release) struct signed_bundle s;
    make_signed(*state, &s);
    struct strbuf *text = &s.signature_text;
    size_t words = strlen("untrusted comment: "), end = strcspn(text->data, "\n");
    for (size_t i = 0; i < text->len; i++) {
        bool harmless = i >= words && i < end;
        text->data[i] ^= 1;
        overwrite(s.signature, text->data, text->len);
        assert_int_equal(open_signed(*state, &s, NULL), harmless ? 0 : -EKEYREJECTED);
        text->data[i] ^= 1;
    }
    for (size_t len = 0; len + 1 < text->len; len++) {
        overwrite(s.signature, text->data, len);
        assert_int_equal(open_signed(*state, &s, NULL), -EKEYREJECTED);
    }
    AUTO_FREE char *huge = xcalloc(1, SIGNATURE_MAX + 1);
    overwrite(s.signature, huge, SIGNATURE_MAX + 1);
    assert_int_equal(open_signed(*state, &s, NULL), -EKEYREJECTED);
}

/* Nothing is parsed before the signature: what is wrong with this list is never said. */
static void looks_at_the_signature_first(void **state)
{
    CLEANUP(signed_release) struct signed_bundle s;
    struct error err = ERROR_INIT;
    make_signed(*state, &s);
    overwrite(s.list, "[[[[[[", 6);
    assert_int_equal(open_signed(*state, &s, &err), -EKEYREJECTED);
    assert_error_has(err, "altered");
}

static void does_not_sign_what_is_not_whole(void **state)
{
    CLEANUP(signed_release) struct signed_bundle s;
    struct error err = ERROR_INIT;
    char digest[DIGEST_SIZE];
    make_signed(*state, &s);
    digest_buffer("config", 6, digest);
    AUTO_FREE char *name = xasprintf("blobs/sha256/%s", digest + 7);
    put_text(*state, name, "Config");
    assert_int_equal(unlink(s.signature), 0);
    assert_int_equal(bundle_sign(*state, &s.key, &err), -EBADMSG);
    assert_int_equal(access(s.signature, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(reads_components),
        cmocka_folder_test(refuses_what_is_wrong),
        cmocka_folder_test(knows_the_deltas),
        cmocka_folder_test(refuses_a_missing_folder),
        cmocka_folder_test(refuses_a_long_list),
        cmocka_folder_test(verifies_a_whole_bundle),
        cmocka_folder_test(finds_a_flipped_bit),
        cmocka_folder_test(gives_a_small_blob_as_text),
        cmocka_folder_test(finds_a_cut_blob),
        cmocka_folder_test(finds_a_missing_blob),
        cmocka_folder_test(finds_a_blob_that_is_a_link),
        cmocka_folder_test(finds_a_list_that_is_not_the_manifests),
        cmocka_folder_test(opens_what_it_signed),
        cmocka_folder_test(refuses_a_missing_signature),
        cmocka_folder_test(refuses_another_key),
        cmocka_folder_test(refuses_every_flipped_byte_of_the_list),
        cmocka_folder_test(refuses_every_flipped_byte_of_the_signature),
        cmocka_folder_test(looks_at_the_signature_first),
        cmocka_folder_test(does_not_sign_what_is_not_whole),
        cmocka_folder_test(says_who_may_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
