#include "tests/unit/unit.h"

#include "iso/bios-boot.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/strv.h"

#include <errno.h>

static void test_sector(void **state)
{
    (void) state;
    unsigned char boot[BIOS_SECTOR], sector[BIOS_SECTOR];
    memset(boot, 0x11, sizeof(boot));
    memset(sector, 0x22, sizeof(sector));
    boot[0x66] = 0xeb;
    boot[0x1fe] = 0x55;
    boot[0x1ff] = 0xaa;
    assert_int_equal(bios_boot_sector(boot, 0x123456789a, sector, NULL), 0);
    static const unsigned char core[] = {0x9a, 0x78, 0x56, 0x34, 0x12, 0, 0, 0};
    assert_memory_equal(sector + 0x5c, core, sizeof(core));
    assert_int_equal(sector[0], 0x11);
    assert_int_equal(sector[0x66], 0x90);
    assert_int_equal(sector[0x67], 0x90);
    assert_int_equal(sector[0x1b7], 0x11);
    /* What the partition table's maker wrote. */
    for (size_t i = 0x1b8; i < 0x1fe; i++)
        assert_int_equal(sector[i], 0x22);
    assert_int_equal(sector[0x1ff], 0xaa);
    boot[0x66] = 0;
    assert_int_equal(bios_boot_sector(boot, 1, sector, NULL), -EBADMSG);
    boot[0x66] = 0xeb;
    boot[0x1ff] = 0;
    assert_int_equal(bios_boot_sector(boot, 1, sector, NULL), -EBADMSG);
}

static void test_core(void **state)
{
    (void) state;
    unsigned char core[4 * BIOS_SECTOR] = {0};
    core[BIOS_SECTOR - 4] = 3;    /* sectors after the first */
    core[BIOS_SECTOR - 2] = 0x20; /* segment 0x820 */
    core[BIOS_SECTOR - 1] = 0x08;
    assert_int_equal(bios_boot_core(core, sizeof(core), 2048, NULL), 0);
    assert_int_equal(core[BIOS_SECTOR - 12], 0x01);
    assert_int_equal(core[BIOS_SECTOR - 11], 0x08);                                /* 2049 */
    assert_int_equal(bios_boot_core(core, sizeof(core) - 1, 2048, NULL), 0);       /* not padded */
    assert_int_equal(bios_boot_core(core, 3 * BIOS_SECTOR, 2048, NULL), -EBADMSG); /* cut */
    assert_int_equal(bios_boot_core(core, BIOS_SECTOR, 2048, NULL), -EBADMSG);
    core[BIOS_SECTOR - 1] = 0;
    assert_int_equal(bios_boot_core(core, sizeof(core), 2048, NULL), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sector), cmocka_unit_test(test_core)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
