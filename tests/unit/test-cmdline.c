#include "tests/unit/unit.h"

#include "iso/cmdline.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/strv.h"

#include <errno.h>

static void test_value(void **state)
{
    (void) state;
    static const struct {
        const char *line, *value; /* NULL: none */
    } cases[] = {
        {"BOOT_IMAGE=/boot/vmlinuz bigtop.slot=A quiet\n", "A"},
        {"bigtop.slot=A", "A"},
        {"bigtop.slot=", ""},
        {"bigtop.slot=A=B", "A=B"},
        {"bigtop.slot=A bigtop.slot=B", "B"},
        {"bigtop.slots=A", NULL},
        {"abigtop.slot=A", NULL},
        {"bigtop.slot", NULL},
        {"quiet\nbigtop.slot=A", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *value = cmdline_value(cases[i].line, "bigtop.slot");
        if (!value != !cases[i].value || (value && strcmp(value, cases[i].value) != 0))
            fail_msg("%s", cases[i].line);
    }
}

static int image_of(const char *path, const char *line, char out[ISO_NUMBER_LEN + 1])
{
    assert_int_equal(file_write_atomic(path, line, strlen(line), 0400, NULL), 0);
    return cmdline_image(path, out, NULL);
}

static void test_image(void **state)
{
    AUTO_FREE char *path = path_join(*state, "cmdline");
    char number[ISO_NUMBER_LEN + 1] = "untouched";
    assert_int_equal(cmdline_image(path, number, NULL), -ENOENT);
    assert_int_equal(image_of(path, "boot=bigtop quiet\n", number), -EBADMSG);
    assert_int_equal(image_of(path, "bigtop.image=0a1b\n", number), -EBADMSG);
    assert_int_equal(image_of(path, "bigtop.image=0123456789abcdeg\n", number), -EBADMSG);
    assert_int_equal(image_of(path, "bigtop.image=0123456789abcdef0\n", number), -EBADMSG);
    assert_string_equal(number, "untouched");
    assert_int_equal(image_of(path, "boot=bigtop bigtop.image=0123456789abcdef quiet\n", number),
                     0);
    assert_string_equal(number, "0123456789abcdef");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_value),
                                       cmocka_folder_test(test_image)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
