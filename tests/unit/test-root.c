#include "tests/unit/unit.h"

#include "iso/root.h"

#include <errno.h>

static void test_list(void **state)
{
    (void) state;
    STRV(names);
    assert_int_equal(iso_root_packages("# why\nbash\n\nlinux-image-amd64\n", &names, NULL), 0);
    assert_int_equal(names.count, 2);
    assert_string_equal(names.items[1], "linux-image-amd64");
}

static void test_bad_lists(void **state)
{
    (void) state;
    static const char *const bad[] = {"", "# nothing\n", "bash coreutils\n", "-oDir=/\n", "Bash\n"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        STRV(names);
        struct error err = ERROR_INIT;
        assert_int_equal(iso_root_packages(bad[i], &names, &err), -EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_bad_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
