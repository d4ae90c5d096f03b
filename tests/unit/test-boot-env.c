#include "tests/unit/unit.h"

#include "iso/boot-env.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/process.h"
#include "lib/strv.h"

#include <errno.h>
#include <unistd.h>

static const struct boot_env fresh = {.slots = {{.filled = true}, {.tries = BOOT_TRIES}},
                                      .first = SLOT_A};

static void block_of(const char *text, char out[BOOT_ENV_SIZE])
{
    memset(out, '#', BOOT_ENV_SIZE);
    memcpy(out, text, strlen(text));
}

static void test_there_and_back(void **state)
{
    (void) state;
    char text[BOOT_ENV_SIZE];
    struct boot_env e = fresh, found;
    e.slots[SLOT_B] = (struct boot_slot){.filled = true, .good = true, .tries = 2};
    e.first = SLOT_B;
    boot_env_format(&e, text);
    assert_int_equal(boot_env_parse(text, &found, NULL), 0);
    assert_memory_equal(&found, &e, sizeof(e));
    boot_env_format(&fresh, text);
    assert_non_null(strstr(text, "ORDER=A B\nA_OK=0\nA_TRY=0\nB_OK=\nB_TRY=3\n#"));
}

static void test_changes(void **state)
{
    (void) state;
    struct boot_env e = fresh;
    boot_env_good(&e, SLOT_A);
    assert_true(e.slots[SLOT_A].good);
    boot_env_begin(&e, SLOT_B); /* being written: whatever happens, A is started */
    assert_int_equal(e.first, SLOT_A);
    assert_false(e.slots[SLOT_B].filled);
    assert_int_equal(e.slots[SLOT_B].tries, BOOT_TRIES);
    boot_env_filled(&e, SLOT_B);
    assert_int_equal(e.first, SLOT_B);
    assert_true(e.slots[SLOT_B].filled && !e.slots[SLOT_B].good);
    assert_int_equal(e.slots[SLOT_B].tries, 0);
    e.slots[SLOT_B].tries = 2;
    boot_env_good(&e, SLOT_B);
    assert_int_equal(e.slots[SLOT_B].tries, 0);
    boot_env_begin(&e, SLOT_A);
    assert_int_equal(e.first, SLOT_B);
}

static void test_refused(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "",
        "ORDER=A B\nA_OK=0\nA_TRY=0\nB_OK=\nB_TRY=3\n",
        "# GRUB Environment Block\nORDER=A B\nA_OK=0\nA_TRY=0\nB_OK=\n",
        "# GRUB Environment Block\nORDER=A\nA_OK=0\nA_TRY=0\nB_OK=\nB_TRY=3\n",
        "# GRUB Environment Block\nORDER=A B\nA_OK=2\nA_TRY=0\nB_OK=\nB_TRY=3\n",
        "# GRUB Environment Block\nORDER=A B\nA_OK=0\nA_TRY=4\nB_OK=\nB_TRY=3\n",
        "# GRUB Environment Block\nORDER=A B\nA_OK=0\nA_TRY=\nB_OK=\nB_TRY=3\n",
        "# GRUB Environment Block\nORDER=A B\nA_OK=0\nA_TRY=0\nB_OK=\nB_TRY=3\nsaved_entry=1\n",
    };
    char text[BOOT_ENV_SIZE];
    struct boot_env found = {.first = 7};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        block_of(bad[i], text);
        if (boot_env_parse(text, &found, NULL) != -EBADMSG)
            fail_msg("%s", bad[i]);
    }
    memset(text, 0, sizeof(text));
    assert_int_equal(boot_env_parse(text, &found, NULL), -EBADMSG);
    assert_int_equal(found.first, 7);
}

static void test_file(void **state)
{
    (void) state;
    char dir[] = "/tmp/test-boot-env-XXXXXX";
    assert_non_null(mkdtemp(dir));
    AUTO_FREE char *path = path_join(dir, "grubenv");
    struct boot_env e = fresh, found;
    assert_int_equal(boot_env_read(path, &found, NULL), -ENOENT);
    assert_int_equal(boot_env_write(path, &e, NULL), 0);
    boot_env_good(&e, SLOT_A);
    assert_int_equal(boot_env_write(path, &e, NULL), 0);
    assert_int_equal(boot_env_read(path, &found, NULL), 0);
    assert_memory_equal(&found, &e, sizeof(e));
    /* GRUB's own program takes it, and we what it writes. */
    if (process_in_path("grub-editenv")) {
        const char *const set[] = {"grub-editenv", path, "set", "A_TRY=2", NULL};
        assert_int_equal(process_run(set, NULL, NULL, NULL), 0);
        assert_int_equal(boot_env_read(path, &found, NULL), 0);
        assert_int_equal(found.slots[SLOT_A].tries, 2);
        assert_true(found.slots[SLOT_A].good);
    }
    assert_int_equal(truncate(path, 512), 0);
    assert_int_equal(boot_env_read(path, &found, NULL), -EBADMSG);
    assert_int_equal(path_remove_tree(dir, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
