#include "tests/unit/unit.h"

#include "iso/disk-layout.h"
#include "lib/disk-choice.h"
#include "lib/disk-probe.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/process.h"
#include "lib/strv.h"

#include <unistd.h>

#define GIB (1ULL << 30)
#define UUID "01234567-89ab-4cde-af01-23456789abc"

static void test_sizes(void **state)
{
    (void) state;
    assert_int_equal(layout_slot_size(1), GIB);
    assert_int_equal(layout_slot_size(GIB), 2 * GIB);
    assert_int_equal(layout_slot_size(GIB + 1), 2 * GIB + (1 << 20));
    assert_true(layout_disk_size(GIB) >= 4 * GIB + LAYOUT_STATE_MIN + LAYOUT_EFI_SIZE);
}

/* By sfdisk, on a file that is as small as a disk may be: that all five fit is what
 * layout_disk_size promises. */
static void test_script(void **state)
{
    (void) state;
    char path[] = "/tmp/test-disk-layout-XXXXXX";
    AUTO_FD fd = mkstemp(path);
    STRBUF(script, 4096);
    STRBUF(out, 16384);
    struct error err = ERROR_INIT;
    if (!process_in_path("sfdisk"))
        skip();
    assert_int_equal(ftruncate(fd, (off_t) layout_disk_size(GIB)), 0);
    layout_script(GIB, UUID, &script);
    const char *const make[] = {"sfdisk", "--quiet", path, NULL};
    const char *const dump[] = {"sfdisk", "--dump", path, NULL};
    struct process_options opts = {.stdin_data = script.data, .stdin_len = script.len};
    if (process_run(make, &opts, NULL, &err) < 0)
        fail_msg("%s", err.text);
    opts = (struct process_options){.out = &out};
    assert_int_equal(process_run(dump, &opts, NULL, NULL), 0);
    static const char *const lines[] = {
        "start=        2048, size=        2048, type=21686148-6449-6E6F-744E-656564454649",
        "size=      524288, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
        "size=     4194304, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4",
        "uuid=01234567-89AB-4CDE-AF01-23456789ABC1, name=\"bigtop-bios\"",
        "uuid=01234567-89AB-4CDE-AF01-23456789ABC4, name=\"bigtop-B\"",
        "uuid=01234567-89AB-4CDE-AF01-23456789ABC5, name=\"bigtop-state\"",
    };
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
        if (!strstr(out.data, lines[i]))
            fail_msg("no \"%s\" in:\n%s", lines[i], out.data);
    /* What the judge of disks will see of it, and knows again. */
    json_t *signatures = NULL;
    assert_int_equal(disk_probe(fd, &signatures, NULL), 0);
    AUTO_JSON *disk = json_pack("{s:o}", "signatures", signatures);
    assert_true(json_array_size(signatures) >= 1);
    assert_true(disk_has_installation(disk, UUID));
    assert_false(disk_has_installation(disk, "11234567-89ab-4cde-af01-23456789abc"));
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sizes), cmocka_unit_test(test_script)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
