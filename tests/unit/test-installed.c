#include "tests/unit/unit.h"

#include "iso/installed.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/strv.h"

#define DISK "01234567-89ab-4cde-af01-23456789abc"

static void test_parse(void **state)
{
    (void) state;
    static const struct {
        const char *line;
        int slot; /* -1: none */
    } cases[] = {
        {"BOOT_IMAGE=/boot/vmlinuz boot=bigtop bigtop.disk=" DISK " quiet bigtop.slot=A\n", SLOT_A},
        {"bigtop.slot=B bigtop.disk=" DISK, SLOT_B},
        {"boot=bigtop bigtop.image=0123456789abcdef bigtop.role=host", -1},
        {"bigtop.slot=A", -1},
        {"bigtop.disk=" DISK, -1},
        {"bigtop.slot=C bigtop.disk=" DISK, -1},
        {"bigtop.slot=AB bigtop.disk=" DISK, -1},
        {"bigtop.slot=A bigtop.disk=" DISK "1", -1},
        {"bigtop.slot=A bigtop.disk=../../../../../../sda4567-89ab-abcd", -1},
        {"bigtop.slot=A\nbigtop.disk=" DISK, -1},
        {"", -1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct installed m;
        bool found = installed_parse(cases[i].line, &m);
        if (found != (cases[i].slot >= 0) || (found && (int) m.slot != cases[i].slot))
            fail_msg("%s", cases[i].line);
        if (found)
            assert_string_equal(m.disk, DISK);
    }
}

static void test_partition(void **state)
{
    (void) state;
    const struct installed m = {.disk = DISK};
    AUTO_FREE char *path = installed_partition(&m, 4);
    assert_string_equal(path, "/dev/disk/by-partuuid/" DISK "4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parse),
                                       cmocka_unit_test(test_partition)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
