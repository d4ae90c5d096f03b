#include "tests/unit/unit.h"

#include "iso/site.h"

#include <errno.h>

#define BLOB "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"

static void expect_bad(const char *text, size_t len)
{
    char *line = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(iso_ssh_key(text, len, &line, &err), -EINVAL);
    assert_null(line);
}

static void test_good_keys(void **state)
{
    (void) state;
    static const char *const good[] = {"ssh-ed25519 " BLOB, "ssh-ed25519 " BLOB "\n",
                                       "ssh-ed25519 " BLOB " ops@rack of room 4\n"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        AUTO_FREE char *line = NULL;
        assert_int_equal(iso_ssh_key(good[i], strlen(good[i]), &line, NULL), 0);
        assert_null(strchr(line, '\n'));
        assert_int_equal(strncmp(line, good[i], strlen(line)), 0);
    }
}

static void test_bad_keys(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "",
        "\n",
        "ssh-ed25519",
        "ssh-ed25519 !!!",
        "ssh-rsa " BLOB, /* of another type than it says */
        "command=\"sh\" ssh-ed25519 " BLOB,
        "ssh-ed25519 " BLOB "\nssh-ed25519 " BLOB "\n",
        "ssh-ed25519 AAAA",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXkt\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        expect_bad(bad[i], strlen(bad[i]));
    expect_bad("ssh-ed25519 " BLOB "\0x", strlen("ssh-ed25519 " BLOB) + 2);
}

static void test_private_key_is_named(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    char *line = NULL;
    static const char text[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
    (void) iso_ssh_key(text, strlen(text), &line, &err);
    assert_error_has(err, "private key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_keys),
        cmocka_unit_test(test_bad_keys),
        cmocka_unit_test(test_private_key_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
