#include "images/key-file.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* Made by minisign 0.11 (-G -W). */
static const char minisign_public[] = "untrusted comment: minisign public key C67A835868351391\n"
                                      "RWSREzVoWIN6xgasjE/UECCS7PTxBs/EfsI4ELOEa7ccFaIOF/2TR6aL\n";
static const char minisign_secret[] =
    "untrusted comment: minisign encrypted secret key\n"
    "RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAkRM1aFiDesbFjtvBQqicXq"
    "jkK9FVj9Yt7l0UQf3H+Nvn6ExN8eyu/QasjE/UECCS7PTxBs/EfsI4ELOEa7ccFaIOF/"
    "2TR6aLAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
/* The same with the password "pass word" and low costs; minisign signs with it. */
static const char minisign_encrypted[] =
    "untrusted comment: minisign encrypted secret key\n"
    "RWRTY0IyAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8AgAAAAAAAAAAAEAAAAAAAE55mPJ9i8PXTtpIOWp4T+"
    "IrvVC++wuHK6FJt4SYrGcHt0qGP82neb/"
    "HP6ozeeCeVUHIC2EHjjo3PKfpU8K2zanTqtHEILEPiSIJyILtwOqCqstf4f98VVpzS22I3hmyrn9X/Yet90Ao=\n";
#define ID "C67A835868351391"

static int answer(void *userdata, struct strbuf *password, struct error *err)
{
    (void) err;
    return userdata ? strbuf_adds(password, userdata) : -ECANCELED;
}

static void reads_minisigns_public_key(void **state)
{
    (void) state;
    struct public_key key;
    char id[KEY_ID_TEXT];
    struct error err = ERROR_INIT;
    assert_int_equal(public_key_parse(minisign_public, strlen(minisign_public), &key, &err), 0);
    key_id_text(key.id, id);
    assert_string_equal(id, ID);
    STRBUF(text, KEY_FILE_MAX);
    public_key_format(&key, &text);
    assert_string_equal(text.data, minisign_public);
}

static void reads_minisigns_secret_key(void **state)
{
    (void) state;
    AUTO_SECRET_KEY key;
    struct public_key expected;
    struct error err = ERROR_INIT;
    assert_int_equal(
        secret_key_parse(minisign_secret, strlen(minisign_secret), NULL, NULL, &key, &err), 0);
    public_key_parse(minisign_public, strlen(minisign_public), &expected, NULL);
    assert_memory_equal(&key.public_key, &expected, sizeof(expected));
    STRBUF(text, KEY_FILE_MAX);
    secret_key_format(&key, &text);
    assert_string_equal(strchr(text.data, '\n'), strchr(minisign_secret, '\n'));
}

static void decrypts_with_the_password(void **state)
{
    (void) state;
    static const char *const wrong[] = {"pass wore", "", "pass word "};
    AUTO_SECRET_KEY key;
    AUTO_SECRET_KEY open;
    struct error err = ERROR_INIT;
    const char *text = minisign_encrypted;
    size_t len = strlen(text);
    assert_int_equal(secret_key_parse(text, len, answer, "pass word", &key, &err), 0);
    secret_key_parse(minisign_secret, strlen(minisign_secret), NULL, NULL, &open, NULL);
    assert_memory_equal(&key, &open, sizeof(key));
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(secret_key_parse(text, len, answer, (void *) wrong[i], &key, &err),
                         -EACCES);
    assert_string_equal(err.text, "wrong password");
    assert_int_equal(secret_key_parse(text, len, answer, NULL, &key, &err), -ECANCELED);
    assert_int_equal(secret_key_parse(text, len, NULL, NULL, &key, &err), -ENOTTY);
}

/* Costs of 2^64 in a key file end at once, not with the machine's memory. */
static void refuses_endless_costs(void **state)
{
    (void) state;
    AUTO_SECRET_KEY key;
    struct error err = ERROR_INIT;
    STRBUF(text, KEY_FILE_MAX);
    strbuf_adds(&text, minisign_encrypted);
    /* The bytes 38 to 53 of what base64 stands for. */
    memset(strchr(text.data, '\n') + 1 + 52, '/', 20);
    assert_int_equal(secret_key_parse(text.data, text.len, answer, "x", &key, &err), -E2BIG);
}

static void refuses_every_flipped_byte(void **state)
{
    (void) state;
    size_t len = strlen(minisign_secret), from = strlen("untrusted comment: ");
    size_t body = (size_t) (strchr(minisign_secret, '\n') - minisign_secret);
    size_t refused = 0;
    for (size_t i = 0; i + 1 < len; i++) {
        AUTO_SECRET_KEY key;
        AUTO_FREE char *text = xstrdup(minisign_secret);
        text[i] ^= 1;
        int r = secret_key_parse(text, len, NULL, NULL, &key, NULL);
        refused += r < 0;
        if (i < from || i == body)
            assert_true(r < 0);
    }
    /* What is left: the comment, the salt and limits without a password, the id, the checksum. */
    assert_true(refused > from + 88);
}

static void refuses_every_cut(void **state)
{
    (void) state;
    struct public_key public_key;
    AUTO_SECRET_KEY key;
    for (size_t len = 0; len + 1 < strlen(minisign_public); len++)
        assert_int_equal(public_key_parse(minisign_public, len, &public_key, NULL), -EBADMSG);
    for (size_t len = 0; len + 1 < strlen(minisign_secret); len++)
        assert_int_equal(secret_key_parse(minisign_secret, len, NULL, NULL, &key, NULL), -EBADMSG);
}

/* One half of one key, one of another: signing with that would give the seed away elsewhere. */
static void refuses_halves_that_do_not_fit(void **state)
{
    (void) state;
    AUTO_SECRET_KEY key;
    AUTO_SECRET_KEY again;
    struct error err = ERROR_INIT;
    secret_key_generate(&key);
    key.public_key.key[31] ^= 0x40;
    STRBUF(text, KEY_FILE_MAX);
    secret_key_format(&key, &text);
    assert_int_equal(secret_key_parse(text.data, text.len, NULL, NULL, &again, &err), -EBADMSG);
    assert_error_has(err, "damaged");
}

static void tells_the_two_kinds_apart(void **state)
{
    (void) state;
    struct public_key public_key;
    AUTO_SECRET_KEY key;
    struct error err = ERROR_INIT;
    assert_true(public_key_parse(minisign_secret, strlen(minisign_secret), &public_key, &err) < 0);
    assert_error_has(err, "NAME.pub");
    assert_true(secret_key_parse(minisign_public, strlen(minisign_public), NULL, NULL, &key, &err) <
                0);
    assert_error_has(err, "NAME.key");
}

static int save(const char *dir, const char *name)
{
    AUTO_FREE char *path = path_join(dir, name);
    AUTO_SECRET_KEY key;
    secret_key_generate(&key);
    return secret_key_save(&key, path, NULL);
}

static void saves_and_loads(void **state)
{
    AUTO_FREE char *name = path_join(*state, "k");
    AUTO_FREE char *path = path_join(*state, "k.key");
    AUTO_SECRET_KEY key;
    AUTO_SECRET_KEY again;
    bool exposed = true;
    struct stat st;
    secret_key_generate(&key);
    assert_int_equal(secret_key_save(&key, name, NULL), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(secret_key_load(path, NULL, NULL, &again, &exposed, NULL), 0);
    assert_false(exposed);
    assert_memory_equal(&key, &again, sizeof(key));
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(secret_key_load(path, NULL, NULL, &again, &exposed, NULL), 0);
    assert_true(exposed);
}

static void never_overwrites(void **state)
{
    AUTO_FREE char *path = path_join(*state, "k.key");
    AUTO_FREE char *public_path = path_join(*state, "k.pub");
    assert_int_equal(file_write_new(public_path, "mine", 4, 0644, NULL), 0);
    assert_int_equal(save(*state, "k"), -EEXIST);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(file_is(public_path, "mine", 4, 0644), 1);
    assert_int_equal(unlink(public_path), 0);
    assert_int_equal(file_write_new(path, "mine", 4, 0600, NULL), 0);
    assert_int_equal(save(*state, "k"), -EEXIST);
    assert_int_equal(access(public_path, F_OK), -1);
    assert_int_equal(file_is(path, "mine", 4, 0600), 1);
}

static void a_public_key_is_one_word(void **state)
{
    (void) state;
    struct public_key key, again;
    char text[PUBLIC_KEY_TEXT];
    const char *word = strchr(minisign_public, '\n') + 1;
    public_key_parse(minisign_public, strlen(minisign_public), &key, NULL);
    public_key_text(&key, text);
    assert_memory_equal(text, word, strlen(text));
    assert_int_equal(strlen(text), strlen(word) - 1);
    assert_true(public_key_from_text(text, &again));
    assert_memory_equal(&key, &again, sizeof(key));
}

static void what_is_no_public_key_is_refused(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "",
        "RW",
        "RWSREzVoWIN6xgasjE/UECCS7PTxBs/EfsI4ELOEa7ccFaIOF/2TR6a",
        "RWSREzVoWIN6xgasjE/UECCS7PTxBs/EfsI4ELOEa7ccFaIOF/2TR6aL\n",
        "RWSREzVoWIN6xgasjE/UECCS7PTxBs/EfsI4ELOEa7ccFaIOF/2TR6aLAAAA",
        "SWSREzVoWIN6xgasjE/UECCS7PTxBs/EfsI4ELOEa7ccFaIOF/2TR6aL",
        "RVSREzVoWIN6xgasjE/UECCS7PTxBs/EfsI4ELOEa7ccFaIOF/2TR6aL",
    };
    struct public_key key;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(public_key_from_text(bad[i], &key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_minisigns_public_key),
        cmocka_unit_test(reads_minisigns_secret_key),
        cmocka_unit_test(decrypts_with_the_password),
        cmocka_unit_test(refuses_endless_costs),
        cmocka_unit_test(refuses_every_flipped_byte),
        cmocka_unit_test(refuses_every_cut),
        cmocka_unit_test(refuses_halves_that_do_not_fit),
        cmocka_unit_test(tells_the_two_kinds_apart),
        cmocka_folder_test(saves_and_loads),
        cmocka_folder_test(never_overwrites),
        cmocka_unit_test(a_public_key_is_one_word),
        cmocka_unit_test(what_is_no_public_key_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
