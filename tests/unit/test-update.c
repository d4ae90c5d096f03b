#include "tests/unit/unit.h"

#include "iso/update.h"

#define HASH "26f2e57c99338feaf71c46fa4babdc7e1a6c115943002d109fdb746667104f5f"
#define LINE(name) HASH "  " name "\n"
#define ALL \
    LINE("boot/vmlinuz") \
    LINE("boot/initrd.img") \
    LINE("bigtop/root.squashfs") LINE("bigtop/packages.tsv") LINE("bigtop/site.squashfs")

static void test_complete(void **state)
{
    (void) state;
    assert_true(update_sums_complete(ALL LINE("bigtop/bundle")));
    assert_false(update_sums_complete(ALL));
    assert_false(update_sums_complete(ALL LINE("bigtop/bundle.old")));
    assert_false(update_sums_complete(ALL "short  bigtop/bundle\n"));
    assert_false(update_sums_complete(ALL HASH " bigtop/bundle\n"));
    assert_false(update_sums_complete(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_complete)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
