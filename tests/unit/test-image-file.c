#include "tests/unit/unit.h"

#include "iso/image-file.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/strv.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define BLOCKS 3000 /* of 2048 bytes: more than one chunk */
#define SIZE (BLOCKS * 2048)

static int new_file(void)
{
    char path[] = "/tmp/test-image-file-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    return fd;
}

/* With a volume descriptor, and something else in every block. */
static int new_image(void)
{
    int fd = new_file();
    for (uint32_t i = 0; i < BLOCKS; i++)
        assert_int_equal(pwrite(fd, &i, sizeof(i), (off_t) i * 2048), sizeof(i));
    unsigned char d[84] = "\1CD001";
    d[80] = BLOCKS & 0xff;
    d[81] = BLOCKS >> 8;
    assert_int_equal(pwrite(fd, d, sizeof(d), 16 * 2048), sizeof(d));
    assert_int_equal(ftruncate(fd, SIZE + 4096), 0);
    return fd;
}

static void test_size(void **state)
{
    (void) state;
    uint64_t size = 7;
    AUTO_FD image = new_image();
    AUTO_FD empty = new_file();
    assert_int_equal(image_file_size(empty, &size, NULL), -EBADMSG);
    assert_int_equal(ftruncate(empty, 1 << 20), 0);
    assert_int_equal(image_file_size(empty, &size, NULL), -EBADMSG);
    assert_int_equal(size, 7);
    assert_int_equal(image_file_size(image, &size, NULL), 0);
    assert_int_equal(size, SIZE);
}

static void test_copy(void **state)
{
    (void) state;
    static char a[SIZE], b[SIZE];
    AUTO_FD image = new_image();
    AUTO_FD to = new_file();
    struct image_copy copy = {.from = image, .to = to, .size = SIZE};
    assert_int_equal(image_file_copy(&copy, NULL), 0);
    assert_int_equal(pread(image, a, SIZE, 0), SIZE);
    assert_int_equal(pread(to, b, SIZE, 0), SIZE);
    assert_memory_equal(a, b, SIZE);
    assert_int_equal(lseek(to, 0, SEEK_END), SIZE);
}

static void note(void *userdata, const char *what, int percent)
{
    strbuf_addf(userdata, "%s %d;", what, percent);
}

static void test_progress(void **state)
{
    (void) state;
    STRBUF(told, 4096);
    AUTO_FD image = new_image();
    AUTO_FD to = new_file();
    const struct image_copy copy = {
        .from = image, .to = to, .size = SIZE, .progress = note, .userdata = &told};
    assert_int_equal(image_file_copy(&copy, NULL), 0);
    assert_string_equal(told.data, "copying 60;copying 100;checking 60;checking 100;");
}

static void test_fails(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    bool stop = true;
    AUTO_FD image = new_image();
    AUTO_FD to = new_file();
    AUTO_FD full = open("/dev/full", O_RDWR | O_CLOEXEC);
    AUTO_FD other = open("/dev/null", O_RDWR | O_CLOEXEC); /* keeps nothing */
    struct image_copy copy = {.from = image, .to = to, .size = 2 * SIZE};
    assert_int_equal(image_file_copy(&copy, &err), -ENODATA); /* an image that was cut */
    copy.size = SIZE;
    copy.to = full;
    assert_int_equal(image_file_copy(&copy, &err), -ENOSPC);
    copy.to = other;
    assert_true(image_file_copy(&copy, &err) < 0);
    copy.to = to;
    copy.cancel = &stop;
    assert_int_equal(image_file_copy(&copy, &err), -ECANCELED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_progress),
        cmocka_unit_test(test_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
