#include "tests/unit/unit.h"

#include "iso/announce.h"
#include "lib/fd.h"
#include "lib/path.h"

static char *file_of(const struct iso_links *links, const char *serial)
{
    STRBUF(out, 16 * 1024);
    const struct iso_announcement a = {
        .links = links, .fingerprint = "SHA256:abc", .serial = serial, .image = "0a1b", .port = 22};
    iso_announcement_file(&a, &out);
    return strbuf_steal(&out);
}

static void test_file(void **state)
{
    (void) state;
    struct iso_link made[] = {{.name = "eno1", .mac = "52:54:00:00:00:01"},
                              {.name = "eno2", .mac = "52:54:00:00:00:02"},
                              {.name = "bond0", .mac = "52:54:00:00:00:01", .kind = ISO_BOND_LINK}};
    const struct iso_links links = {made, 3};
    AUTO_FREE char *text = file_of(&links, "S1");
    assert_string_equal(
        text, "<?xml version=\"1.0\" standalone='no'?>\n"
              "<!DOCTYPE service-group SYSTEM \"avahi-service.dtd\">\n"
              "<service-group>\n <name replace-wildcards=\"yes\">%h</name>\n <service>\n"
              "  <type>_bigtop-host._tcp</type>\n  <port>22</port>\n"
              "  <txt-record>mac=52:54:00:00:00:01,52:54:00:00:00:02</txt-record>\n"
              "  <txt-record>serial=S1</txt-record>\n  <txt-record>key=SHA256:abc</txt-record>\n"
              "  <txt-record>image=0a1b</txt-record>\n </service>\n</service-group>\n");
}

/* A text is 255 bytes at most: more of them. */
static void test_many_cards(void **state)
{
    (void) state;
    struct iso_link made[30] = {0};
    for (unsigned i = 0; i < 30; i++)
        snprintf(made[i].mac, sizeof(made[i].mac), "52:54:00:00:00:%02x", i);
    const struct iso_links links = {made, 30};
    AUTO_FREE char *text = file_of(&links, "");
    STRV(lines);
    strv_split(&lines, text, '\n');
    for (size_t i = 0; i < lines.count; i++)
        assert_true(strlen(lines.items[i]) < 255);
    assert_non_null(strstr(text, ">mac=52:54:00:00:00:00,"));
    assert_non_null(strstr(text, ">mac2=52:54:00:00:00:0c,"));
    assert_non_null(strstr(text, ">mac3=52:54:00:00:00:18,"));
    assert_non_null(strstr(text, "52:54:00:00:00:1d<"));
    assert_null(strstr(text, "serial"));
}

static void test_serial_that_is_markup(void **state)
{
    (void) state;
    const struct iso_links none = {0};
    AUTO_FREE char *text = file_of(&none, "a</txt-record><x>");
    assert_null(strstr(text, "serial"));
    assert_null(strstr(text, "mac="));
}

static void expect_serial(const char *dir, const char *written, const char *wanted)
{
    AUTO_FREE char *path = path_join(dir, "product_serial");
    assert_int_equal(file_write_atomic(path, written, strlen(written), 0400, NULL), 0);
    AUTO_FREE char *serial = iso_serial(dir);
    assert_string_equal(serial, wanted);
}

static void test_serial(void **state)
{
    AUTO_FREE char *none = iso_serial(*state);
    assert_string_equal(none, "");
    expect_serial(*state, "CZJ0410ABC\n", "CZJ0410ABC");
    expect_serial(*state, "CZJ 0410  \n", "CZJ 0410");
    expect_serial(*state, "  \n", "");
    expect_serial(*state, "a\033[2J\n", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_many_cards),
        cmocka_unit_test(test_serial_that_is_markup),
        cmocka_folder_test(test_serial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
