#include "tests/unit/unit.h"

#include "iso/consoles.h"

#include <fcntl.h>
#include <unistd.h>

static void test_devices(void **state)
{
    (void) state;
    STRV(devices);
    iso_consoles_devices("tty0 ttyS0 ../sda tty0\n", &devices);
    assert_int_equal(devices.count, 2);
    assert_string_equal(devices.items[0], "/dev/tty1");
    assert_string_equal(devices.items[1], "/dev/ttyS0");
}

static void test_no_devices(void **state)
{
    (void) state;
    STRV(devices);
    iso_consoles_devices("", &devices);
    iso_consoles_devices("\n", &devices);
    assert_int_equal(devices.count, 0);
}

static void test_screens(void **state)
{
    (void) state;
    static const char *const lines[] = {"/dev/ttyS0", "/dev/ttyAMA0", "/dev/hvc0", "/dev/tty"};
    assert_true(iso_consoles_is_screen("/dev/tty1"));
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
        assert_false(iso_consoles_is_screen(lines[i]));
}

/* A screen is cleared, a line is not. */
static void test_show(void **state)
{
    (void) state;
    int screen[2], serial[2];
    char got[64] = "";
    assert_int_equal(pipe2(screen, O_NONBLOCK), 0);
    assert_int_equal(pipe2(serial, O_NONBLOCK), 0);
    struct iso_consoles c = {.fds = {screen[1], serial[1]}, .is_screen = {true, false}, .count = 2};
    iso_consoles_show(&c, "text");
    assert_int_equal(read(screen[0], got, sizeof(got)), 11);
    assert_memory_equal(got, "\033[H\033[2Jtext", 11);
    assert_int_equal(read(serial[0], got, sizeof(got)), 5);
    assert_memory_equal(got, "\ntext", 5);
    iso_consoles_close(&c);
    (void) close(screen[0]);
    (void) close(serial[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_no_devices),
        cmocka_unit_test(test_screens),
        cmocka_unit_test(test_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
