#include "agent/host-bundle.h"
#include "agent/paths.h"
#include "agent/trust.h"
#include "lib/protocol.h"
#include "tests/unit/unit.h"

#include "tests/unit/offer.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define D_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define D_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

#define HEX_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static struct secret_key key_a, key_b, key_c;

static int host_setup(void **state)
{
    if (folder_setup(state) < 0)
        return -1;
    agent_root_set(*state);
    secret_key_generate(&key_a);
    secret_key_generate(&key_b);
    secret_key_generate(&key_c);
    return agent_prepare_folders(NULL);
}

static int host_teardown(void **state)
{
    agent_root_set("");
    return folder_teardown(state);
}
#define host_test(f) cmocka_unit_test_setup_teardown(f, host_setup, host_teardown)

static void must_accept(struct offered o)
{
    struct error err = ERROR_INIT;
    int r = offer_accept(&o, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(r, 0);
}

static void must_refuse(struct offered o, int code, const char *words)
{
    struct error err = ERROR_INIT;
    AUTO_JSON *before = host_bundle_facts();
    assert_int_equal(offer_accept(&o, &err), code);
    assert_error_has(err, words);
    assert_true(err.remedy[0]);
    AUTO_JSON *after = host_bundle_facts();
    assert_true(json_equal(before, after));
}

static int64_t accepted_serial(void)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    return host_bundle_load(&b, NULL) == 0 ? b.serial : 0;
}

static bool trusts(const struct secret_key *key)
{
    AUTO_HOST_TRUST trust = {0};
    return host_trust_load(&trust, NULL) == 1 && trusted_keys_have(&trust.keys, &key->public_key);
}

static void accepts_and_remembers(void **state)
{
    (void) state;
    must_accept((struct offered){.key = &key_a, .serial = 3});
    assert_int_equal(accepted_serial(), 3);
    assert_true(trusts(&key_a));
    AUTO_JSON *facts = host_bundle_facts();
    char id[KEY_ID_TEXT];
    key_id_text(key_a.public_key.id, id);
    assert_string_equal(json_get_string(facts, "product", ""), "bigtop");
    assert_string_equal(json_get_string(facts, "architecture", ""), this_architecture());
    assert_int_equal(json_get_int(facts, "serial", 0), 3);
    assert_true(digest_is_valid(json_get_string(facts, "manifest", "")));
    json_t *ids = json_object_get(facts, "keys");
    assert_int_equal(json_array_size(ids), 1);
    assert_string_equal(json_string_value(json_array_get(ids, 0)), id);
    AUTO_FREE char *path = agent_path(AGENT_TRUST);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void a_new_host_has_accepted_nothing(void **state)
{
    (void) state;
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    AUTO_JSON *facts = host_bundle_facts();
    assert_true(json_is_null(facts));
    assert_int_equal(host_bundle_load(&b, NULL), -ENOENT);
}

static void the_same_again_changes_nothing(void **state)
{
    (void) state;
    const struct offered o = {.key = &key_a};
    AUTO_JSON *params = offer_params(&o);
    AUTO_FREE char *path = agent_path(AGENT_TRUST);
    bool changed = false;
    struct stat before, after;
    assert_int_equal(host_bundle_accept(params, &changed, NULL), 0);
    assert_true(changed);
    assert_int_equal(stat(path, &before), 0);
    changed = false;
    assert_int_equal(host_bundle_accept(params, &changed, NULL), 0);
    assert_false(changed);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
}

/* The coordinator's keys count only where the host has none of its own. */
static void another_key_is_refused(void **state)
{
    (void) state;
    must_accept((struct offered){.key = &key_a});
    must_refuse((struct offered){.key = &key_b, .serial = 2}, -EKEYREJECTED, "not trusted");
    assert_int_equal(accepted_serial(), 1);
}

static void an_offer_by_a_key_it_does_not_name_is_refused(void **state)
{
    (void) state;
    const struct offered o = {.key = &key_a};
    AUTO_JSON *params = offer_params(&o);
    char other[PUBLIC_KEY_TEXT];
    bool changed = false;
    public_key_text(&key_b.public_key, other);
    json_object_set_new(params, "keys", json_pack("[s]", other));
    assert_int_equal(host_bundle_accept(params, &changed, NULL), -EKEYREJECTED);
    json_object_set_new(params, "keys", json_array());
    assert_int_equal(host_bundle_accept(params, &changed, NULL), -EKEYREJECTED);
    json_object_del(params, "keys");
    assert_int_equal(host_bundle_accept(params, &changed, NULL), -EKEYREJECTED);
    assert_false(changed);
}

static void an_unsigned_one_is_refused(void **state)
{
    (void) state;
    const struct offered o = {.key = &key_a};
    AUTO_JSON *params = offer_params(&o);
    bool changed = false;
    struct error err = ERROR_INIT;
    json_object_del(params, "signature");
    assert_int_equal(host_bundle_accept(params, &changed, &err), -EKEYREJECTED);
    assert_error_has(err, "not signed");
}

static void insecure_is_for_hosts_without_a_key(void **state)
{
    (void) state;
    must_accept((struct offered){.serial = 1});
    must_accept((struct offered){.serial = 2});
    assert_int_equal(accepted_serial(), 2);
    must_accept((struct offered){.key = &key_a, .serial = 3});
    must_refuse((struct offered){.serial = 4}, -EKEYREJECTED, "signed bundles only");
    must_refuse((struct offered){.key = &key_b, .serial = 4}, -EKEYREJECTED, "not trusted");
}

/* The signature appears for a bundle that was let in without one. */
static void the_same_bundle_pins_once_it_is_signed(void **state)
{
    (void) state;
    must_accept((struct offered){0});
    assert_false(trusts(&key_a));
    must_accept((struct offered){.key = &key_a});
    assert_true(trusts(&key_a));
}

static void the_next_key_takes_over(void **state)
{
    (void) state;
    must_accept((struct offered){.key = &key_a, .next = &key_b, .serial = 1});
    assert_true(trusts(&key_a) && trusts(&key_b));
    must_refuse((struct offered){.key = &key_c, .serial = 2}, -EKEYREJECTED, "not trusted");
    must_accept((struct offered){.key = &key_b, .serial = 2});
    assert_false(trusts(&key_a));
    must_refuse((struct offered){.key = &key_a, .serial = 3}, -EKEYREJECTED, "not trusted");
    must_accept((struct offered){.key = &key_b, .next = &key_a, .serial = 3});
    assert_true(trusts(&key_a) && trusts(&key_b));
}

/* An announcement that is taken back. */
static void the_newest_bundle_says_who_follows(void **state)
{
    (void) state;
    must_accept((struct offered){.key = &key_a, .next = &key_b, .serial = 1});
    must_accept((struct offered){.key = &key_a, .serial = 2});
    must_refuse((struct offered){.key = &key_b, .serial = 3}, -EKEYREJECTED, "not trusted");
}

static void an_older_serial_is_refused_unless_named(void **state)
{
    (void) state;
    const struct offered old = {.key = &key_a, .serial = 4};
    must_accept((struct offered){.key = &key_a, .serial = 5});
    must_refuse(old, -ESTALE, "serial 4, this host has had 5");
    AUTO_JSON *params = offer_params(&old);
    bool changed = false;
    json_object_set_new(params, "serial", json_integer(3));
    assert_int_equal(host_bundle_accept(params, &changed, NULL), -ESTALE);
    json_object_set_new(params, "serial", json_integer(4));
    assert_int_equal(host_bundle_accept(params, &changed, NULL), 0);
    assert_int_equal(accepted_serial(), 4);
    /* It is the host's bundle now; another one of that age is not. */
    must_accept(old);
    must_refuse((struct offered){.key = &key_a, .next = &key_b, .serial = 4}, -ESTALE, "had 5");
    must_accept((struct offered){.key = &key_a, .serial = 5});
}

static void another_product_is_refused(void **state)
{
    (void) state;
    must_accept((struct offered){.key = &key_a});
    must_refuse((struct offered){.key = &key_a, .product = "other", .serial = 2}, -EPERM,
                "product other, this host has bigtop");
}

static void another_architecture_is_refused(void **state)
{
    (void) state;
    bool is_arm = strcmp(this_architecture(), "arm64") == 0;
    must_refuse((struct offered){.key = &key_a, .architecture = is_arm ? "amd64" : "arm64"}, -EPERM,
                "this host is");
    assert_int_equal(accepted_serial(), 0);
}

static int accept_json(const char *text)
{
    bool changed = false;
    AUTO_JSON *params = json_parse(text, strlen(text), "test", NULL);
    assert_non_null(params);
    struct error err = ERROR_INIT;
    int r = host_bundle_accept(params, &changed, &err);
    assert_false(changed);
    return r;
}

static void malformed_offers_are_refused(void **state)
{
    (void) state;
    assert_int_equal(accept_json("{}"), -EINVAL);
    assert_int_equal(accept_json("{\"manifest\":\"../x\",\"insecure\":true}"), -EINVAL);
    assert_int_equal(accept_json("{\"manifest\":\"" D_A "\"}"), -EKEYREJECTED);
    assert_int_equal(accept_json("{\"manifest\":\"" D_A "\",\"insecure\":true}"), -ENOENT);
    assert_int_equal(
        accept_json("{\"manifest\":\"" D_A "\",\"insecure\":true,\"signature\":\"x\"}"), -EINVAL);
    assert_int_equal(accept_json("{\"manifest\":\"" D_A "\",\"insecure\":true,\"keys\":[7]}"),
                     -EBADMSG);
    assert_int_equal(accept_json("{\"manifest\":\"" D_A "\",\"signature\":\"x\",\"keys\":\"RW\"}"),
                     -EBADMSG);
}

/* What is signed need not be a bundle of ours. */
static void signed_nonsense_is_refused(void **state)
{
    (void) state;
    static const char text[] = "{\"schema\":99}";
    char digest[DIGEST_SIZE], key[PUBLIC_KEY_TEXT];
    STRBUF(signature, SIGNATURE_MAX);
    bool changed = false;
    digest_buffer(text, strlen(text), digest);
    AUTO_FREE char *path = blob_path(digest);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
    signature_make(&key_a, text, strlen(text), "test", &signature, NULL);
    public_key_text(&key_a.public_key, key);
    AUTO_JSON *params = json_pack("{s:s, s:s, s:[s]}", "manifest", digest, "signature",
                                  signature.data, "keys", key);
    struct error err = ERROR_INIT;
    assert_int_equal(host_bundle_accept(params, &changed, &err), -EBADMSG);
    assert_error_has(err, "schema 99");
    assert_false(trusts(&key_a));
}

/* An attacker who offers altered bytes names their digest, of course. */
static void every_flipped_byte_of_the_manifest_is_refused(void **state)
{
    (void) state;
    const struct offered o = {.key = &key_a, .next = &key_b};
    AUTO_JSON *params = offer_params(&o);
    AUTO_FREE char *text = offer_manifest(&o);
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        char digest[DIGEST_SIZE];
        bool changed = false;
        text[i] ^= (char) (1 << i % 8);
        digest_buffer(text, len, digest);
        AUTO_FREE char *path = blob_path(digest);
        assert_int_equal(file_write_new(path, text, len, 0600, NULL), 0);
        json_object_set_new(params, "manifest", json_string(digest));
        assert_int_equal(host_bundle_accept(params, &changed, NULL), -EKEYREJECTED);
        assert_false(changed);
        text[i] ^= (char) (1 << i % 8);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(accepted_serial(), 0);
}

/* In the comment that proves nothing alone may anything change. */
static void every_flipped_byte_of_the_signature_is_refused(void **state)
{
    (void) state;
    const struct offered o = {.key = &key_a};
    AUTO_JSON *params = offer_params(&o);
    AUTO_FREE char *text = xstrdup(json_get_string(params, "signature", ""));
    size_t words = strlen("untrusted comment: "), end = strcspn(text, "\n");
    for (size_t i = 0; text[i]; i++) {
        bool changed = false, is_harmless = i >= words && i < end;
        text[i] ^= 1;
        json_object_set_new(params, "signature", json_string(text));
        int r = host_bundle_accept(params, &changed, NULL);
        assert_int_equal(r, is_harmless ? 0 : -EKEYREJECTED);
        text[i] ^= 1;
        AUTO_FREE char *trust = agent_path(AGENT_TRUST);
        (void) unlink(trust);
    }
}

static void altered_in_the_store_is_refused(void **state)
{
    (void) state;
    const struct offered o = {.key = &key_a};
    AUTO_JSON *params = offer_params(&o);
    AUTO_FREE char *path = blob_path(json_get_string(params, "manifest", ""));
    bool changed = false;
    struct error err = ERROR_INIT;
    assert_int_equal(file_write_atomic(path, "{}", 2, 0600, NULL), 0);
    assert_int_equal(host_bundle_accept(params, &changed, &err), -EBADMSG);
    assert_error_has(err, "altered");
}

/* Damage must never read as "trusts nobody yet", which would let anybody in. */
static void every_flipped_byte_of_the_trust_is_an_error(void **state)
{
    (void) state;
    const struct offered other = {.key = &key_b, .serial = 2};
    must_accept((struct offered){.key = &key_a});
    AUTO_JSON *params = offer_params(&other);
    AUTO_FREE char *path = agent_path(AGENT_TRUST);
    STRBUF(text, 65536);
    assert_int_equal(file_read(path, &text, NULL), 0);
    for (size_t i = 0; i < text.len; i++) {
        struct error err = ERROR_INIT;
        CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
        bool changed = false;
        text.data[i] ^= (char) (1 << i % 8);
        assert_int_equal(file_write_atomic(path, text.data, text.len, 0600, NULL), 0);
        assert_int_equal(host_bundle_accept(params, &changed, &err), -EBADMSG);
        assert_error_has(err, "damaged");
        assert_true(err.remedy[0]);
        assert_int_equal(host_bundle_load(&b, NULL), -EBADMSG);
        AUTO_JSON *facts = host_bundle_facts();
        assert_non_null(json_get_string(facts, "damaged", NULL));
        text.data[i] ^= (char) (1 << i % 8);
    }
    assert_int_equal(file_write_atomic(path, text.data, 0, 0600, NULL), 0);
    assert_int_equal(offer_accept(&other, NULL), -EBADMSG);
}

/* Cut between the files, or altered later: the host has no bundle, and still its keys. */
static void a_half_written_bundle_is_none(void **state)
{
    (void) state;
    must_accept((struct offered){.key = &key_a});
    AUTO_FREE char *path = agent_path(AGENT_BUNDLE_DIR "/" BUNDLE_MANIFEST);
    assert_int_equal(file_write_atomic(path, "{}", 2, 0600, NULL), 0);
    assert_int_equal(accepted_serial(), 0);
    AUTO_JSON *facts = host_bundle_facts();
    assert_true(json_is_null(json_object_get(facts, "manifest")));
    assert_int_equal(json_array_size(json_object_get(facts, "keys")), 1);
    must_refuse((struct offered){.key = &key_b}, -EKEYREJECTED, "not trusted");
    must_accept((struct offered){.key = &key_a});
    assert_int_equal(accepted_serial(), 1);
}

static void only_listed_blobs_are_used(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    STRV(one);
    STRV(both);
    strv_add(&one, D_A);
    strv_add(&both, D_A);
    strv_add(&both, D_B);
    assert_int_equal(host_bundle_need(&one, &err), -EKEYREJECTED);
    offer_blob(D_A);
    assert_int_equal(host_bundle_need(&one, &err), 0);
    assert_int_equal(host_bundle_need(&both, &err), -EKEYREJECTED);
    assert_error_has(err, D_B);
}

static void only_listed_blobs_are_put(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    assert_int_equal(host_bundle_may_put(D_A, BUNDLE_MANIFEST_MAX, &err), 0);
    assert_int_equal(host_bundle_may_put(D_A, BUNDLE_MANIFEST_MAX + 1, &err), -EKEYREJECTED);
    offer_blob(D_A);
    assert_int_equal(host_bundle_may_put(D_A, OFFER_SIZE, &err), 0);
    assert_int_equal(host_bundle_may_put(D_A, OFFER_SIZE + 1, &err), -EBADMSG);
    assert_int_equal(host_bundle_may_put(D_B, BUNDLE_MANIFEST_MAX, &err), 0);
    assert_int_equal(host_bundle_may_put(D_B, BUNDLE_MANIFEST_MAX + 1, &err), -EKEYREJECTED);
}

static void accept_with(const char *digest, int64_t serial)
{
    const char *const digests[] = {digest, NULL};
    must_accept((struct offered){.key = &key_a, .serial = serial, .digests = digests});
}

static void put_blob(const char *digest)
{
    AUTO_FREE char *path = blob_path(digest);
    assert_int_equal(file_write_atomic(path, "12345", OFFER_SIZE, 0600, NULL), 0);
}

static bool is_there(const char *digest)
{
    AUTO_FREE char *path = blob_path(digest);
    return access(path, F_OK) == 0;
}

/* What a patch of the newest begins from stays; what is older goes. */
static void blobs_of_old_bundles_go(void **state)
{
    (void) state;
    AUTO_FREE char *part = agent_path(AGENT_BLOB_DIR "/" HEX_C ".chunks");
    put_blob("sha256:" HEX_C); /* of nobody */
    assert_int_equal(file_write_atomic(part, "x", 1, 0600, NULL), 0);
    accept_with(D_A, 1);
    assert_false(is_there("sha256:" HEX_C));
    assert_int_equal(access(part, F_OK), 0);
    put_blob(D_A);
    accept_with(D_B, 2);
    put_blob(D_B);
    assert_true(is_there(D_A));
    accept_with(D_B, 2); /* again: nothing new */
    assert_true(is_there(D_A));
    accept_with("sha256:" HEX_C, 3);
    assert_false(is_there(D_A));
    assert_true(is_there(D_B));
}

static void a_refused_bundle_removes_nothing(void **state)
{
    (void) state;
    accept_with(D_A, 2);
    put_blob(D_A);
    accept_with(D_B, 3);
    must_refuse((struct offered){.key = &key_b, .serial = 4}, -EKEYREJECTED, "not trusted");
    assert_true(is_there(D_A));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        host_test(accepts_and_remembers),
        host_test(a_new_host_has_accepted_nothing),
        host_test(blobs_of_old_bundles_go),
        host_test(a_refused_bundle_removes_nothing),
        host_test(the_same_again_changes_nothing),
        host_test(another_key_is_refused),
        host_test(an_offer_by_a_key_it_does_not_name_is_refused),
        host_test(an_unsigned_one_is_refused),
        host_test(insecure_is_for_hosts_without_a_key),
        host_test(the_same_bundle_pins_once_it_is_signed),
        host_test(the_next_key_takes_over),
        host_test(the_newest_bundle_says_who_follows),
        host_test(an_older_serial_is_refused_unless_named),
        host_test(another_product_is_refused),
        host_test(another_architecture_is_refused),
        host_test(malformed_offers_are_refused),
        host_test(signed_nonsense_is_refused),
        host_test(every_flipped_byte_of_the_manifest_is_refused),
        host_test(every_flipped_byte_of_the_signature_is_refused),
        host_test(altered_in_the_store_is_refused),
        host_test(every_flipped_byte_of_the_trust_is_an_error),
        host_test(a_half_written_bundle_is_none),
        host_test(only_listed_blobs_are_used),
        host_test(only_listed_blobs_are_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
