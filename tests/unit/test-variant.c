#include "tests/unit/unit.h"

#include "iso/variant.h"

static void test_names(void **state)
{
    (void) state;
    const struct iso_variant *amd64 = iso_variant_find("amd64");
    const struct iso_variant *arm64 = iso_variant_find("arm64");
    assert_true(amd64->bios);
    assert_string_equal(amd64->shim, "BOOTX64.EFI");
    assert_string_equal(amd64->signed_grub, "/usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed");
    assert_false(arm64->bios);
    assert_string_equal(arm64->shim, "BOOTAA64.EFI");
    assert_string_equal(arm64->grub, "grubaa64.efi");
    assert_string_equal(arm64->signed_shim, "/usr/lib/shim/shimaa64.efi.signed");
    assert_null(iso_variant_find("riscv64"));
    assert_non_null(iso_variant_own());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
