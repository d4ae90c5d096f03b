#include "images/signature.h"
#include "tests/unit/unit.h"

#include <errno.h>

/* Made by minisign 0.11: a key, and its signatures of "hello\n". */
static const char minisign_public[] = "untrusted comment: minisign public key C67A835868351391\n"
                                      "RWSREzVoWIN6xgasjE/UECCS7PTxBs/EfsI4ELOEa7ccFaIOF/2TR6aL\n";
static const char minisign_signature[] =
    "untrusted comment: signature from minisign secret key\n"
    "RUSREzVoWIN6xocOIKjp6Fe5NzVjVOHxrCjO+0VM/"
    "DBF9lHgDnMQb0wxsKpw9DdB6RlxSCjIS88Qw+xeDQDkCEgJ4T8fTDKRPAo=\n"
    "trusted comment: tc\n"
    "4i3OpgskXmVKi7S4QSy2YLzeBlPfgtej1ZV7Rt+otpofrmxy0hXQE+RAdZVuqVp5awNXAZ+zN7qEKw+qL9dVDQ==\n";
static const char minisign_legacy[] = /* -l */
    "untrusted comment: signature from minisign secret key\n"
    "RWSREzVoWIN6xkKsYzb3WmSIVR+"
    "YyVGoVtBubkJXU7NUJizYZ6IGF5xPXpBcND8WsPoJGQ29g4lAFjPzwkazW1Vi1vf4O4+u8Q8=\n"
    "trusted comment: timestamp:1795291543\tfile:f\n"
    "cSDSyVadkApiuOytDyqjWk6hjEqta/7vry9DjvcCJvMLApAUFkh+SUV99gFv9AM3Ze1k/TmeeMSxfgIDz/BWDg==\n";
#define ID "C67A835868351391"
#define DATA "hello\n"
#define DATA_LEN 6

struct pair {
    struct secret_key secret;
    struct trusted_keys trusted;
};

static void pair_release(struct pair *p)
{
    trusted_keys_release(&p->trusted);
    secret_key_wipe(&p->secret);
}
#define AUTO_PAIR CLEANUP(pair_release) struct pair

static void trust(struct trusted_keys *trusted, const struct public_key *key)
{
    trusted->keys = xrealloc(trusted->keys, trusted->count + 1, sizeof(*trusted->keys));
    trusted->keys[trusted->count++] = *key;
}

static struct pair make_pair(void)
{
    struct pair p = {0};
    secret_key_generate(&p.secret);
    trust(&p.trusted, &p.secret.public_key);
    return p;
}

static struct trusted_keys minisigns_key(void)
{
    struct public_key key;
    struct trusted_keys trusted = {0};
    assert_int_equal(public_key_parse(minisign_public, strlen(minisign_public), &key, NULL), 0);
    trust(&trusted, &key);
    return trusted;
}

static int check(const char *text, size_t len, const struct trusted_keys *trusted,
                 struct error *err)
{
    return signature_check(text, len, DATA, DATA_LEN, trusted, NULL, err);
}

static void accepts_minisigns(void **state)
{
    (void) state;
    CLEANUP(trusted_keys_release) struct trusted_keys trusted = minisigns_key();
    CLEANUP(signature_release) struct signature s = {0};
    struct error err = ERROR_INIT;
    assert_int_equal(signature_check(minisign_signature, strlen(minisign_signature), DATA, DATA_LEN,
                                     &trusted, &s, &err),
                     0);
    assert_string_equal(s.key_id, ID);
    assert_string_equal(s.comment, "tc");
}

static void refuses_the_older_form(void **state)
{
    (void) state;
    CLEANUP(trusted_keys_release) struct trusted_keys trusted = minisigns_key();
    struct error err = ERROR_INIT;
    assert_int_equal(check(minisign_legacy, strlen(minisign_legacy), &trusted, &err),
                     -EKEYREJECTED);
    assert_error_has(err, "older form");
}

static void signs_what_it_accepts(void **state)
{
    (void) state;
    AUTO_PAIR pair = make_pair();
    CLEANUP(signature_release) struct signature s = {0};
    STRBUF(text, SIGNATURE_MAX);
    struct error err = ERROR_INIT;
    assert_int_equal(signature_make(&pair.secret, DATA, DATA_LEN, "a\tb:\x1b\tc", &text, &err), 0);
    assert_int_equal(signature_check(text.data, text.len, DATA, DATA_LEN, &pair.trusted, &s, &err),
                     0);
    assert_string_equal(s.comment, "a, b:\\x1b, c");
    assert_int_equal(signature_make(&pair.secret, DATA, DATA_LEN, "a\nb", &text, &err), -EINVAL);
}

/* Everything but the words of the untrusted comment is held. */
static void refuses_every_flipped_bit(void **state)
{
    (void) state;
    CLEANUP(trusted_keys_release) struct trusted_keys trusted = minisigns_key();
    const char *text = minisign_signature;
    size_t len = strlen(text), words = strlen("untrusted comment: ");
    size_t end = (size_t) (strchr(text, '\n') - text);
    for (size_t i = 0; i < 8 * len; i++) {
        AUTO_FREE char *copy = xstrdup(text);
        copy[i / 8] ^= (char) (1 << i % 8);
        int r = check(copy, len, &trusted, NULL);
        bool harmless = i / 8 >= words && i / 8 < end && copy[i / 8] != '\n';
        if (r != (harmless ? 0 : -EKEYREJECTED))
            fail_msg("bit %zu of byte %zu: %d", i % 8, i / 8, r);
    }
}

static void refuses_every_cut(void **state)
{
    (void) state;
    CLEANUP(trusted_keys_release) struct trusted_keys trusted = minisigns_key();
    size_t len = strlen(minisign_signature);
    for (size_t i = 0; i + 1 < len; i++)
        assert_int_equal(check(minisign_signature, i, &trusted, NULL), -EKEYREJECTED);
    /* Nothing but the last newline is missing. */
    assert_int_equal(check(minisign_signature, len - 1, &trusted, NULL), 0);
    AUTO_FREE char *longer = xasprintf("%s\n", minisign_signature);
    assert_int_equal(check(longer, len + 1, &trusted, NULL), -EKEYREJECTED);
}

static void refuses_altered_data(void **state)
{
    (void) state;
    CLEANUP(trusted_keys_release) struct trusted_keys trusted = minisigns_key();
    struct error err = ERROR_INIT;
    static const char *const altered[] = {"", "hello", "hello\n\n", "Hello\n"};
    for (size_t i = 0; i < ARRAY_SIZE(altered); i++)
        assert_int_equal(signature_check(minisign_signature, strlen(minisign_signature), altered[i],
                                         strlen(altered[i]), &trusted, NULL, &err),
                         -EKEYREJECTED);
    assert_error_has(err, "altered");
}

static char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    assert_non_null(at);
    return xasprintf("%.*s%s%s", (int) (at - text), text, to, at + strlen(from));
}

static void tells_the_comments_apart(void **state)
{
    (void) state;
    CLEANUP(trusted_keys_release) struct trusted_keys trusted = minisigns_key();
    struct error err = ERROR_INIT;
    AUTO_FREE char *harmless = replaced(minisign_signature, "signature from", "anything from");
    AUTO_FREE char *empty = replaced(minisign_signature, "signature from minisign secret key", "");
    AUTO_FREE char *caught = replaced(minisign_signature, "\ntrusted comment: tc",
                                      "\ntrusted comment: tcp");
    assert_int_equal(check(harmless, strlen(harmless), &trusted, &err), 0);
    assert_int_equal(check(empty, strlen(empty), &trusted, &err), 0);
    assert_int_equal(check(caught, strlen(caught), &trusted, &err), -EKEYREJECTED);
    assert_error_has(err, "trusted comment");
}

static void names_the_key_that_is_not_trusted(void **state)
{
    (void) state;
    AUTO_PAIR other = make_pair();
    struct error err = ERROR_INIT;
    char id[KEY_ID_TEXT];
    key_id_text(other.secret.public_key.id, id);
    const struct trusted_keys none = {0};
    assert_int_equal(check(minisign_signature, strlen(minisign_signature), &none, &err),
                     -EKEYREJECTED);
    err = ERROR_INIT;
    assert_int_equal(check(minisign_signature, strlen(minisign_signature), &other.trusted, &err),
                     -EKEYREJECTED);
    assert_error_has(err, ID);
    assert_non_null(strstr(err.remedy, id));
}

/* Another key under the same id: it is not the id that is believed. */
static void believes_keys_and_not_ids(void **state)
{
    (void) state;
    AUTO_PAIR other = make_pair();
    CLEANUP(trusted_keys_release) struct trusted_keys trusted = minisigns_key();
    memcpy(other.trusted.keys[0].id, trusted.keys[0].id, KEY_ID_LEN);
    assert_int_equal(check(minisign_signature, strlen(minisign_signature), &other.trusted, NULL),
                     -EKEYREJECTED);
    trust(&other.trusted, &trusted.keys[0]);
    assert_int_equal(check(minisign_signature, strlen(minisign_signature), &other.trusted, NULL),
                     0);
}

/* Rotation: the next key is trusted beside the present one. */
static void accepts_any_of_several_keys(void **state)
{
    (void) state;
    AUTO_PAIR present = make_pair();
    AUTO_PAIR next = make_pair();
    trust(&present.trusted, &next.secret.public_key);
    const struct secret_key *keys[] = {&present.secret, &next.secret};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        STRBUF(text, SIGNATURE_MAX);
        assert_int_equal(signature_make(keys[i], DATA, DATA_LEN, "", &text, NULL), 0);
        assert_int_equal(check(text.data, text.len, &present.trusted, NULL), 0);
    }
}

static void refuses_other_texts(void **state)
{
    (void) state;
    CLEANUP(trusted_keys_release) struct trusted_keys trusted = minisigns_key();
    static const char *const texts[] = {"", "\n\n\n\n", "untrusted comment: a\n", minisign_public};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_int_equal(check(texts[i], strlen(texts[i]), &trusted, NULL), -EKEYREJECTED);
    AUTO_FREE char *windows = replaced(minisign_signature, "tc\n", "tc\r\n");
    assert_int_equal(check(windows, strlen(windows), &trusted, NULL), -EKEYREJECTED);
    AUTO_FREE char *huge = xcalloc(1, SIGNATURE_MAX + 1);
    memset(huge, '\n', SIGNATURE_MAX + 1);
    assert_int_equal(check(huge, SIGNATURE_MAX + 1, &trusted, NULL), -EKEYREJECTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_minisigns),
        cmocka_unit_test(refuses_the_older_form),
        cmocka_unit_test(signs_what_it_accepts),
        cmocka_unit_test(refuses_every_flipped_bit),
        cmocka_unit_test(refuses_every_cut),
        cmocka_unit_test(refuses_altered_data),
        cmocka_unit_test(tells_the_comments_apart),
        cmocka_unit_test(names_the_key_that_is_not_trusted),
        cmocka_unit_test(believes_keys_and_not_ids),
        cmocka_unit_test(accepts_any_of_several_keys),
        cmocka_unit_test(refuses_other_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
