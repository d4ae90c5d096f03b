#include "tests/unit/unit.h"

#include "iso/install-mark.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/strv.h"

#include <fcntl.h>
#include <unistd.h>

static struct install_mark example(void)
{
    return (struct install_mark){.phase = INSTALL_COPIED,
                                 .image = "0123456789abcdef",
                                 .disk = "01234567-89ab-4cde-af01-23456789abc",
                                 .identity = "S3Z8 NB0K/1"};
}

static void test_there_and_back(void **state)
{
    (void) state;
    char block[INSTALL_MARK_SIZE];
    for (int phase = INSTALL_BEGUN; phase <= INSTALL_DONE; phase++) {
        struct install_mark m = example(), found;
        m.phase = (enum install_phase) phase;
        install_mark_format(&m, block);
        assert_true(install_mark_parse(block, &found));
        assert_int_equal(found.phase, phase);
        assert_string_equal(found.image, m.image);
        assert_string_equal(found.disk, m.disk);
        assert_string_equal(found.identity, m.identity);
    }
}

/* One bit anywhere. */
static void test_changed(void **state)
{
    (void) state;
    char block[INSTALL_MARK_SIZE];
    struct install_mark m = example(), found = {.image = "untouched"};
    install_mark_format(&m, block);
    for (size_t i = 0; i < sizeof(block); i++) {
        block[i] = (char) (block[i] ^ 1);
        assert_false(install_mark_parse(block, &found));
        block[i] = (char) (block[i] ^ 1);
    }
    assert_string_equal(found.image, "untouched");
}

static void test_nothing(void **state)
{
    (void) state;
    char block[INSTALL_MARK_SIZE] = {0};
    struct install_mark found;
    assert_false(install_mark_parse(block, &found));
    memset(block, 'x', sizeof(block));
    assert_false(install_mark_parse(block, &found));
    memset(block, 0, sizeof(block));
    (void) snprintf(block, sizeof(block), "Bigtop installation 1\nphase done\nimage ");
    memset(block + strlen(block), 'a', 200); /* longer than it has room for */
    assert_false(install_mark_parse(block, &found));
}

static void test_on_a_disk(void **state)
{
    (void) state;
    AUTO_FREE char *path = xasprintf("%s/mark-XXXXXX", P_tmpdir);
    AUTO_FD fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    struct install_mark m = example(), found;
    assert_int_equal(install_mark_read(fd, &found, NULL), 0); /* too short for one */
    assert_int_equal(ftruncate(fd, 1 << 20), 0);
    assert_int_equal(install_mark_read(fd, &found, NULL), 0);
    assert_int_equal(install_mark_write(fd, &m, NULL), 0);
    assert_int_equal(install_mark_read(fd, &found, NULL), 1);
    assert_string_equal(found.identity, m.identity);
    AUTO_FD closed = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_true(install_mark_read(closed, &found, NULL) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_changed),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_on_a_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
