#include "images/trusted-keys.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>

static struct public_key new_key(void)
{
    AUTO_SECRET_KEY key;
    secret_key_generate(&key);
    return key.public_key;
}

static void reads_a_public_key_once(void **state)
{
    AUTO_FREE char *path = path_join(*state, "k.pub");
    AUTO_TRUSTED_KEYS trusted = {0};
    struct public_key key = new_key();
    STRBUF(text, KEY_FILE_MAX);
    public_key_format(&key, &text);
    assert_int_equal(file_write_new(path, text.data, text.len, 0644, NULL), 0);
    assert_int_equal(trusted_keys_load(&trusted, path, NULL), 0);
    assert_int_equal(trusted_keys_load(&trusted, path, NULL), 0);
    assert_int_equal(trusted.count, 1);
    assert_memory_equal(&trusted.keys[0], &key, sizeof(key));
}

static void names_the_file_that_is_wrong(void **state)
{
    AUTO_FREE char *path = path_join(*state, "k.pub");
    AUTO_TRUSTED_KEYS trusted = {0};
    struct error err = ERROR_INIT;
    assert_int_equal(trusted_keys_load(&trusted, path, &err), -ENOENT);
    assert_error_has(err, path);
    assert_int_equal(file_write_new(path, "nonsense\n", 9, 0644, NULL), 0);
    assert_int_equal(trusted_keys_load(&trusted, path, &err), -EBADMSG);
    assert_error_has(err, path);
    assert_int_equal(trusted_keys_load(&trusted, "/dev/zero", &err), -E2BIG);
    assert_int_equal(trusted.count, 0);
}

/* Two keys may call themselves the same: the id proves nothing. */
static void an_id_is_not_a_key(void **state)
{
    (void) state;
    AUTO_TRUSTED_KEYS trusted = {0};
    struct public_key key = new_key(), other = new_key();
    memcpy(other.id, key.id, sizeof(key.id));
    trusted_keys_add(&trusted, &key);
    assert_false(trusted_keys_have(&trusted, &other));
    trusted_keys_add(&trusted, &other);
    assert_int_equal(trusted.count, 2);
}

static void travels_as_a_list(void **state)
{
    (void) state;
    AUTO_TRUSTED_KEYS trusted = {0};
    AUTO_TRUSTED_KEYS again = {0};
    for (int i = 0; i < 3; i++) {
        struct public_key key = new_key();
        trusted_keys_add(&trusted, &key);
    }
    AUTO_JSON *list = trusted_keys_to_json(&trusted);
    assert_int_equal(trusted_keys_from_json(&again, list, NULL), 0);
    assert_int_equal(again.count, 3);
    assert_memory_equal(again.keys, trusted.keys, 3 * sizeof(*again.keys));
}

static void refuses_what_is_no_list_of_keys(void **state)
{
    (void) state;
    AUTO_TRUSTED_KEYS trusted = {0};
    struct error err = ERROR_INIT;
    AUTO_JSON *many = json_array();
    for (int i = 0; i <= TRUSTED_KEYS_MAX; i++)
        json_array_append_new(many, json_string("RW"));
    json_t *const bad[] = {NULL,
                           json_string("RW"),
                           json_pack("[i]", 1),
                           json_pack("[s]", "RWx"),
                           json_pack("{}"),
                           json_incref(many)};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(trusted_keys_from_json(&trusted, bad[i], &err), -EBADMSG);
        json_decref(bad[i]);
    }
    assert_int_equal(trusted.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(reads_a_public_key_once),
        cmocka_folder_test(names_the_file_that_is_wrong),
        cmocka_unit_test(an_id_is_not_a_key),
        cmocka_unit_test(travels_as_a_list),
        cmocka_unit_test(refuses_what_is_no_list_of_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
