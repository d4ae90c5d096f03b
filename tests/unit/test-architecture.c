#include "tests/unit/unit.h"

#include "lib/architecture.h"
#include "lib/fd.h"

#include <errno.h>
#include <string.h>

static void test_names(void **state)
{
    (void) state;
    assert_string_equal(architecture_of_machine("x86_64"), "amd64");
    assert_string_equal(architecture_of_machine("aarch64"), "arm64");
    assert_string_equal(architecture_of_machine("riscv64"), "riscv64");
    assert_string_equal(architecture_machine("amd64"), "x86_64");
    assert_string_equal(architecture_machine("arm64"), "aarch64");
    assert_string_equal(architecture_machine("riscv64"), "riscv64");
}

static void test_own_program(void **state)
{
    (void) state;
    const char *found = NULL;
    assert_int_equal(architecture_of_program("/proc/self/exe", &found, NULL), 0);
    assert_string_equal(found, OWN_ARCHITECTURE);
    assert_string_equal(architecture_of_machine(OWN_MACHINE), OWN_ARCHITECTURE);
}

/* 64 bits, low byte first, and a machine's number at 18: the rest of the header does not matter. */
static int of_header(const char *file, unsigned char machine, unsigned char class,
                     const char **found)
{
    unsigned char head[64] = {0x7f, 'E', 'L', 'F', class, 1, [18] = machine};
    assert_int_equal(file_write_atomic(file, head, sizeof(head), 0644, NULL), 0);
    return architecture_of_program(file, found, NULL);
}

static void test_programs(void **state)
{
    AUTO_FREE char *file = xasprintf("%s/program", (const char *) *state);
    const char *found = NULL;
    assert_int_equal(of_header(file, 62, 2, &found), 0);
    assert_string_equal(found, "amd64");
    assert_int_equal(of_header(file, 183, 2, &found), 0);
    assert_string_equal(found, "arm64");
    assert_int_equal(of_header(file, 243, 2, &found), 0);
    assert_string_equal(found, "unknown");
    found = NULL;
    assert_int_equal(of_header(file, 3, 1, &found), -ENOEXEC); /* 32 bits */
    assert_int_equal(file_write_atomic(file, "#!/bin/sh\n", 10, 0755, NULL), 0);
    assert_int_equal(architecture_of_program(file, &found, NULL), -ENOEXEC);
    assert_int_equal(architecture_of_program("/nonexistent", &found, NULL), -ENOENT);
    assert_null(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_own_program),
        cmocka_folder_test(test_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
