#include "coordinator/named-keys.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>

static struct public_key write_key(const char *dir, const char *name)
{
    AUTO_SECRET_KEY key;
    AUTO_FREE char *path = path_join(dir, name);
    AUTO_FREE char *parent = path_dirname(path);
    STRBUF(text, KEY_FILE_MAX);
    secret_key_generate(&key);
    public_key_format(&key.public_key, &text);
    assert_int_equal(path_mkdir_p(parent, 0700, NULL), 0);
    assert_int_equal(file_write_new(path, text.data, text.len, 0644, NULL), 0);
    return key.public_key;
}

static int config_setup(void **state)
{
    int r = folder_setup(state);
    return r < 0 ? r : setenv("XDG_CONFIG_HOME", *state, 1);
}

static int config_teardown(void **state)
{
    unsetenv("XDG_CONFIG_HOME");
    return folder_teardown(state);
}
#define config_test(f) cmocka_unit_test_setup_teardown(f, config_setup, config_teardown)

static void all_of_them_add_up(void **state)
{
    AUTO_TRUSTED_KEYS keys = {0};
    STRV(options);
    struct inventory inv = {.path = "hosts.yaml"};
    char word[PUBLIC_KEY_TEXT];
    struct public_key expected[] = {write_key(*state, "option.pub"), write_key(*state, "file.pub"),
                                    write_key(*state, "word.pub"),
                                    write_key(*state, "bigtop-bootstrap/trusted/a.pub"),
                                    write_key(*state, "bigtop-bootstrap/trusted/b.pub")};
    (void) write_key(*state, "bigtop-bootstrap/trusted/.hidden.pub");
    (void) write_key(*state, "bigtop-bootstrap/trusted/c.key");
    strv_addf(&options, "%s/option.pub", (char *) *state);
    strv_addf(&inv.bundle_keys, "%s/file.pub", (char *) *state);
    public_key_text(&expected[2], word);
    strv_add(&inv.bundle_keys, word);
    assert_int_equal(named_keys_load(&inv, &options, &keys, NULL), 0);
    assert_int_equal(keys.count, 5);
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
        assert_true(trusted_keys_have(&keys, &expected[i]));
    strv_release(&inv.bundle_keys);
}

static void none_is_no_error(void **state)
{
    (void) state;
    AUTO_TRUSTED_KEYS keys = {0};
    const struct strv options = STRV_INIT;
    const struct inventory inv = {.path = "hosts.yaml"};
    assert_int_equal(named_keys_load(&inv, &options, &keys, NULL), 0);
    assert_int_equal(keys.count, 0);
}

static void what_cannot_be_read_is_named(void **state)
{
    AUTO_TRUSTED_KEYS keys = {0};
    STRV(options);
    struct inventory inv = {.path = "hosts.yaml"};
    struct error err = ERROR_INIT;
    strv_add(&inv.bundle_keys, "/nowhere/x.pub");
    assert_int_equal(named_keys_load(&inv, &options, &keys, &err), -ENOENT);
    assert_error_has(err, "bundle_keys of hosts.yaml");
    assert_error_has(err, "/nowhere/x.pub");
    strv_release(&inv.bundle_keys);
    strv_add(&options, "/nowhere/y.pub");
    assert_int_equal(named_keys_load(&inv, &options, &keys, &err), -ENOENT);
    assert_error_has(err, "/nowhere/y.pub");
    strv_release(&options);
    AUTO_FREE char *broken = path_join(*state, "bigtop-bootstrap/trusted/x.pub");
    (void) write_key(*state, "bigtop-bootstrap/trusted/ok.pub");
    assert_int_equal(file_write_new(broken, "x\n", 2, 0644, NULL), 0);
    assert_int_equal(named_keys_load(&inv, &options, &keys, &err), -EBADMSG);
    assert_error_has(err, broken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        config_test(all_of_them_add_up),
        config_test(none_is_no_error),
        config_test(what_cannot_be_read_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
